"""The one log line that every call leaves. Never what a message holds."""

from collections.abc import Awaitable, Callable
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any, ClassVar, Final

import grpc
import structlog

from service.metrics.instruments import count_rpc
from service.rpc.access.callers import caller
from service.rpc.call_span import call_span
from service.rpc.calls import REFLECTION_NAME, SERVICE_NAME, AroundCalls, Context
from service.tracing.spans import Span

_log = structlog.get_logger("service.rpc")

_ERRORS: Final = frozenset({grpc.StatusCode.INTERNAL, grpc.StatusCode.UNKNOWN})


@dataclass(slots=True)
class CallNotes:
    """What the inner parts of a call tell its log line."""

    code: grpc.StatusCode = grpc.StatusCode.OK
    reason: str = ""
    why: str = ""
    """What the log is told beyond the caller."""
    caller: str = ""
    """The name that goes with the token; empty where none is asked for."""
    audience_id: str = ""
    ad_account_id: str = ""
    peer: str = ""
    context: Context | None = None

    def user_agent(self) -> str:
        """What the caller's program calls itself; empty when it does not say. Seldom asked for."""
        sent = (self.context.invocation_metadata() if self.context else None) or ()
        return next((str(value) for key, value in sent if key == "user-agent"), "")

    def of_caller(self) -> dict[str, str]:
        """What there is to tell of who called: nothing where nobody is asked."""
        told = {"caller": self.caller} if self.caller else {}
        return {**told, "why": self.why} if self.why else told


_notes: ContextVar[CallNotes] = ContextVar("service_rpc_call_notes")


def notes() -> CallNotes:
    """The notes of the call at hand; loose ones outside a call."""
    return _notes.get(None) or CallNotes()


class LogCalls(AroundCalls):
    """Outermost: sees every call with the code that it ended with."""

    services: ClassVar[frozenset[str]] = frozenset({SERVICE_NAME, REFLECTION_NAME})

    def __init__(self, monotonic: Callable[[], float]) -> None:
        super().__init__()
        self._monotonic = monotonic

    async def around(
        self, method: str, context: Context, call: Callable[[], Awaitable[Any]]
    ) -> Any:
        """Log the call when it has ended, however it ended."""
        with call_span(method, context) as span:
            return await self._logged(method, context, call, span)

    async def _logged(
        self, method: str, context: Context, call: Callable[[], Awaitable[Any]], span: Span
    ) -> Any:
        began = self._monotonic()
        peer = context.peer()  # which a cancelled call no longer knows
        seen = CallNotes(
            code=grpc.StatusCode.CANCELLED, caller=caller().name, peer=peer, context=context
        )
        _notes.set(seen)
        try:
            answer = await call()
            seen.code = grpc.StatusCode.OK
            return answer
        finally:
            took_s = self._monotonic() - began
            count_rpc(method, seen.code.name, took_s)
            span.note("rpc.response.status_code", seen.code.name)
            write = _log.error if seen.code in _ERRORS else _log.info
            write(
                "rpc",
                method=method,
                peer=peer,
                code=seen.code.name,
                reason=seen.reason,
                duration_ms=round(took_s * 1000, 1),
                audience_id=seen.audience_id,
                ad_account_id=seen.ad_account_id,
                **seen.of_caller(),
            )
