"""Makes one call: sends it once, judges the answer, reads it, and writes one log line about it."""

import asyncio
from collections.abc import Callable
from typing import Final, TypeVar

import aiohttp
import structlog
from yarl import URL

from service.graph.answers import Answer, OddAnswerError, read_answer
from service.graph.credentials import Credentials
from service.graph.failure import GraphFailure, broken, odd, refused
from service.graph.requests import Call
from service.graph.transport import NoReply, send
from service.graph.verdicts import Verdict, judge
from service.metrics.instruments import count_graph_call
from service.tracing.spans import Kind, Span, span

T = TypeVar("T")

VERSION_CHARS_MAX: Final = 16
"""Characters logged of the version that a header names."""

_log: structlog.typing.FilteringBoundLogger = structlog.get_logger(__name__)


class Exchange:
    """Where and how long calls go out; warns once when another version answers."""

    def __init__(
        self, session: aiohttp.ClientSession, *, base_url: str, version: str, timeout_s: float
    ) -> None:
        self._session = session
        self._root = f"{base_url.rstrip('/')}/{version}"
        self._version = version
        self._timeout_s = timeout_s
        self._has_warned = False

    async def make(self, call: Call, credentials: Credentials, read: Callable[[Answer], T]) -> T:
        """Make the call and read its answer.

        Raises: GraphFailure, also when `read` finds the answer odd.
        """
        with span(Kind.GRAPH, call.endpoint, call.about) as seen:
            return await self._make(call, credentials, read, seen)

    async def _make(
        self, call: Call, credentials: Credentials, read: Callable[[Answer], T], seen: Span
    ) -> T:
        loop = asyncio.get_running_loop()
        started = loop.time()
        try:
            answer = await self._answer(call, credentials)
            result = _read_success(call, credentials, answer, read)
        except GraphFailure as failure:
            _tell(call, seen, loop.time() - started, failure.verdict, failure)
            raise
        except asyncio.CancelledError:
            _tell(call, seen, loop.time() - started, "CANCELLED", None)
            raise
        _tell(call, seen, loop.time() - started, "OK", answer)
        return result

    async def _answer(self, call: Call, credentials: Credentials) -> Answer:
        if not credentials.is_sendable:
            raise GraphFailure(
                Verdict.TOKEN, message="the access token holds characters that no token has"
            )
        reply = await send(
            self._session,
            call.method,
            URL(f"{self._root}/{call.path}").with_query(call.params),
            bearer=call.bearer,
            body=call.body,
            timeout_s=self._timeout_s,
        )
        if isinstance(reply, NoReply):
            raise broken(reply.what, was_sent=reply.was_sent, is_write=call.is_write)
        answer = read_answer(
            reply.http_status,
            reply.headers,
            reply.body,
            ad_account_number=call.ad_account_number,
        )
        self._warn_of_other_version(answer.served_version)
        return answer

    def _warn_of_other_version(self, served: str) -> None:
        if served in ("", self._version) or self._has_warned:
            return
        self._has_warned = True
        _log.warning(
            "graph version differs", asked=self._version, served=served[:VERSION_CHARS_MAX]
        )


def _read_success(
    call: Call, credentials: Credentials, answer: Answer, read: Callable[[Answer], T]
) -> T:
    verdict = judge(answer, is_write=call.is_write)
    if verdict is not None:
        raise refused(verdict, answer, credentials)
    try:
        return read(answer)
    except OddAnswerError as error:
        raise odd(answer, str(error), is_write=call.is_write) from None


def _tell(
    call: Call, seen: Span, took_s: float, verdict: str, told_by: Answer | GraphFailure | None
) -> None:
    """Say once what came of the call: to the metrics, the trace and the log."""
    count_graph_call(call.endpoint, str(verdict), took_s)
    seen.note("verdict", str(verdict))
    if told_by:
        seen.note("facebook_trace_id", told_by.trace_id)
    failure = told_by if isinstance(told_by, GraphFailure) else None
    usage = told_by.usage if told_by else None
    _log.info(
        "graph call",
        endpoint=call.endpoint,
        method=call.method,
        **call.about,
        rows=call.rows,
        http_status=told_by.http_status if told_by else None,
        verdict=str(verdict),
        code=failure.code if failure else None,
        subcode=failure.subcode if failure else None,
        facebook_trace_id=told_by.trace_id if told_by else "",
        usage_percent=usage.percent if usage else None,
        retry_after_s=failure.retry_after_s if failure else None,
        duration_ms=round(took_s * 1000, 1),
    )
