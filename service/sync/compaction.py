"""Keeps the log of an audience that is not synced short: by row, not by time.

A long pause or block lets the log grow with every change. What a sync reads of it is less: which rows
anybody lost, which of them at once, and which rows were added last. So chunks that are not settled are
replaced by one of all rows removed and one of all rows added last. All removals of a place end in one
chunk: rows that a leaver had together are planned together, as before.
"""

import asyncio
from collections.abc import Sequence
from typing import Final

import structlog

from service.identifiers.packed_rows import PackedRows
from service.store import audiences, change_log
from service.store.change_log import COMPACTED_ROWS_MAX
from service.store.lease_guard import hold_lease
from service.store.rows import Chunk, Work
from service.sync.held import HeldAudience
from service.sync.log_reading import Entry, Operation, added_rows, removed_rows
from service.sync.stops import LogLost

COMPACT_FROM_ROWS: Final = 10_000
"""Rows pending: a log below is short enough."""
PENDING_PER_MEMBER: Final = 2
"""Rows pending for each member from which on a log is thought to repeat itself."""
WORTH_IT: Final = 0.75
"""Share of the rows that may be left, or a place of the log stays as it is."""

log = structlog.get_logger(__name__)


def is_long(work: Work) -> bool:
    """Whether more is pending than a list that is sent for the first time, or changed whole, has."""
    return work.rows_pending > max(COMPACT_FROM_ROWS, PENDING_PER_MEMBER * work.member_count)


def compact(chunks: Sequence[Entry]) -> list[tuple[str, PackedRows]]:
    """Say what chunks say in one chunk of each operation at most.

    Every row that was removed once, also where it was added again: who shares it is added again too.
    """
    removed, added = removed_rows(chunks), added_rows(chunks)
    shorter = [(Operation.REMOVE.value, removed), (Operation.ADD.value, added)]
    return [(operation, rows) for operation, rows in shorter if rows]


async def keep_log_short(held: HeldAudience) -> None:
    """Compact what is pending, if it is long, place by place. No sync is running. Raises LeaseLost."""
    if not is_long(held.work):
        return
    before = held.work.rows_pending
    try:
        await _compact_what_is_pending(held)
    except LogLost:
        log.warning("log not compacted: chunks are gone")
    await held.reload()
    log.info("log compacted", rows_before=before, rows_after=held.work.rows_pending)


async def _compact_what_is_pending(held: HeldAudience) -> None:
    after, end = held.work.synced_revision, held.work.revision
    while after < end and (chunks := await _read_place(held, after, end)):
        shorter = await asyncio.to_thread(_compact_if_worth_it, chunks)
        if shorter is not None:
            await _replace(held, after, chunks, shorter)
        if shorter is None or chunks[-1].revision == end:
            after = chunks[-1].revision  # else again from here: more may go into the same place


async def _read_place(held: HeldAudience, after: int, up_to: int) -> list[Chunk]:
    rows_max = min(COMPACTED_ROWS_MAX, held.context.limits.window_rows_max)
    async with held.context.pool.acquire() as connection:
        return await change_log.read_window(
            connection, held.audience_no, after=after, up_to=up_to, rows_max=rows_max
        )


def _compact_if_worth_it(chunks: Sequence[Chunk]) -> list[tuple[str, PackedRows]] | None:
    shorter = compact([(chunk.operation, chunk.packed_rows) for chunk in chunks])
    rows_before = sum(chunk.row_count for chunk in chunks)
    rows_after = sum(len(rows) for _, rows in shorter)
    return shorter if rows_after <= WORTH_IT * rows_before else None


async def _replace(
    held: HeldAudience,
    after: int,
    chunks: Sequence[Chunk],
    shorter: Sequence[tuple[str, Sequence[bytes]]],
) -> None:
    async with held.transaction() as connection:
        await audiences.lock_audience(connection, held.work.audience_id)
        await held.guard(hold_lease(connection, held.audience_no, held.lease.token))
        replaced = await change_log.replace_chunks(
            connection,
            held.audience_no,
            after=after,
            chunks=chunks,
            shorter=shorter,
            now=held.now(),
        )
        if not replaced:
            raise LogLost
