"""One refresh: changes, then the kept removals by what is true now, then every present row.

It heals what a difference cannot see: people whom Facebook knows to be one although our members
share nothing, and losses on Facebook's side. Its position is stored, so it survives anything; a page
is answered before any window of the log is read, so nothing that left can be added after it.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from service.identifiers.packed_rows import Run, distinct, runs_of
from service.store import membership
from service.store.change_log import WINDOW_BYTES_MAX
from service.sync.changes import come_back_sooner, sync_changes
from service.sync.facts import refresh_facts
from service.sync.held import HeldAudience
from service.sync.match_counts import learn_match_counts
from service.sync.plan import Plan
from service.sync.refresh_position import RefreshPosition, move_refresh
from service.sync.schedule import next_refresh_after
from service.sync.steps import changes_due
from service.sync.stops import GaveUp
from service.sync.sync_run import SyncRun
from service.sync.windows import Window, read_old_window

PAGE_ROWS_MAX: Final = 80_000
"""Rows of present members that are sent together: eight full batches."""
PART_ROWS_MAX: Final = 10_000
"""Rows of present members that are read together."""


async def sync_refresh(held: HeldAudience, draining: asyncio.Event) -> None:
    """Refresh the audience. Raises Blocked, ComeBack, Suspended, LeaseLost; not GaveUp."""
    goes_on = any(
        sync.mode == "REFRESH" and sync.state == "RUNNING" for sync in await held.waiting_syncs()
    )
    is_retry = held.work.refresh_due_at is not None and held.work.refresh_due_at <= held.now()
    if held.work.refresh_phase is not None and not goes_on and not is_retry:
        await move_refresh(held, RefreshPosition(due_at=held.work.refresh_due_at))
    trigger = "CONNECT" if held.work.last_sync_at is None else "SCHEDULE"
    run = await SyncRun.begin(held, mode="REFRESH", trigger=trigger, draining=draining)
    try:
        await _send_everything(run, draining)
    except GaveUp as stop:
        await come_back_sooner(held, stop)
        await held.reload()
        position = RefreshPosition.of(held.work)
        await move_refresh(held, position.again_at(held.work.next_sync_at))
        return
    await run.succeed()
    due_at = next_refresh_after(
        held.now(), interval=held.context.limits.refresh_interval, chance=held.context.chance
    )
    await move_refresh(held, RefreshPosition(due_at=due_at))
    await refresh_facts(held)
    await learn_match_counts(held)


async def _send_everything(run: SyncRun, draining: asyncio.Event) -> None:
    held = run.held
    await run.send_new_windows(up_to=run.sync.target_revision)
    if held.work.refresh_phase is None:
        await move_refresh(held, RefreshPosition.of(held.work).at_removals(0))
        await held.reload()
    if held.work.refresh_phase == "REMOVALS":
        await _send_removals_again(run)
    await _send_members_again(run, draining)


async def _send_removals_again(run: SyncRun) -> None:
    held = run.held
    while True:
        cursor = held.work.synced_revision
        window = await read_old_window(
            held, after=held.work.refresh_revision or 0, up_to=cursor, removals_only=True
        )
        position = RefreshPosition.of(held.work)
        if window is None:
            await move_refresh(held, position.at_members(None, None))
            await held.reload()
            return
        await run.send_again(window, position.at_removals(window.up_to))


async def _send_members_again(run: SyncRun, draining: asyncio.Event) -> None:
    """Page by page in key order; between two pages changes that are due go first."""
    held = run.held
    # In a call of its own, so that a page is forgotten before anything else is read.
    while await _send_page(run):
        others = [sync for sync in await held.waiting_syncs() if sync.mode == "CHANGES"]
        if changes_due(held.work, others, held.now()):
            await sync_changes(held, draining)


async def _send_page(run: SyncRun) -> bool:
    """Send the next present rows; False when there are none."""
    held = run.held
    page = await _read_page(held)
    if page is None:
        return False
    additions = await asyncio.to_thread(distinct, page.runs)
    window = Window(plan=Plan(additions=additions), after=held.work.synced_revision)
    position = RefreshPosition.of(held.work)
    await run.send_again(window, position.at_members(page.last_key, page.last_row_no))
    return True


@dataclass(frozen=True, slots=True)
class _Page:
    """Rows of present members, and where they end."""

    runs: Sequence[Run]
    last_key: bytes
    last_row_no: int


async def _read_page(held: HeldAudience) -> _Page | None:
    """Read the next rows part by part: packed, they take a fraction of the memory."""
    last_key, last_row_no = held.work.refresh_after_key, held.work.refresh_after_row_no
    runs: list[Run] = []
    rows_left, bytes_left = PAGE_ROWS_MAX, WINDOW_BYTES_MAX
    while rows_left > 0 and bytes_left > 0:
        async with held.context.pool.acquire() as connection:
            part = await membership.read_member_page(
                connection,
                held.audience_no,
                after_key=last_key,
                after_row_no=last_row_no,
                limit=min(rows_left, PART_ROWS_MAX),
            )
        if not part:
            break
        packed = b"".join(row.packed_row for row in part)
        runs += await asyncio.to_thread(runs_of, packed)
        last_key, last_row_no = part[-1].member_key, part[-1].row_no
        rows_left, bytes_left = rows_left - len(part), bytes_left - len(packed)
    if not runs or last_key is None or last_row_no is None:
        return None
    return _Page(runs, last_key, last_row_no)
