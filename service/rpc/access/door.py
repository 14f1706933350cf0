"""Where calls come in: asks who calls, counts them in and out, and ends those that say nothing."""

from collections.abc import Callable
from contextlib import aclosing
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any, ClassVar, Final, TypeAlias

import grpc
from grpc_health.v1 import health

from service.clock import Clock
from service.rpc.access.admission import Admission
from service.rpc.access.caller_limits import CallerBounds
from service.rpc.access.callers import caller
from service.rpc.access.health_door import HealthDoor
from service.rpc.access.known_callers import KnownCallers
from service.rpc.access.scopes import SCOPE_OF_METHOD, Scope
from service.rpc.access.silence import (
    MESSAGE_SECONDS_MAX,
    Arrivals,
    CallTask,
    current_call,
    talking,
)
from service.rpc.call_log import notes
from service.rpc.calls import (
    REFLECTION_NAME,
    REFUSED,
    SERVICE_NAME,
    Behaviour,
    CallInterceptor,
    Context,
    Handler,
    behaviour_of,
    note_refusal,
)
from service.rpc.errors import ServiceError


@dataclass(frozen=True, slots=True, kw_only=True)
class Entrance:
    """Who may come in. Without `callers` anybody may, and nobody is told from another.

    `knows_certificates`: whether connections ask callers for certificates, and verify them.
    """

    callers: KnownCallers | None = None
    knows_certificates: bool = False
    bounds: CallerBounds = field(default_factory=CallerBounds)
    message_seconds_max: float = MESSAGE_SECONDS_MAX


OPEN: Final = Entrance()
_Leave: TypeAlias = Callable[[], None]
"""Counts a call out."""
_AdmitLater: TypeAlias = Callable[[Context], _Leave]


class Door(CallInterceptor):
    """Decides before a request is read: that of a refused call never is."""

    services: ClassVar[frozenset[str]] = frozenset(
        {SERVICE_NAME, REFLECTION_NAME, health.SERVICE_NAME}
    )

    def __init__(self, entrance: Entrance, clock: Clock) -> None:
        super().__init__()
        callers = entrance.callers
        self._admission = (
            Admission(
                callers,
                entrance.bounds,
                clock,
                knows_certificates=entrance.knows_certificates,
            )
            if callers
            else None
        )
        self._seconds_max = entrance.message_seconds_max
        self._arrivals = Arrivals(clock.monotonic, entrance.message_seconds_max)
        self._health = HealthDoor(clock.monotonic)

    def meet(
        self, service: str, method: str, handler: Handler, details: grpc.HandlerCallDetails, /
    ) -> Handler:
        """The handler that is surrounded, or one that refuses."""
        if service == health.SERVICE_NAME:
            return self._health.let_in(method, handler)
        arrivals = None if handler.request_streaming else self._arrivals
        try:
            leave, admit_later = self._admit(details, _scope_of(service, method), handler)
        except ServiceError as error:
            note_refusal(error)
            return REFUSED
        _visit.set(_Visit(method, leave, arrivals, admit_later))
        return self.surrounded(method, handler)

    def _admit(
        self, details: grpc.HandlerCallDetails, scope: Scope | None, handler: Handler
    ) -> "tuple[_Leave, _AdmitLater | None]":
        """How the call is counted out; and, of who may have a certificate, how it comes in later.

        Raises: CallerUnknown, CallerNotAllowed, CallerOverLimit.
        """
        admission, metadata = self._admission, details.invocation_metadata or ()
        if admission is None:
            return _nothing, None
        is_stream = handler.request_streaming or handler.response_streaming
        if not admission.asks_for_certificate(metadata):
            return admission.admit(metadata, scope, is_stream=is_stream), None

        def admit_later(context: Context) -> _Leave:
            identities = tuple(context.peer_identities() or ())
            try:
                return admission.admit_certified(identities, scope, is_stream=is_stream)
            finally:
                notes().caller = caller().name

        return _nothing, admit_later

    def behaviour(self, _method: str, handler: Handler, /) -> Behaviour:
        inner = behaviour_of(handler)

        async def behaviour(request: Any, context: Context) -> Any:
            leave = _visit.get().begin(context)
            try:
                return await inner(request, context)
            finally:
                leave()

        async def behaviour_of_stream(requests: Any, context: Context) -> Any:
            leave = _visit.get().begin(context)
            try:
                async with aclosing(talking(requests, self._seconds_max)) as inward:
                    return await inner(inward, context)
            finally:
                leave()

        return behaviour_of_stream if handler.request_streaming else behaviour


class _Visit:
    """A call from its coming in until its handler begins: it may end without one."""

    __slots__ = ("_admit_later", "_arrivals", "_call", "_leave")

    def __init__(
        self,
        method: str,
        leave: _Leave,
        arrivals: Arrivals | None,
        admit_later: _AdmitLater | None,
    ) -> None:
        self._call = current_call()
        self._leave = leave
        self._arrivals = arrivals
        self._admit_later = admit_later
        if arrivals is not None:
            arrivals.expect(self._call, method)
        self._call.add_done_callback(self._ended)

    def begin(self, context: Context) -> _Leave:
        """Its request is there. Whoever begins the handler calls what is returned in the end.

        Raises: CallerUnknown, CallerNotAllowed, CallerOverLimit, of who has no token.
        """
        self._call.remove_done_callback(self._ended)  # which would cost a turn of the loop
        if self._arrivals is not None:
            self._arrivals.arrived(self._call)
        return self._admit_later(context) if self._admit_later else self._leave

    def _ended(self, call: CallTask) -> None:
        if self._arrivals is not None:
            self._arrivals.arrived(call)
        self._leave()


_visit: ContextVar[_Visit] = ContextVar("service_rpc_visit")


def _nothing() -> None:
    """Nobody is counted where nobody is known."""


def _scope_of(service: str, method: str) -> Scope | None:
    """What a method needs; of one that nobody has thought about: more than anybody has."""
    return Scope.READ if service == REFLECTION_NAME else SCOPE_OF_METHOD.get(method)
