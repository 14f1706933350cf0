"""Callers: their name, what they may do, and to which audiences and ad accounts."""

from collections.abc import Sequence
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from service.rpc.access.scopes import Scope

ANY_END: Final = "*"
"""At the end of a pattern: whatever follows."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Caller:
    """Somebody with a token. Without patterns every audience is meant, and without accounts every one."""

    name: str
    scopes: frozenset[Scope]
    audience_patterns: Sequence[str] = ()
    """Audience ids, or their beginnings with a `*` behind."""
    ad_account_ids: frozenset[str] = frozenset()
    expires_at: datetime | None = None

    @property
    def is_limited(self) -> bool:
        """Whether there are audiences or ad accounts that are not for them."""
        return bool(self.audience_patterns or self.ad_account_ids)

    def may_use_audience(self, audience_id: str) -> bool:
        patterns = self.audience_patterns
        return not patterns or any(_matches(audience_id, pattern) for pattern in patterns)

    def may_use_ad_account(self, ad_account_id: str) -> bool:
        return not self.ad_account_ids or ad_account_id in self.ad_account_ids

    def has_expired(self, now: datetime) -> bool:
        return self.expires_at is not None and now >= self.expires_at


ANYBODY: Final = Caller(name="", scopes=frozenset(Scope))
"""Who calls where no tokens are asked for."""

_caller: ContextVar[Caller] = ContextVar("service_rpc_caller", default=ANYBODY)


def caller() -> Caller:
    """Who makes the call at hand. Work for several calls at once, as a group commit, has no caller."""
    return _caller.get()


def note_caller(known: Caller) -> None:
    """Say who makes the call of this task."""
    _caller.set(known)


def _matches(audience_id: str, pattern: str) -> bool:
    if pattern.endswith(ANY_END):
        return audience_id.startswith(pattern[:-1])
    return audience_id == pattern
