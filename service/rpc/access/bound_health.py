"""Bounds calls of health, which anybody may make: they must not take the room of others."""

from collections.abc import Awaitable, Callable
from typing import Any, Final

import grpc
import grpc.aio
import structlog
from grpc_health.v1 import health

from service.rpc.access.silence import Arrivals, current_call
from service.rpc.calls import Context, Handler

HEALTH_CALLS_MAX: Final = 100
"""Calls of one method of health at once."""
HEALTH_SECONDS_MAX: Final = 10.0
"""Seconds until the few bytes of a check have to be there."""

_log = structlog.get_logger("service.rpc")


class BoundHealth(grpc.aio.ServerInterceptor):
    """Lets so many calls of each method in: watches that stay take no room of checks."""

    def __init__(
        self, monotonic: Callable[[], float], *, calls_max: int = HEALTH_CALLS_MAX
    ) -> None:
        self._calls_max = calls_max
        self._calls: dict[str, int] = {}
        self._arrivals = Arrivals(monotonic, HEALTH_SECONDS_MAX)

    async def intercept_service(
        self,
        continuation: Callable[[grpc.HandlerCallDetails], Awaitable[Handler | None]],
        handler_call_details: grpc.HandlerCallDetails,
    ) -> Handler | None:
        handler = await continuation(handler_call_details)
        method: str = handler_call_details.method
        if handler is None or not method.startswith(_PREFIX):
            return handler
        at_once = self._calls.get(method, 0)
        if at_once >= self._calls_max:
            _log.warning("health call refused", method=method, why="calls at once")
            return _TOO_MANY
        self._calls[method] = at_once + 1
        call = current_call()
        call.add_done_callback(lambda _: self._leave(method))
        if not handler.response_streaming:
            self._arrivals.expect(call)
        return handler

    def _leave(self, method: str) -> None:
        self._calls[method] -= 1


async def _refuse(_requests: Any, context: Context) -> None:
    await context.abort(grpc.StatusCode.RESOURCE_EXHAUSTED, "Too many calls of health at once.")


_PREFIX: Final = f"/{health.SERVICE_NAME}/"
_TOO_MANY: Final[Handler] = grpc.stream_stream_rpc_method_handler(_refuse)
"""Takes a stream, so that it answers before the request is there."""
