"""The one log line that every call leaves. Never what a message holds."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any, Final

import grpc
import structlog

from service.metrics.instruments import count_rpc
from service.rpc.calls import Call, CallInterceptor

_log = structlog.get_logger("service.rpc")

_ERRORS: Final = frozenset({grpc.StatusCode.INTERNAL, grpc.StatusCode.UNKNOWN})


@dataclass(slots=True)
class CallNotes:
    """What the inner parts of a call tell its log line."""

    code: grpc.StatusCode = grpc.StatusCode.OK
    reason: str = ""
    audience_id: str = ""
    ad_account_id: str = ""


_notes: ContextVar[CallNotes] = ContextVar("service_rpc_call_notes")


def notes() -> CallNotes:
    """The notes of the call at hand; loose ones outside a call."""
    return _notes.get(CallNotes())


class LogCalls(CallInterceptor):
    """Outermost: sees every call with the code that it ended with."""

    def __init__(self, monotonic: Callable[[], float]) -> None:
        super().__init__()
        self._monotonic = monotonic

    @asynccontextmanager
    async def around(self, call: Call) -> AsyncIterator[Any]:
        """Log the call when it has ended, however it ended."""
        began = self._monotonic()
        peer = call.context.peer()  # which a cancelled call no longer knows
        seen = CallNotes(code=grpc.StatusCode.CANCELLED)
        _notes.set(seen)
        try:
            yield call.request
            seen.code = grpc.StatusCode.OK
        finally:
            took_s = self._monotonic() - began
            count_rpc(call.method, seen.code.name, took_s)
            write = _log.error if seen.code in _ERRORS else _log.info
            write(
                "rpc",
                method=call.method,
                peer=peer,
                code=seen.code.name,
                reason=seen.reason,
                duration_ms=round(took_s * 1000, 1),
                audience_id=seen.audience_id,
                ad_account_id=seen.ad_account_id,
            )
