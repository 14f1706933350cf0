"""Decides by what comes before its request whose a call is, and whether it may come in."""

from collections.abc import Callable, Sequence

from service.clock import Clock
from service.rpc.access.caller_limits import CallerBounds, CallerLimits
from service.rpc.access.callers import Caller, note_caller
from service.rpc.access.known_callers import KnownCallers
from service.rpc.access.scopes import Scope
from service.rpc.access.tokens import bearer_token
from service.rpc.errors import CallerNotAllowed, CallerUnknown


class Admission:
    """Finds callers by their tokens and counts their calls in."""

    def __init__(self, callers: KnownCallers, bounds: CallerBounds, clock: Clock) -> None:
        self._callers = callers
        self._limits = CallerLimits(bounds)
        self._clock = clock

    def admit(
        self,
        metadata: Sequence[tuple[str, str | bytes]],
        scope: Scope | None,
        *,
        is_stream: bool,
    ) -> Callable[[], None]:
        """Let the call of this task in; what is returned counts it out again.

        `scope` is what its method needs; None needs more than anybody has.
        Raises: CallerUnknown, CallerNotAllowed, CallerOverLimit.
        """
        caller = self._find(bearer_token(metadata))
        note_caller(caller)
        leave = self._limits.admit(caller.name, self._clock.monotonic(), is_stream=is_stream)
        if scope is None or scope not in caller.scopes:
            leave()
            raise CallerNotAllowed(
                why=f"scope {scope or 'of this method'} is missing",
                metadata={"scope": scope or ""},
            )
        return leave

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
