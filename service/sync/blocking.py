"""Stops an audience until a human has acted, and finds out whether they have."""

from typing import Final

import structlog

from service.store import ad_accounts, leases, syncs
from service.sync.consequences import ACCOUNT_WIDE, BlockedReason
from service.sync.held import HeldAudience
from service.sync.refresh_position import forget_position
from service.sync.schedule import PROBE_INTERVAL
from service.sync.settle import error_of
from service.sync.single_call import read_custom_audience
from service.sync.stops import Blocked

FLAGGED_STATUS: Final = 471
"""Facebook's operation status of an audience that takes no changes. Source: contract §4.4."""

log = structlog.get_logger(__name__)


async def block(held: HeldAudience, stop: Blocked) -> None:
    """Stop sending until a human has acted; tried again every hour."""
    log.warning("audience blocked", reason=stop.reason.value, message=str(stop))
    await _fail_waiting_syncs(held, stop)
    await held.write(
        leases.block,
        reason=stop.reason.value,
        message=str(stop),
        probe_at=held.now() + PROBE_INTERVAL,
    )
    if stop.reason in ACCOUNT_WIDE:
        async with held.transaction() as connection:
            await ad_accounts.block_ad_account(
                connection, held.work.ad_account_id, stop.reason.value
            )


async def probe(held: HeldAudience) -> None:
    """See whether a blocked audience can be written to again. Raises Blocked, ComeBack."""
    audience = await read_custom_audience(held, await held.credentials())
    status = audience.operation_status
    if status is not None and status.code == FLAGGED_STATUS:
        raise Blocked(BlockedReason.AUDIENCE_FLAGGED, told=status.description)


async def unblock(held: HeldAudience) -> None:
    """Something was sent again, so what blocked the audience, and its account, is cured."""
    await held.write(leases.unblock)
    async with held.transaction() as connection:
        await ad_accounts.block_ad_account(connection, held.work.ad_account_id, None)


async def _fail_waiting_syncs(held: HeldAudience, stop: Blocked) -> None:
    """Who waits for a sync learns why it does not come; another one is made after the cure."""
    for sync in await held.waiting_syncs():
        await held.write(syncs.end_sync, sync_no=sync.sync_no, state="FAILED", error=error_of(stop))
    await forget_position(held)
