"""Counts by the day what callers sent in vain, or in doubt: kinds and reasons, never values."""

from collections.abc import Mapping
from datetime import datetime
from typing import Final

from service.identifiers import Doubt, DropReason, Key
from service.store.connection import Connection
from service.store.queries import Command

DAY_S: Final = 86_400
_AFTER_ALL_DAYS: Final = 2**31 - 1

ADD_DROPPED_COUNTS = Command(
    "add_dropped_counts",
    takes={
        "audience_no": int,
        "day": int,
        "keys": list[int],
        "reasons": list[int],
        "counts": list[int],
    },
)
FORGET_DROPPED_COUNTS = Command(
    "forget_dropped_counts", takes={"audience_no": int, "before_day": int}
)


def day_of(time: datetime) -> int:
    """The day of a time: whole days since 1970 in UTC."""
    return int(time.timestamp() // DAY_S)


async def add_dropped_counts(
    connection: Connection,
    audience_no: int,
    dropped: Mapping[tuple[Key, DropReason | Doubt], int],
    *,
    now: datetime,
) -> None:
    """Count what was dropped or doubtful; costs nothing where nothing was. Order: under the audience's lock."""
    some = sorted(one for one in dropped.items() if one[1] > 0)
    if not some:
        return
    await ADD_DROPPED_COUNTS.execute(
        connection,
        audience_no=audience_no,
        day=day_of(now),
        keys=[int(key) for (key, _), _ in some],
        reasons=[int(reason) for (_, reason), _ in some],
        counts=[count for _, count in some],
    )


async def prune_dropped_counts(
    connection: Connection, audience_no: int, *, before: datetime
) -> None:
    """Forget whole days before a time."""
    await FORGET_DROPPED_COUNTS.execute(
        connection, audience_no=audience_no, before_day=day_of(before)
    )


async def forget_dropped_counts(connection: Connection, audience_no: int) -> None:
    """Forget all days."""
    await FORGET_DROPPED_COUNTS.execute(
        connection, audience_no=audience_no, before_day=_AFTER_ALL_DAYS
    )
