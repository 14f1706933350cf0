"""Sealing every secret anew under another key, while others store tokens."""

import asyncio
import base64

import pytest

from service.clock import Clock
from service.store import ad_accounts
from service.store.ad_account_secrets import AdAccountSecrets, sealing_key_ids
from service.store.audit_events import AuditFilter, list_events
from service.store.connection import Connection
from service.store.key_rotation import Rotation, SecretsUnopened, rotate_keys
from service.store.rows import AdAccount
from service.store.sealing import Keyring
from tests.integration.store_builders import connected, somebody_waits_for_a_lock

pytestmark = pytest.mark.timeout(30)

OLD, NEW, LOST = (
    f"{name}:{base64.b64encode(name[0].encode() * 32).decode()}" for name in ("old", "new", "lost")
)


async def put(
    connection: Connection, ad_account_id: str, *, keys: str = OLD, token: str = "EAAplanted"
) -> None:
    secrets = AdAccountSecrets(access_token=token, app_secret="planted-secret")
    sealed = secrets.sealed(Keyring.from_text(keys), ad_account_id)
    await ad_accounts.put_ad_account(
        connection,
        ad_account_id=ad_account_id,
        name="Shop",
        app_id="5",
        sealed_access_token=sealed.access_token,
        sealed_app_secret=sealed.app_secret,
        token_expires_at=None,
        scopes=[],
    )


async def stored(connection: Connection, ad_account_id: str) -> AdAccount:
    account = await ad_accounts.find_ad_account(connection, ad_account_id)
    assert account is not None
    return account


async def rotate(connection: Connection, keys: str, *, leaves_unopened: bool = False) -> Rotation:
    return await rotate_keys(
        connection,
        Keyring.from_text(keys),
        leaves_unopened=leaves_unopened,
        clock=Clock(),
        system_user="root",
    )


async def test_every_secret_opens_with_the_first_key_alone_and_is_otherwise_as_it_was(
    database_url: str,
) -> None:
    async with connected(database_url) as connection:
        await put(connection, "act_1")
        await put(connection, "act_2", keys=NEW)
        before = await stored(connection, "act_1")
        assert await rotate(connection, f"{NEW},{OLD}") == Rotation(1, 1, 0)
        after = await stored(connection, "act_1")
        assert AdAccountSecrets.opened(Keyring.from_text(NEW), after) == AdAccountSecrets(
            access_token="EAAplanted", app_secret="planted-secret"
        )
        assert after.updated_at == before.updated_at
        assert await rotate(connection, f"{NEW},{OLD}") == Rotation(0, 2, 0)


async def test_a_token_that_is_stored_meanwhile_wins_and_is_sealed_anew_as_well(
    database_url: str,
) -> None:
    async with connected(database_url) as ours, connected(database_url) as callers:
        await put(ours, "act_1")
        async with callers.transaction():
            await put(callers, "act_1", token="EAAlater")  # by a replica that has the old key first
            rotating = asyncio.create_task(rotate(ours, f"{NEW},{OLD}"))
            await somebody_waits_for_a_lock(callers)
        assert await rotating == Rotation(1, 0, 0)
        account = await stored(ours, "act_1")
        assert sealing_key_ids(account) == ["new"]
        opened = AdAccountSecrets.opened(Keyring.from_text(NEW), account)
        assert opened.access_token == "EAAlater"


async def test_a_missing_key_is_named_with_the_accounts_that_need_it_and_nothing_is_changed(
    database_url: str,
) -> None:
    async with connected(database_url) as connection:
        await put(connection, "act_1")
        await put(connection, "act_2", keys=LOST)
        await put(connection, "act_3", keys=LOST)
        before = await ad_accounts.list_ad_accounts(connection, after_id="", limit=9)
        with pytest.raises(
            SecretsUnopened, match="act_2, act_3: sealing key 'lost' is missing"
        ) as told:
            await rotate(connection, f"{NEW},{OLD}")
        assert "planted" not in str(told.value)
        assert await ad_accounts.list_ad_accounts(connection, after_id="", limit=9) == before

        assert await rotate(connection, f"{NEW},{OLD}", leaves_unopened=True) == Rotation(1, 0, 2)
        assert sealing_key_ids(await stored(connection, "act_1")) == ["new"]
        assert await stored(connection, "act_2") == before[1]


async def test_more_accounts_than_are_read_at_once_are_all_sealed_anew(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("service.store.key_rotation.ACCOUNTS_AT_ONCE", 2)
    async with connected(database_url) as connection:
        for number in range(5):
            await put(connection, f"act_{number}")
        assert await rotate(connection, f"{NEW},{OLD}") == Rotation(5, 0, 0)


async def test_it_is_recorded_for_each_account_that_was_sealed_anew(database_url: str) -> None:
    async with connected(database_url) as connection:
        await put(connection, "act_1")
        await put(connection, "act_2", keys=NEW)
        await rotate(connection, f"{NEW},{OLD}")
        (event,) = await list_events(connection, AuditFilter(), after=None, limit=9)
        assert (event.action, event.ad_account_id) == ("ROTATE_KEYS", "act_1")
        assert (event.caller, event.client, event.peer_kind) == ("", "COMMAND_LINE", "NONE")
        assert event.details == [
            *("key_id", "new"),
            *("former_key_ids", "old"),
            *("system_user", "root"),
        ]


def test_opened_secrets_do_not_show_in_repr() -> None:
    secrets = AdAccountSecrets(access_token="EAAplanted", app_secret="planted-secret")
    assert "planted" not in repr(secrets)
