"""How long an ad account's token lasts. Pure."""

from datetime import datetime, timedelta
from typing import Final

TOKEN_ENDS_SOON: Final = timedelta(days=14)
"""From so long before its end on a token is told of: time for whoever makes tokens to come back."""


def days_left(expires_at: datetime, now: datetime) -> int:
    """Whole days until then; 0 on the last day, negative after it has ended."""
    return (expires_at - now) // timedelta(days=1)


def ends_soon(expires_at: datetime | None, now: datetime) -> bool:
    """Whether a token has ended or will soon; one that does not expire never does."""
    return expires_at is not None and expires_at - now < TOKEN_ENDS_SOON
