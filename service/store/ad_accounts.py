"""Ad accounts: their sealed credentials, and what holds them up."""

from datetime import datetime
from typing import Final

from service.store.ad_account_secrets import SealedSecrets
from service.store.connection import Connection
from service.store.queries import Command, Query
from service.store.rows import AdAccount, TokenEnd

__all__ = [
    "AdAccount",
]

CURABLE_REASONS: Final = [
    "TOKEN_INVALID",
    "PERMISSION_MISSING",
    "TERMS_NOT_ACCEPTED",
    "SEALING_KEY_MISSING",
]
"""Reasons to block an audience that new credentials may cure."""

UPSERT_AD_ACCOUNT = Command(
    "upsert_ad_account",
    takes={
        "ad_account_id": str,
        "name": str,
        "app_id": str,
        "sealed_access_token": bytes,
        "sealed_app_secret": bytes | None,
        "token_expires_at": datetime | None,
        "scopes": list[str],
        "curable_reasons": list[str],
    },
)
CURE_AUDIENCES = Command(
    "cure_audiences_of_ad_account", takes={"ad_account_id": str, "curable_reasons": list[str]}
)
READ_AD_ACCOUNTS = Query(
    "read_ad_accounts", takes={"after_id": str, "row_limit": int}, returns=AdAccount
)
FIND_AD_ACCOUNT = Query("find_ad_account", takes={"ad_account_id": str}, returns=AdAccount)
BLOCK_AD_ACCOUNT = Command(
    "block_ad_account",
    takes={
        "ad_account_id": str,
        "reason": str,
        "probe_at": datetime | None,
        "seen_at": datetime | None,
    },
)
LOCK_AS_SEEN = Query(
    "lock_ad_account_as_seen", takes={"ad_account_id": str, "seen_at": datetime}, returns=str
)
UNBLOCK_AD_ACCOUNT = Command("unblock_ad_account", takes={"ad_account_id": str})
CLAIM_ACCOUNT_PROBE = Command(
    "claim_account_probe", takes={"ad_account_id": str, "next_probe_at": datetime}
)
BLOCK_AUDIENCES = Command(
    "block_audiences_of_ad_account",
    takes={"ad_account_id": str, "reason": str, "message": str, "probe_at": datetime},
)
PROBE_AUDIENCES = Command(
    "probe_audiences_of_ad_account", takes={"ad_account_id": str, "reasons": list[str]}
)
THROTTLE_AD_ACCOUNT = Command(
    "throttle_ad_account", takes={"ad_account_id": str, "until": datetime}
)
RESEAL_AD_ACCOUNT = Command(
    "reseal_ad_account",
    takes={
        "ad_account_id": str,
        "old_access_token": bytes,
        "old_app_secret": bytes | None,
        "new_access_token": bytes,
        "new_app_secret": bytes | None,
    },
)
CLAIM_TOKEN_ENDS = Query(
    "claim_token_ends",
    takes={"now": datetime, "ends_before": datetime, "told_before": datetime},
    returns=TokenEnd,
)
LIST_WITH_BLOCKED_AUDIENCES = Query(
    "list_ad_accounts_with_blocked_audiences", takes={"reason": str}, returns=AdAccount
)
READ_THROTTLED_UNTIL = Query("read_throttled_until", takes={"ad_account_id": str}, returns=datetime)


async def put_ad_account(
    connection: Connection,
    *,
    ad_account_id: str,
    name: str,
    app_id: str,
    sealed_access_token: bytes,
    sealed_app_secret: bytes | None,
    token_expires_at: datetime | None,
    scopes: list[str],
) -> AdAccount:
    """Store an ad account, or replace its credentials and unblock what they may cure."""
    await UPSERT_AD_ACCOUNT.execute(
        connection,
        ad_account_id=ad_account_id,
        name=name,
        app_id=app_id,
        sealed_access_token=sealed_access_token,
        sealed_app_secret=sealed_app_secret,
        token_expires_at=token_expires_at,
        scopes=scopes,
        curable_reasons=CURABLE_REASONS,
    )
    await CURE_AUDIENCES.execute(
        connection, ad_account_id=ad_account_id, curable_reasons=CURABLE_REASONS
    )
    return await FIND_AD_ACCOUNT.value(connection, ad_account_id=ad_account_id)


async def find_ad_account(connection: Connection, ad_account_id: str) -> AdAccount | None:
    """Return the ad account, None if it was never connected."""
    return await FIND_AD_ACCOUNT.one(connection, ad_account_id=ad_account_id)


async def list_ad_accounts(connection: Connection, *, after_id: str, limit: int) -> list[AdAccount]:
    """Return the ad accounts that follow an id, in the order of their ids."""
    return await READ_AD_ACCOUNTS.many(connection, after_id=after_id, row_limit=limit)


async def reseal(connection: Connection, account: AdAccount, sealed: SealedSecrets) -> bool:
    """Store an account's secrets sealed anew; False when others were stored since it was read."""
    changed = await RESEAL_AD_ACCOUNT.execute(
        connection,
        ad_account_id=account.ad_account_id,
        old_access_token=account.sealed_access_token,
        old_app_secret=account.sealed_app_secret,
        new_access_token=sealed.access_token,
        new_app_secret=sealed.app_secret,
    )
    return changed == 1


async def claim_token_ends(
    connection: Connection, *, now: datetime, ends_before: datetime, told_before: datetime
) -> list[TokenEnd]:
    """Take it on to tell of the tokens that end from now until `ends_before`.

    Left out: those of which somebody took that on since `told_before`.
    """
    return await CLAIM_TOKEN_ENDS.many(
        connection, now=now, ends_before=ends_before, told_before=told_before
    )


async def list_with_blocked_audiences(connection: Connection, reason: str) -> list[AdAccount]:
    """Return the ad accounts that have audiences blocked for this reason, by id."""
    return await LIST_WITH_BLOCKED_AUDIENCES.many(connection, reason=reason)


async def block_ad_account(
    connection: Connection,
    ad_account_id: str,
    reason: str,
    *,
    probe_at: datetime | None = None,
    seen_at: datetime | None = None,
) -> bool:
    """Note that a human has to act for this account, and when one audience tries for all.

    `seen_at`: the account's `updated_at` as the caller saw it. False, having done nothing, when it is
    another by now.
    """
    blocked = await BLOCK_AD_ACCOUNT.execute(
        connection, ad_account_id=ad_account_id, reason=reason, probe_at=probe_at, seen_at=seen_at
    )
    return blocked == 1


async def lock_as_seen(connection: Connection, ad_account_id: str, *, seen_at: datetime) -> bool:
    """Keep the account as it is until the transaction ends; False when it is not as it was seen.

    Order: the account, then its audiences.
    """
    found = await LOCK_AS_SEEN.one(connection, ad_account_id=ad_account_id, seen_at=seen_at)
    return found is not None


async def unblock_ad_account(connection: Connection, ad_account_id: str) -> bool:
    """Let the account's audiences call again; False when it was not blocked."""
    return await UNBLOCK_AD_ACCOUNT.execute(connection, ad_account_id=ad_account_id) == 1


async def claim_probe(
    connection: Connection, ad_account_id: str, *, next_probe_at: datetime
) -> bool:
    """Take it on to try for all audiences of a blocked account; False when it is not the time."""
    claimed = await CLAIM_ACCOUNT_PROBE.execute(
        connection, ad_account_id=ad_account_id, next_probe_at=next_probe_at
    )
    return claimed == 1


async def block_audiences(
    connection: Connection, ad_account_id: str, *, reason: str, message: str, probe_at: datetime
) -> None:
    """Block the account's audiences that are not blocked."""
    await BLOCK_AUDIENCES.execute(
        connection, ad_account_id=ad_account_id, reason=reason, message=message, probe_at=probe_at
    )


async def probe_audiences(
    connection: Connection, ad_account_id: str, *, reasons: list[str]
) -> None:
    """Let the account's audiences that are blocked for these reasons be tried now."""
    await PROBE_AUDIENCES.execute(connection, ad_account_id=ad_account_id, reasons=reasons)


async def throttle_ad_account(connection: Connection, ad_account_id: str, until: datetime) -> None:
    """Tell every replica to leave the account alone until then."""
    await THROTTLE_AD_ACCOUNT.execute(connection, ad_account_id=ad_account_id, until=until)


async def read_throttled_until(connection: Connection, ad_account_id: str) -> datetime | None:
    """Return the end of the account's last pause, None if it never had one."""
    return await READ_THROTTLED_UNTIL.one(connection, ad_account_id=ad_account_id)
