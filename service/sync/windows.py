"""Reads windows of the log, and who holds their identifiers now, and makes plans of them.

A window may have 80,000 rows: what is computed of them runs in a thread, so that callers of the
service and the lease's renewal do not wait for it.
"""

import asyncio
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from typing import Final

from service.identifiers import Key
from service.identifiers.packed_rows import PackedRows, sorted_prefixes
from service.store import change_log, membership
from service.store.connection import Connection
from service.store.rows import Chunk, Holder
from service.sync.held import HeldAudience
from service.sync.log_reading import Entry, added_rows, all_rows, removed_rows
from service.sync.plan import HOLDERS_MAX, Holders, Plan, plan_removed

PLANNED_ROWS_MAX: Final = 10_000
"""Rows of the log whose holders are known at once."""
LOOK_UP_IDENTIFIERS_MAX: Final = 10_000
"""Identifiers whose holders one query looks up."""


@dataclass(frozen=True, slots=True)
class Window:
    """What is sent together: a plan, the chunks it comes from, and where the log stood before.

    `removed` are the rows from which the plan's removals come.
    """

    plan: Plan
    after: int
    chunks: Sequence[Chunk] = field(default_factory=tuple)
    removed: PackedRows = field(default_factory=PackedRows)

    @property
    def up_to(self) -> int:
        return self.chunks[-1].revision if self.chunks else self.after

    @property
    def rows_logged(self) -> int:
        return sum(chunk.row_count for chunk in self.chunks)


async def read_new_window(held: HeldAudience, *, after: int, up_to: int) -> Window | None:
    """The next changes that were not sent before; None when there are none."""
    async with held.context.pool.acquire() as connection:
        chunks = await change_log.read_window(
            connection,
            held.audience_no,
            after=after,
            up_to=up_to,
            rows_max=held.context.limits.window_rows_max,
        )
    if not chunks:
        return None
    entries = _entries(chunks)
    added = Plan(additions=await asyncio.to_thread(added_rows, entries))
    removed = await asyncio.to_thread(removed_rows, entries)
    plans = [added, *await _plan_removed(held, removed)]
    plan = await asyncio.to_thread(Plan.joined, plans)
    return Window(plan=plan, after=after, chunks=chunks, removed=removed)


async def read_old_window(
    held: HeldAudience, *, after: int, up_to: int, removals_only: bool
) -> Window | None:
    """Changes that were sent before, planned by what is true now; None when there are none.

    `removals_only` is the refresh's reading: it adds everybody again afterwards.
    """
    read = change_log.read_removals_window if removals_only else change_log.read_window
    async with held.context.pool.acquire() as connection:
        chunks = await read(
            connection,
            held.audience_no,
            after=after,
            up_to=up_to,
            rows_max=held.context.limits.window_rows_max,
        )
    if not chunks:
        return None
    rows = await asyncio.to_thread(all_rows, _entries(chunks))
    plans = await _plan_removed(held, rows, whole_rows=removals_only)
    plan = await asyncio.to_thread(Plan.joined, plans)
    return Window(plan=plan, after=after, chunks=chunks, removed=rows)


def _entries(chunks: Sequence[Chunk]) -> list[Entry]:
    return [(chunk.operation, chunk.packed_rows) for chunk in chunks]


async def _plan_removed(
    held: HeldAudience, rows: PackedRows, *, whole_rows: bool = False
) -> list[Plan]:
    """Plan rows part by part: what is known of their holders takes many times their memory."""
    plans = []
    for at in range(0, len(rows), PLANNED_ROWS_MAX):
        part = rows[at : at + PLANNED_ROWS_MAX]
        holders = await find_holders(held, part)
        plans.append(await asyncio.to_thread(plan_removed, part, holders, whole_rows=whole_rows))
    return plans


async def find_holders(held: HeldAudience, rows: Collection[bytes]) -> Holders:
    """Who holds the strong identifiers of `rows` now, with all their rows."""
    prefixes = await asyncio.to_thread(sorted_prefixes, rows)
    wanted = [(key, prefix) for key, of_key in prefixes.items() for prefix in of_key]
    async with held.context.pool.acquire() as connection:
        found: list[Holder] = []
        for at in range(0, len(wanted), LOOK_UP_IDENTIFIERS_MAX):
            part = wanted[at : at + LOOK_UP_IDENTIFIERS_MAX]
            found += await _look_up(connection, held.audience_no, part)
        beside = await _rows_beside(connection, held.audience_no, found)
    return await asyncio.to_thread(Holders.among, [one.packed_row for one in found], beside)


async def _look_up(
    connection: Connection, audience_no: int, wanted: Sequence[tuple[Key, int]]
) -> list[Holder]:
    """In the order of the index: a look-up then mostly finds the page of the one before."""
    prefixes: dict[Key, list[int]] = {Key.EMAIL: [], Key.PHONE: [], Key.MADID: []}
    for key, prefix in wanted:
        prefixes[key].append(prefix)
    return await membership.find_holders(
        connection,
        audience_no,
        email_prefixes=prefixes[Key.EMAIL],
        phone_prefixes=prefixes[Key.PHONE],
        madid_prefixes=prefixes[Key.MADID],
        per_identifier=HOLDERS_MAX + 1,
    )


async def _rows_beside(
    connection: Connection, audience_no: int, holders: Sequence[Holder]
) -> dict[bytes, list[bytes]]:
    """For each holder's row, the other rows of the members who hold it."""
    keys = list(dict.fromkeys(holder.member_key for holder in holders))
    rows_of: dict[bytes, list[bytes]] = {}
    for at in range(0, len(keys), LOOK_UP_IDENTIFIERS_MAX):
        part = keys[at : at + LOOK_UP_IDENTIFIERS_MAX]
        for row in await membership.read_members(connection, audience_no, member_keys=part):
            rows_of.setdefault(row.member_key, []).append(row.packed_row)
    beside: dict[bytes, list[bytes]] = {}
    for holder in holders:
        others = [row for row in rows_of.get(holder.member_key, []) if row != holder.packed_row]
        beside.setdefault(holder.packed_row, []).extend(others)
    return beside
