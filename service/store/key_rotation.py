"""Seals the secrets of all ad accounts anew under the first key, while the service runs.

Account by account, each only as it was read: a ConnectAdAccount that comes between wins. Broken off it
can be run again, and finds what is left.
"""

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from service.clock import Clock
from service.store import ad_accounts
from service.store.ad_account_secrets import AdAccountSecrets, sealing_key_ids
from service.store.audit_events import (
    AuditAction,
    AuditClient,
    AuditOrigin,
    AuditSubject,
    NewAuditEvent,
    PeerKind,
    record,
)
from service.store.connection import Connection
from service.store.rows import AdAccount
from service.store.sealing import Keyring, SealingError

ACCOUNTS_AT_ONCE: Final = 100
"""Ad accounts that are read at once."""


class SecretsUnopened(Exception):
    """Some secrets cannot be opened; the text names keys and ad accounts, never a secret."""


@dataclass(slots=True)
class Rotation:
    """What came of it, in ad accounts."""

    resealed: int = 0
    already_sealed: int = 0
    left: int = 0
    """Whose secrets could not be opened."""


@dataclass(frozen=True, slots=True)
class Unopened:
    """An ad account whose secrets cannot be opened, and why."""

    ad_account_id: str
    why: str


async def rotate_keys(
    connection: Connection,
    keyring: Keyring,
    *,
    leaves_unopened: bool,
    clock: Clock,
    system_user: str,
) -> Rotation:
    """Seal every secret under the keyring's first key; `system_user`, who wants it, is recorded.

    Raises: SecretsUnopened, having changed nothing, unless such ones may be left as they are.
    """
    unopened = [one async for one in find_unopened(connection, keyring)]
    if unopened and not leaves_unopened:
        raise SecretsUnopened(_told(unopened))
    rotation = Rotation(left=len(unopened))
    left = {one.ad_account_id for one in unopened}
    async for account in _all_accounts(connection):
        if account.ad_account_id not in left:
            if await _reseal(connection, keyring, account, clock, system_user):
                rotation.resealed += 1
            else:
                rotation.already_sealed += 1
    return rotation


async def find_unopened(connection: Connection, keyring: Keyring) -> AsyncIterator[Unopened]:
    """Tell the ad accounts whose secrets these keys do not open."""
    async for account in _all_accounts(connection):
        try:
            AdAccountSecrets.opened(keyring, account)
        except SealingError as error:
            yield Unopened(account.ad_account_id, str(error))


async def _reseal(
    connection: Connection, keyring: Keyring, account: AdAccount, clock: Clock, system_user: str
) -> bool:
    """False when the first key has sealed them already, be it by a call that came between."""
    while (former := sealing_key_ids(account)) != [keyring.sealing_id]:
        sealed = AdAccountSecrets.opened(keyring, account).sealed(keyring, account.ad_account_id)
        async with connection.transaction():
            if await ad_accounts.reseal(connection, account, sealed):
                details = {
                    "key_id": keyring.sealing_id,
                    "former_key_ids": ",".join(former),
                    "system_user": system_user,
                }
                await record(connection, _event(account, clock.now(), details))
                return True
        now = await ad_accounts.find_ad_account(connection, account.ad_account_id)
        if now is None:
            return False
        account = now
    return False


def _event(account: AdAccount, now: datetime, details: Mapping[str, str]) -> NewAuditEvent:
    return NewAuditEvent(
        action=AuditAction.ROTATE_KEYS,
        occurred_at=now,
        origin=AuditOrigin(client=AuditClient.COMMAND_LINE, peer_kind=PeerKind.NONE),
        subject=AuditSubject(ad_account_id=account.ad_account_id),
        details=details,
    )


async def _all_accounts(connection: Connection) -> AsyncIterator[AdAccount]:
    after_id = ""
    while page := await ad_accounts.list_ad_accounts(
        connection, after_id=after_id, limit=ACCOUNTS_AT_ONCE
    ):
        for account in page:
            yield account
        after_id = page[-1].ad_account_id


def _told(unopened: Sequence[Unopened]) -> str:
    by_reason: dict[str, list[str]] = {}
    for one in unopened:
        by_reason.setdefault(one.why, []).append(one.ad_account_id)
    return "; ".join(f"{', '.join(accounts)}: {why}" for why, accounts in by_reason.items())
