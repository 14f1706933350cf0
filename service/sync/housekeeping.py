"""Forgets what is kept only for a time: tombstones, first answers, counts of dropped values, old syncs."""

from datetime import timedelta
from typing import Final

from service.store import change_log, dropped_counts, imports, requests, syncs
from service.sync.held import HeldAudience

TOMBSTONES_KEPT: Final = timedelta(days=30)
TOMBSTONES_A_RUN: Final = 200_000
"""A list that replaced all may have left millions: they go by and by, none of them does harm."""
ANSWERS_KEPT: Final = timedelta(hours=24)
IMPORTS_KEPT: Final = timedelta(days=7)
"""The result of a finished import."""
OPEN_IMPORTS_KEPT: Final = timedelta(hours=24)
"""An import that nobody goes on with."""
DROPPED_COUNTS_KEPT: Final = timedelta(days=14)
HISTORY_KEPT: Final = timedelta(days=90)


async def forget_old(held: HeldAudience) -> None:
    """Delete what has outlived its time; bounded by what grew since the last run."""
    now = held.now()
    async with held.transaction() as connection:
        audience_no = held.audience_no
        await change_log.prune_tombstones(
            connection, audience_no, now - TOMBSTONES_KEPT, limit=TOMBSTONES_A_RUN
        )
        await requests.prune_requests(connection, audience_no, now - ANSWERS_KEPT)
        await imports.prune_imports(
            connection,
            audience_no,
            open_before=now - OPEN_IMPORTS_KEPT,
            finished_before=now - IMPORTS_KEPT,
        )
        await dropped_counts.prune_dropped_counts(
            connection, audience_no, before=now - DROPPED_COUNTS_KEPT
        )
        await syncs.prune_syncs(connection, audience_no, now - HISTORY_KEPT)
