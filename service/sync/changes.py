"""One sync of changes: what may have gone wrong is sent once more, then everything new."""

import asyncio
from datetime import timedelta

import structlog

from service.store import leases
from service.sync.blocking import is_trying, probe, unblock
from service.sync.facts import refresh_facts
from service.sync.held import HeldAudience
from service.sync.match_counts import learn_match_counts
from service.sync.schedule import next_sync_after
from service.sync.settle import find_put_off, settle_old_rows
from service.sync.stops import GaveUp
from service.sync.sync_run import SyncRun
from service.sync.windows import read_old_window

log = structlog.get_logger(__name__)


async def sync_changes(held: HeldAudience, draining: asyncio.Event) -> int:
    """Send what changed; returns the revision up to which everything was settled.

    Raises Blocked, ComeBack, Suspended, LeaseLost; not GaveUp.
    """
    if is_trying(held):
        await probe(held)
    trigger = _trigger(held)
    run = await SyncRun.begin(held, mode="CHANGES", trigger=trigger, draining=draining)
    try:
        await _recheck(run)
        await run.send_new_windows(up_to=run.sync.target_revision)
    except GaveUp as stop:
        await come_back_sooner(held, stop)
        return held.work.synced_revision
    await run.succeed()
    await _schedule_next(held)
    if is_trying(held):
        await unblock(held)
    await refresh_facts(held)
    await learn_match_counts(held)
    return run.sync.target_revision


def _trigger(held: HeldAudience) -> str:
    if held.work.disconnect_mode is not None:
        return "DISCONNECT"
    return "SCHEDULE" if held.work.next_sync_at <= held.now() else "RECHECK"


async def _schedule_next(held: HeldAudience) -> None:
    interval = timedelta(seconds=held.work.sync_interval_s)
    now = held.now()
    next_sync_at = next_sync_after(
        now, interval=interval, failures_in_a_row=0, chance=held.context.chance
    )
    await held.write(
        leases.schedule, next_sync_at=next_sync_at, failures_in_a_row=0, last_sync_at=now
    )


async def come_back_sooner(held: HeldAudience, stop: GaveUp) -> None:
    """After a failed sync: try again before a whole interval has passed."""
    log.warning("sync gave up", error=str(stop))
    failures = held.work.failures_in_a_row + 1
    next_sync_at = next_sync_after(
        held.now(),
        interval=timedelta(seconds=held.work.sync_interval_s),
        failures_in_a_row=failures,
        chance=held.context.chance,
    )
    await held.write(
        leases.schedule, next_sync_at=next_sync_at, failures_in_a_row=failures, last_sync_at=None
    )
    await held.reload()
    if held.work.blocked_reason is not None:
        await held.write(
            leases.block,
            reason=held.work.blocked_reason,
            message=held.work.blocked_message,
            probe_at=next_sync_at,
        )
    if held.work.recheck_from is not None:
        await held.write(
            leases.hold,
            additions_until=None,
            removals_until=None,
            recheck_from=held.work.recheck_from,
            recheck_at=next_sync_at,
        )


async def _recheck(run: SyncRun) -> None:
    """Plan the windows behind a call of unknown outcome once more, by what is true now."""
    held, work = run.held, run.held.work
    if work.recheck_from is None or work.recheck_at is None or work.recheck_at > held.now():
        return
    after, cursor = work.recheck_from, work.synced_revision
    again_from: int | None = None
    while (sent := await _recheck_window(run, after, cursor, again_from)) is not None:
        after, again_from = sent
        await run.window_ended()
    again_at = held.now() + timedelta(seconds=held.context.limits.recheck_after_s)
    await held.write(
        leases.finish_recheck,
        recheck_from_seen=after if again_from is None else again_from,
        new_recheck_from=again_from,
        new_recheck_at=again_at if again_from is not None else None,
    )
    await held.reload()


async def _recheck_window(
    run: SyncRun, after: int, cursor: int, again_from: int | None
) -> tuple[int, int | None] | None:
    """Send a window once more. Returns where it ends, and from where on calls are unknown again."""
    held = run.held
    window = await read_old_window(held, after=after, up_to=cursor, removals_only=False)
    if window is None:
        return None
    outcome = await run.sender.send(window.plan, planned_from=after)
    if outcome.had_unknown_call and again_from is None:
        again_from = after
    await run.stop_if_needed(outcome)
    put_off = await find_put_off(window, outcome)
    async with held.transaction() as connection:
        await settle_old_rows(held, run.sync.sync_no, put_off, outcome, connection=connection)
        moved = leases.advance_recheck(
            connection,
            held.audience_no,
            held.lease.token,
            recheck_from=window.up_to if again_from is None else again_from,
        )
        await held.guard(moved)
    return window.up_to, again_from
