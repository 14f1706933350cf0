"""Decides by what comes before its request whose a call is, and whether it may come in."""

from collections.abc import Callable, Sequence
from functools import partial

from service.clock import Clock
from service.rpc.access.caller_limits import CallerBounds, CallerLimits
from service.rpc.access.callers import Caller, note_caller
from service.rpc.access.known_callers import KnownCallers
from service.rpc.access.scopes import Scope
from service.rpc.access.standing import note_standing
from service.rpc.access.tokens import bearer_token, token_digest
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
        token = bearer_token(metadata)
        if token is None:
            raise CallerUnknown(why="no token")
        digest = token_digest(token)
        caller = self._find(digest)
        leave = self._limits.admit(caller.name, self._clock.monotonic(), is_stream=is_stream)
        try:
            _check_scope(caller, scope)
        except CallerNotAllowed:
            leave()
            raise
        note_standing(partial(self._check_standing, digest, scope))
        return leave

    def _find(self, digest: bytes) -> Caller:
        """Whose token it is, which is noted. Raises: CallerUnknown."""
        caller = self._callers.find(digest)
        if caller is None:
            raise CallerUnknown(why="no such token")
        note_caller(caller)
        if caller.expires_at is not None and caller.has_expired(self._clock.now()):
            raise CallerUnknown(why="the token has expired")
        return caller

    def _check_standing(self, digest: bytes, scope: Scope | None) -> None:
        _check_scope(self._find(digest), scope)


def _check_scope(caller: Caller, scope: Scope | None) -> None:
    if scope is None or scope not in caller.scopes:
        raise CallerNotAllowed(
            why=f"scope {scope or 'of this method'} is missing", metadata={"scope": scope or ""}
        )
