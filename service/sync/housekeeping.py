"""Forgets what is kept only for a time: tombstones, first answers, imports, counts, old removals and syncs.

In slices, each a transaction of its own: nobody waits for long, and what a stop cuts short stays for the
next run. It is done whenever a run has nothing else to do, so also for audiences that are paused, blocked
or fail, and once more when the history of a disconnected one is old.
"""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Final, TypeAlias

from service.store import change_log, dropped_counts, imports, requests, syncs
from service.store.change_log import PRUNED_REMOVALS_MAX
from service.store.connection import Connection
from service.sync.held import HeldAudience
from service.sync.settle import prune

TOMBSTONES_KEPT: Final = timedelta(days=30)
ANSWERS_KEPT: Final = timedelta(hours=24)
IMPORTS_KEPT: Final = timedelta(days=7)
"""The result of a finished import."""
OPEN_IMPORTS_KEPT: Final = timedelta(hours=24)
"""An import that nobody goes on with."""
DROPPED_COUNTS_KEPT: Final = timedelta(days=14)
HISTORY_KEPT: Final = timedelta(days=90)

SLICE_ROWS: Final = 10_000
"""Records that one transaction forgets: some tenths of a second."""
SLICES_A_RUN: Final = 500
"""Slices of one kind that a run forgets: what is beyond that is for the next run."""
LAST_DAY: Final = datetime(9999, 1, 1, tzinfo=UTC)

Forgetting: TypeAlias = Callable[[Connection, int, datetime], Awaitable[int]]
"""Forget one slice of what is older than a time; tells how many records that was."""


async def forget_old(held: HeldAudience, draining: asyncio.Event) -> None:
    """Delete what has outlived its time, until nothing is left of it or `draining`."""
    now = held.now()
    await _in_slices(held, _tombstones, now - TOMBSTONES_KEPT, draining)
    await _in_slices(held, _answers, now - ANSWERS_KEPT, draining)
    await _forget_removals(held, draining)
    async with held.transaction() as connection:
        await imports.prune_imports(
            connection,
            held.audience_no,
            open_before=now - OPEN_IMPORTS_KEPT,
            finished_before=now - IMPORTS_KEPT,
        )
        await dropped_counts.prune_dropped_counts(
            connection, held.audience_no, before=now - DROPPED_COUNTS_KEPT
        )
    await _in_slices(held, _history, now - HISTORY_KEPT, draining)


async def forget_after_the_end(held: HeldAudience, draining: asyncio.Event) -> datetime | None:
    """Delete what a disconnected audience needs no more; tells when the rest is old, None for never."""
    await _in_slices(held, _answers, LAST_DAY, draining)
    await _in_slices(held, _history, held.now() - HISTORY_KEPT, draining)
    assert held.work.disconnected_at is not None  # noqa: S101 - that is what the end is
    old_at = held.work.disconnected_at + HISTORY_KEPT
    return old_at if old_at > held.now() else None


async def _forget_removals(held: HeldAudience, draining: asyncio.Event) -> None:
    for _ in range(SLICES_A_RUN):
        forgotten = await prune(held, settled_up_to=held.work.synced_revision)
        if forgotten < PRUNED_REMOVALS_MAX or draining.is_set():
            return


async def _in_slices(
    held: HeldAudience, forget: Forgetting, before: datetime, draining: asyncio.Event
) -> None:
    for _ in range(SLICES_A_RUN):
        async with held.transaction() as connection:
            forgotten = await forget(connection, held.audience_no, before)
        if forgotten < SLICE_ROWS or draining.is_set():
            return


async def _tombstones(connection: Connection, audience_no: int, before: datetime) -> int:
    return await change_log.prune_tombstones(connection, audience_no, before, limit=SLICE_ROWS)


async def _answers(connection: Connection, audience_no: int, before: datetime) -> int:
    return await requests.prune_requests(connection, audience_no, before, limit=SLICE_ROWS)


async def _history(connection: Connection, audience_no: int, before: datetime) -> int:
    return await syncs.prune_syncs(connection, audience_no, before, limit=SLICE_ROWS)
