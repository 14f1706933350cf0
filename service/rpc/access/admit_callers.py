"""Decides of every call, before its request is read, whose it is and whether it may come in."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Final

import grpc
import grpc.aio

from service.clock import Clock
from service.rpc.access.caller_limits import CallerBounds, CallerLimits
from service.rpc.access.callers import Caller, note_caller
from service.rpc.access.known_callers import KnownCallers
from service.rpc.access.scopes import SCOPE_OF_METHOD, Scope
from service.rpc.access.silence import MESSAGE_SECONDS_MAX, current_call
from service.rpc.access.tokens import bearer_token
from service.rpc.calls import REFLECTION_NAME, REFUSED, SERVICE_NAME, Handler, note_refusal
from service.rpc.errors import CallerNotAllowed, CallerUnknown, ServiceError


@dataclass(frozen=True, slots=True, kw_only=True)
class Entrance:
    """Who may come in. Without `callers` anybody may, and nobody is told from another."""

    callers: KnownCallers | None = None
    bounds: CallerBounds = field(default_factory=CallerBounds)
    message_seconds_max: float = MESSAGE_SECONDS_MAX


OPEN: Final = Entrance()


class AdmitCallers(grpc.aio.ServerInterceptor):
    """Finds the caller and counts the call in. The request of a refused one is never read."""

    def __init__(self, callers: KnownCallers, bounds: CallerBounds, clock: Clock) -> None:
        self._callers = callers
        self._limits = CallerLimits(bounds)
        self._clock = clock

    async def intercept_service(
        self,
        continuation: Callable[[grpc.HandlerCallDetails], Awaitable[Handler | None]],
        handler_call_details: grpc.HandlerCallDetails,
    ) -> Handler | None:
        handler = await continuation(handler_call_details)
        service, _, method = handler_call_details.method.lstrip("/").partition("/")
        if handler is None or service not in _GUARDED:
            return handler
        try:
            self._admit(handler_call_details, _scope_of(service, method), handler)
        except ServiceError as error:
            note_refusal(error)
            return REFUSED
        return handler

    def _admit(
        self, details: grpc.HandlerCallDetails, scope: Scope | None, handler: Handler
    ) -> None:
        """Raises: CallerUnknown, CallerNotAllowed, CallerOverLimit."""
        caller = self._find(bearer_token(details.invocation_metadata or ()))
        note_caller(caller)
        is_stream = handler.request_streaming or handler.response_streaming
        leave = self._limits.admit(caller.name, self._clock.monotonic(), is_stream=is_stream)
        current_call().add_done_callback(lambda _: leave())
        if scope is None or scope not in caller.scopes:
            raise CallerNotAllowed(
                why=f"scope {scope or 'of this method'} is missing",
                metadata={"scope": scope or ""},
            )

    def _find(self, token: str | None) -> Caller:
        if token is None:
            raise CallerUnknown(why="no token")
        caller = self._callers.find(token)
        if caller is None:
            raise CallerUnknown(why="no such token")
        if caller.expires_at is not None and caller.has_expired(self._clock.now()):
            note_caller(caller)
            raise CallerUnknown(why="the token has expired")
        return caller


_GUARDED: Final = frozenset({SERVICE_NAME, REFLECTION_NAME})
"""Services that ask who calls; health does not."""


def _scope_of(service: str, method: str) -> Scope | None:
    """What a method needs; of one that nobody has thought about: more than anybody has."""
    return Scope.READ if service == REFLECTION_NAME else SCOPE_OF_METHOD.get(method)
