"""Decides whose a call is, and whether it may come in: by its token before its request is read.

gRPC tells a caller's certificate to handlers only, so who comes by one alone is asked when the request, or a
stream's handler, is there.
"""

from collections.abc import Callable, Sequence
from functools import partial

import structlog

from service.clock import Clock
from service.rpc.access.caller_limits import CallerBounds, CallerLimits
from service.rpc.access.callers import Caller, note_caller
from service.rpc.access.known_callers import KnownCallers
from service.rpc.access.scopes import Scope
from service.rpc.access.standing import note_standing
from service.rpc.access.tokens import (
    AUTHORIZATION,
    bearer_token,
    certificate_digest,
    is_of_certificate,
    token_digest,
)
from service.rpc.errors import CallerNotAllowed, CallerUnknown

_log = structlog.get_logger("service.rpc")


class Admission:
    """Finds callers by their tokens, or certificates, and counts their calls in."""

    def __init__(
        self,
        callers: KnownCallers,
        bounds: CallerBounds,
        clock: Clock,
        *,
        knows_certificates: bool = False,
    ) -> None:
        """`knows_certificates`: whether connections are made with callers' certificates, verified."""
        if callers.has_certificates() and not knows_certificates:
            _log.warning("callers' certificates are of no use: connections do not ask for them")
        self._knows_certificates = knows_certificates
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
        return self._admit(token_digest(token), scope, is_stream=is_stream)

    def asks_for_certificate(self, metadata: Sequence[tuple[str, str | bytes]]) -> bool:
        """Whether a certificate decides, in `admit_certified`: who sends a token is told by that alone."""
        if not self._knows_certificates or any(key == AUTHORIZATION for key, _ in metadata):
            return False
        return self._callers.has_certificates()

    def admit_certified(
        self, identities: Sequence[bytes], scope: Scope | None, *, is_stream: bool
    ) -> Callable[[], None]:
        """As `admit`, by the names in the certificate that the connection was made with.

        Raises: CallerUnknown, CallerNotAllowed, CallerOverLimit.
        """
        digests = [certificate_digest(name.decode(errors="replace")) for name in identities]
        known = {found.name: digest for digest in digests if (found := self._callers.find(digest))}
        if not known:
            raise CallerUnknown(why="no token, and no certificate of a caller")
        if len(known) > 1:
            raise CallerUnknown(why=f"its certificate is that of {', '.join(sorted(known))}")
        return self._admit(next(iter(known.values())), scope, is_stream=is_stream)

    def _admit(self, digest: bytes, scope: Scope | None, *, is_stream: bool) -> Callable[[], None]:
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
        """Whose token or certificate it is, which is noted. Raises: CallerUnknown."""
        caller = self._callers.find(digest)
        if caller is None:
            raise CallerUnknown(why=f"no such {_shown(digest)}")
        note_caller(caller)
        if caller.expires_at is not None and caller.has_expired(self._clock.now()):
            raise CallerUnknown(why=f"the {_shown(digest)} has expired")
        return caller

    def _check_standing(self, digest: bytes, scope: Scope | None) -> None:
        _check_scope(self._find(digest), scope)


def _shown(digest: bytes) -> str:
    return "certificate" if is_of_certificate(digest) else "token"


def _check_scope(caller: Caller, scope: Scope | None) -> None:
    if scope is None or scope not in caller.scopes:
        raise CallerNotAllowed(
            why=f"scope {scope or 'of this method'} is missing", metadata={"scope": scope or ""}
        )
