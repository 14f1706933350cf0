"""When an audience is looked at next. Pure."""

import random
from datetime import datetime, timedelta
from typing import Final

RETRY_FIRST: Final = timedelta(seconds=60)
"""After the first failed sync; doubled with each further one, up to the audience's interval."""
PROBE_INTERVAL: Final = timedelta(hours=1)
"""Between two tries of a blocked audience."""
PROBE_INTERVAL_MAX: Final = timedelta(days=1)
"""Between two tries while Facebook blocks the account for its conduct: every call makes it worse."""
NOT_READY_FOR: Final = timedelta(minutes=10)
"""Right after a create Facebook may say that there is no such audience; it passes in seconds."""
IDLE_LOOK: Final = timedelta(days=1)
"""Between two looks at an audience that nothing is due for."""
HELD_UP_LOOK: Final = timedelta(hours=1)
"""Between two looks at a paused or blocked audience: its log grows meanwhile and is kept short."""
REFRESH_SPREAD: Final = 0.1
"""Share of the refresh interval by which refreshes are spread to either side."""


def next_sync_after(
    now: datetime, *, interval: timedelta, failures_in_a_row: int, chance: random.Random
) -> datetime:
    """The next sync: an interval later, or sooner, with full jitter on the last half, after failures."""
    if failures_in_a_row == 0:
        return now + interval
    wait = min(interval, RETRY_FIRST * float(2 ** min(failures_in_a_row - 1, 20)))
    return now + wait * (0.5 + 0.5 * chance.random())


def next_probe_after(
    now: datetime, *, blocked_since: datetime | None, ever_more_rarely: bool
) -> datetime:
    """The next try of what is blocked; more and more rarely, after as long again as it has lasted."""
    lasted = now - blocked_since if blocked_since and ever_more_rarely else PROBE_INTERVAL
    return now + min(PROBE_INTERVAL_MAX, max(PROBE_INTERVAL, lasted))


def next_refresh_after(now: datetime, *, interval: timedelta, chance: random.Random) -> datetime:
    """The next refresh, spread so that audiences connected together do not refresh together."""
    return now + interval * (1 + REFRESH_SPREAD * (2 * chance.random() - 1))


def backoff_s(attempt: int, *, first_s: float, most_s: float, chance: random.Random) -> float:
    """Seconds before try number `attempt` + 1 of a call (attempt from 1), full jitter."""
    return chance.uniform(0, min(most_s, first_s * 2 ** (attempt - 1)))
