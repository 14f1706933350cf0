"""One run: everything that is due for one audience, under its lease."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from datetime import datetime, timedelta
from typing import Final

import structlog

from service.store import leases, syncs
from service.sync.blocking import block, tell_why_blocked
from service.sync.changes import sync_changes
from service.sync.compaction import keep_log_short
from service.sync.connect import connect, tell_name
from service.sync.consequences import BlockedReason
from service.sync.disconnect import cancel_waiting, delete_on_facebook, finish_disconnect
from service.sync.held import HeldAudience
from service.sync.housekeeping import forget_after_the_end, forget_old
from service.sync.recreation import forget_gone_audience, may_recreate
from service.sync.refresh import sync_refresh
from service.sync.refresh_position import RefreshPosition, move_refresh
from service.sync.steps import Step, next_look, next_step
from service.sync.stops import Blocked, ComeBack, LeaseLost, LogLost, Suspended
from service.tracing.spans import Kind, span

NOTHING_COVERED: Final = -1
RELEASE_S_MAX: Final = 3.0
"""Seconds that a cancelled run takes to give its lease back."""

log = structlog.get_logger(__name__)


async def run_audience(held: HeldAudience, draining: asyncio.Event) -> None:
    """Do what is due, then give the lease back. A lost lease ends the run at once.

    Cancelled between two calls the lease is given back too; but not when a call may still land that
    was not noted: then it runs out, so that whoever takes over reckons with it.
    """
    about = {"audience_id": held.work.audience_id, "ad_account_id": held.work.ad_account_id}
    structlog.contextvars.bind_contextvars(**about)
    with span(Kind.SYNC, "run", about):
        await _run(held, draining)


async def _run(held: HeldAudience, draining: asyncio.Event) -> None:
    async with _kept(held):
        try:
            await _release(held, await _do_what_is_due(held, draining))
        except LeaseLost:
            log.warning("run ended: the lease was lost")
        except asyncio.CancelledError:
            if not held.lease.has_unnoted_call:
                with suppress(TimeoutError):
                    async with asyncio.timeout(RELEASE_S_MAX):
                        await _release(held, held.now())
            raise


async def _release(held: HeldAudience, due_at: datetime | None) -> None:
    async with held.context.pool.acquire() as connection:
        await leases.release(connection, held.audience_no, held.lease.token, due_at=due_at)


async def _do_what_is_due(held: HeldAudience, draining: asyncio.Event) -> datetime | None:
    """Step by step until idle; returns when the audience is due again, None for never."""
    flushed = False
    while not draining.is_set():
        step = next_step(held.work, await held.waiting_syncs(), held.now(), flushed=flushed)
        if step is Step.IDLE:
            await keep_log_short(held)
            await forget_old(held, draining)
            return next_look(held.work, held.now())
        flushing, revision = held.work.disconnect_mode == "FLUSH", held.work.revision
        try:
            sent_up_to = await _take_or_recreate(step, held, draining)
        except ComeBack as stop:
            log.info("run suspended", reason=str(stop))
            if stop.is_throttled:
                await held.write(syncs.note_throttled)
            return held.now() + timedelta(seconds=stop.in_s)
        except Blocked as stop:
            await block(held, stop)
        except LogLost:
            log.exception("chunks of a window are gone; a refresh will make good")
            await move_refresh(held, RefreshPosition(due_at=held.now()))
        except Suspended:
            log.info("run suspended at the window's end")
        else:
            flushed = flushed or (flushing and sent_up_to >= revision)
        await held.reload()
        if held.work.disconnected_at is not None:
            return await forget_after_the_end(held, draining)
    return held.now()


async def _take_or_recreate(step: Step, held: HeldAudience, draining: asyncio.Event) -> int:
    """Take one step; a Custom Audience found gone is given up where another one is wished."""
    try:
        return await _take(step, held, draining)
    except Blocked as stop:
        is_gone = stop.reason is BlockedReason.AUDIENCE_GONE
        if is_gone and may_recreate(held) and await forget_gone_audience(held):
            return NOTHING_COVERED
        raise


async def _take(step: Step, held: HeldAudience, draining: asyncio.Event) -> int:
    """Take one step; returns the revision that a sync of changes covered, else NOTHING_COVERED."""
    match step:
        case Step.CONNECT:
            await connect(held)
        case Step.TELL_NAME:
            await tell_name(held)
        case Step.CHANGES:
            return await sync_changes(held, draining)
        case Step.REFRESH:
            await sync_refresh(held, draining)
        case Step.CANCEL_WAITING:
            await cancel_waiting(held)
        case Step.TELL_WHY_BLOCKED:
            await tell_why_blocked(held)
        case Step.DELETE_ON_FACEBOOK:
            await delete_on_facebook(held)
        case Step.FINISH_DISCONNECT:
            await finish_disconnect(held)
        case Step.IDLE:
            pass
    return NOTHING_COVERED


@asynccontextmanager
async def _kept(held: HeldAudience) -> AsyncIterator[None]:
    """Keep the lease renewed meanwhile."""
    keeper = asyncio.create_task(held.lease.keep())
    try:
        yield
    finally:
        keeper.cancel()
        with suppress(asyncio.CancelledError):
            await keeper
