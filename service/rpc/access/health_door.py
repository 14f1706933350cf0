"""Bounds calls of health, which anybody may make: they must not take the room of others."""

from collections.abc import Callable
from typing import Any, Final

import grpc
import structlog

from service.rpc.access.silence import Arrivals, CallTask, current_call
from service.rpc.calls import Context, Handler

HEALTH_CALLS_MAX: Final = 100
"""Calls of one method of health at once: watches that stay take no room of checks."""
HEALTH_SECONDS_MAX: Final = 10.0
"""Seconds until the few bytes of a check have to be there."""

_log = structlog.get_logger("service.rpc")


class HealthDoor:
    """Lets so many calls of each method in."""

    def __init__(self, monotonic: Callable[[], float]) -> None:
        self._calls: dict[str, int] = {}
        self._arrivals = Arrivals(monotonic, HEALTH_SECONDS_MAX)

    def let_in(self, method: str, handler: Handler) -> Handler:
        """The handler of the call of this task, or one that refuses it."""
        at_once = self._calls.get(method, 0)
        if at_once >= HEALTH_CALLS_MAX:
            _log.warning("health call refused", method=method, why="calls at once")
            return _TOO_MANY
        self._calls[method] = at_once + 1
        call = current_call()
        if not handler.response_streaming:
            self._arrivals.expect(call, method)

        def over(_: CallTask) -> None:
            self._calls[method] -= 1
            self._arrivals.arrived(call)

        call.add_done_callback(over)
        return handler


async def _refuse(_requests: Any, context: Context) -> None:
    await context.abort(grpc.StatusCode.RESOURCE_EXHAUSTED, "Too many calls of health at once.")


_TOO_MANY: Final[Handler] = grpc.stream_stream_rpc_method_handler(_refuse)
"""Takes a stream, so that it answers before the request is there."""
