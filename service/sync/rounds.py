"""Goes round the whole installation: tokens that end soon, keys that are missing, events that are old.

Every process goes, so each thing is done by whichever comes first, and harmless to do again.
"""

from datetime import timedelta
from typing import Final

import structlog

from service.store import ad_accounts, audit_events
from service.store.ad_account_secrets import AdAccountSecrets
from service.store.errors import StoreUnavailable, map_unavailable
from service.store.key_rotation import find_unopened
from service.store.rows import AdAccount
from service.store.sealing import SealingError
from service.store.token_end import TOKEN_ENDS_SOON, days_left
from service.sync.consequences import BlockedReason
from service.sync.context import SyncContext

ROUND_S: Final = 3600.0
"""Seconds between two rounds."""
TOKEN_END_TOLD_EVERY: Final = timedelta(hours=23, minutes=30)
"""Once a day, with rounds an hour apart."""
AUDIT_KEPT: Final = timedelta(days=400)
"""Events are kept for a year and the time that looking into it takes."""
EVENTS_AT_ONCE: Final = 10_000
"""Old events that one transaction deletes."""

log = structlog.get_logger(__name__)


async def go_rounds(context: SyncContext) -> None:
    """Until cancelled; whatever the database does, the next round comes."""
    is_first = True
    while True:
        try:
            with map_unavailable():
                if is_first:
                    await look_at_keys(context)
                    is_first = False
                await tell_of_token_ends(context)
                await forget_old_events(context)
        except StoreUnavailable as error:
            log.warning("round ended: database not reachable", error=str(error))
        except Exception:
            log.exception("round failed")
        await context.clock.sleep(ROUND_S)


async def look_at_keys(context: SyncContext) -> None:
    """Tell which secrets our keys do not open, and try again what was blocked for want of one.

    Keys come with a start only, so this is done once.
    """
    async with context.pool.acquire() as connection:
        async for one in find_unopened(connection, context.keyring):
            log.warning(
                "secrets of an ad account cannot be opened",
                ad_account_id=one.ad_account_id,
                why=one.why,
            )
        reason = BlockedReason.SEALING_KEY_MISSING.value
        for account in await ad_accounts.list_with_blocked_audiences(connection, reason):
            if _opens(context, account):
                await ad_accounts.probe_audiences(
                    connection, account.ad_account_id, reasons=[reason]
                )


def _opens(context: SyncContext, account: AdAccount) -> bool:
    try:
        AdAccountSecrets.opened(context.keyring, account)
    except SealingError:
        return False
    return True


async def tell_of_token_ends(context: SyncContext) -> None:
    """Log each account whose token ends soon, once a day over all processes."""
    now = context.clock.now()
    async with context.pool.acquire() as connection:
        ends = await ad_accounts.claim_token_ends(
            connection,
            now=now,
            ends_before=now + TOKEN_ENDS_SOON,
            told_before=now - TOKEN_END_TOLD_EVERY,
        )
    for end in ends:
        log.warning(
            "access token ends soon: connect the ad account again",
            ad_account_id=end.ad_account_id,
            days_left=days_left(end.ends_at, now),
            expires_at=end.ends_at.isoformat(),
        )


async def forget_old_events(context: SyncContext) -> None:
    """Delete the record of what was done long ago."""
    before = context.clock.now() - AUDIT_KEPT
    async with context.pool.acquire() as connection:
        forgotten = EVENTS_AT_ONCE
        while forgotten == EVENTS_AT_ONCE:
            forgotten = await audit_events.prune_events(connection, before, limit=EVENTS_AT_ONCE)
