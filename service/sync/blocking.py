"""Stops an audience until a human has acted, and finds out whether they have."""

from datetime import datetime, timedelta
from typing import Final

import structlog

from service.store import ad_accounts, leases, syncs
from service.store.history_rows import SyncError
from service.sync.consequences import ACCOUNT_WIDE, BlockedReason
from service.sync.held import HeldAudience
from service.sync.ownership import refuse_anothers
from service.sync.refresh_position import forget_position
from service.sync.schedule import next_probe_after
from service.sync.settle import error_of
from service.sync.single_call import read_custom_audience
from service.sync.stops import AccountBlocked, Blocked

FLAGGED_STATUS: Final = 471
"""Facebook's operation status of an audience that takes no changes. Source: contract §4.4."""
FINDER_LATER: Final = timedelta(minutes=1)
"""Who found out that an account is blocked tries after another: the fault may be its own."""

log = structlog.get_logger(__name__)


async def block(held: HeldAudience, stop: Blocked) -> None:
    """Stop sending until a human has acted; tried again every hour, after a ban ever more rarely.

    What concerns the ad account stops all its audiences, and one of them tries for all.
    """
    probe_at = _probe_at(held, stop)
    concerns_all = (
        stop.reason in ACCOUNT_WIDE
        and not isinstance(stop, AccountBlocked)
        and not _is_its_own(held, stop)
    )
    own_probe_at = probe_at + FINDER_LATER if concerns_all else probe_at
    if not await _block_audience(held, stop, own_probe_at):
        await _try_with_new_token(held)
        return
    log.warning("audience blocked", reason=stop.reason.value, message=str(stop))
    await end_waiting_syncs(held, error_of(stop))
    if concerns_all:
        await _block_account(held, stop, probe_at)


async def _block_audience(held: HeldAudience, stop: Blocked, probe_at: datetime) -> bool:
    """False when the account is no longer as its token was read from it: that may be the cure."""
    account = held.account
    async with held.transaction() as connection:
        if stop.reason in ACCOUNT_WIDE and account is not None:
            is_as_seen = await ad_accounts.lock_as_seen(
                connection, account.ad_account_id, seen_at=account.updated_at
            )
            if not is_as_seen:
                return False
        blocked = leases.block(
            connection,
            held.audience_no,
            held.lease.token,
            reason=stop.reason.value,
            message=str(stop),
            probe_at=probe_at,
        )
        await held.guard(blocked)
    return True


async def _try_with_new_token(held: HeldAudience) -> None:
    log.info("not blocked: the ad account was connected anew meanwhile")
    await held.write(
        leases.schedule,
        next_sync_at=held.now(),
        failures_in_a_row=held.work.failures_in_a_row,
        last_sync_at=held.work.last_sync_at,
    )


def _probe_at(held: HeldAudience, stop: Blocked) -> datetime:
    if isinstance(stop, AccountBlocked) and stop.probe_at is not None:
        return stop.probe_at
    account = held.account
    is_known = account is not None and account.blocked_reason == stop.reason.value
    return next_probe_after(
        held.now(),
        blocked_since=account.blocked_at if account and is_known else None,
        ever_more_rarely=stop.reason is BlockedReason.POLICY,
    )


def _is_its_own(held: HeldAudience, stop: Blocked) -> bool:
    """A permission that is still missing after its account was cured is missing here alone."""
    missed_before = held.work.blocked_reason == stop.reason.value
    account_is_fine = held.account is not None and held.account.blocked_reason is None
    is_permission = stop.reason is BlockedReason.PERMISSION_MISSING
    return is_permission and missed_before and account_is_fine


async def _block_account(held: HeldAudience, stop: Blocked, probe_at: datetime) -> None:
    """Not when the account was connected anew since its token was read: that may be the cure."""
    async with held.transaction() as connection:
        account_id, reason = held.work.ad_account_id, stop.reason.value
        blocked = await ad_accounts.block_ad_account(
            connection,
            account_id,
            reason,
            probe_at=probe_at,
            seen_at=held.account.updated_at if held.account else None,
        )
        if blocked:
            await ad_accounts.block_audiences(
                connection, account_id, reason=reason, message=str(stop), probe_at=probe_at
            )


async def probe(held: HeldAudience) -> None:
    """See whether a blocked audience can be written to again. Raises Blocked, ComeBack."""
    audience = await read_custom_audience(held, await held.credentials())
    status = audience.operation_status
    if status is not None and status.code == FLAGGED_STATUS:
        raise Blocked(BlockedReason.AUDIENCE_FLAGGED, told=status.description)
    refuse_anothers(held, audience)


async def unblock(held: HeldAudience) -> None:
    """Something was sent again, so what blocked the audience, and its account, is cured."""
    await held.write(leases.unblock)
    held.is_probing_account = False
    async with held.transaction() as connection:
        if await ad_accounts.unblock_ad_account(connection, held.work.ad_account_id):
            await ad_accounts.probe_audiences(
                connection, held.work.ad_account_id, reasons=sorted(ACCOUNT_WIDE)
            )
    await held.reload()


def is_trying(held: HeldAudience) -> bool:
    """Whether this run is to find out if a block is over."""
    return held.work.blocked_reason is not None or held.is_probing_account


async def tell_why_blocked(held: HeldAudience) -> None:
    """End the syncs that wait for an audience that was blocked from elsewhere."""
    work = held.work
    error = SyncError(reason=work.blocked_reason or "", message=work.blocked_message)
    await end_waiting_syncs(held, error)


async def end_waiting_syncs(held: HeldAudience, error: SyncError) -> None:
    """Who waits for a sync learns why it does not come; another one is made after the cure."""
    for sync in await held.waiting_syncs():
        await held.write(syncs.end_sync, sync_no=sync.sync_no, state="FAILED", error=error)
    await forget_position(held)
