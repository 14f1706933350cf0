"""Whether whoever began a call may still go on with it: a stream may outlive its token."""

from collections.abc import Callable
from contextvars import ContextVar


def _always() -> None:
    """Where no tokens are asked for, none is revoked."""


_check: ContextVar[Callable[[], None]] = ContextVar("service_rpc_standing", default=_always)


def note_standing(check: Callable[[], None]) -> None:
    """Say how to find out about the caller of this task: `check` raises once they may not go on."""
    _check.set(check)


def check_standing() -> None:
    """Raises: CallerUnknown, CallerNotAllowed since the token was revoked, has expired or lost its scope."""
    _check.get()()
