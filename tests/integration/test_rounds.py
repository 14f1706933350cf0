"""What is looked after for the whole installation: ends of tokens, missing keys, old events."""

import base64
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from structlog.testing import capture_logs

from service.store import ad_accounts
from service.store.ad_account_secrets import AdAccountSecrets
from service.store.audit_events import (
    AuditAction,
    AuditFilter,
    AuditOrigin,
    AuditSubject,
    NewAuditEvent,
    list_events,
    record,
)
from service.store.sealing import Keyring
from service.store.token_end import TOKEN_ENDS_SOON, days_left, ends_soon
from service.sync.rounds import AUDIT_KEPT, ROUND_S, go_rounds, look_at_keys, tell_of_token_ends
from tests.integration.store_builders import NOON, put_account
from tests.integration.sync_world import AD_ACCOUNT_ID, KEYRING, SyncWorld, a_world, mail
from tests.integration.test_sync_changes import people, with_people

pytestmark = pytest.mark.timeout(50)

LOST = Keyring.from_text("lost:" + base64.b64encode(b"l" * 32).decode())
PLANTED = "EAAplantedtokenthatnobodymaysee"


async def put(world: SyncWorld, ad_account_id: str, *, ends_in: timedelta) -> None:
    async with world.context.pool.acquire() as connection:
        await put_account(
            connection, ad_account_id, token_expires_at=world.context.clock.now() + ends_in
        )


async def told(world: SyncWorld) -> list[tuple[str, int]]:
    with capture_logs() as lines:
        await tell_of_token_ends(world.context)
    assert all(line["log_level"] == "warning" for line in lines)
    return sorted((line["ad_account_id"], line["days_left"]) for line in lines)


async def seal_with(world: SyncWorld, keyring: Keyring, token: str = "fake-token") -> None:
    """Store the account's token as a replica does that has this keyring."""
    secrets = AdAccountSecrets(access_token=token, app_secret=None)
    sealed = secrets.sealed(keyring, AD_ACCOUNT_ID)
    async with world.context.pool.acquire() as connection:
        account = await ad_accounts.find_ad_account(connection, AD_ACCOUNT_ID)
        assert account is not None
        assert await ad_accounts.reseal(connection, account, sealed)


def give_keys(world: SyncWorld, keyring: Keyring) -> None:
    world.context = replace(world.context, keyring=keyring)


async def look(world: SyncWorld) -> Sequence[Mapping[str, Any]]:
    with capture_logs() as lines:
        await look_at_keys(world.context)
    return lines


async def test_a_token_that_ends_soon_is_told_of_once_a_day(database_url: str) -> None:
    async with a_world(database_url) as world:
        await put(world, "act_1", ends_in=timedelta(days=3, hours=1))
        await put(world, "act_2", ends_in=TOKEN_ENDS_SOON + timedelta(days=1))
        await put(world, "act_3", ends_in=timedelta(seconds=-1))
        assert await told(world) == [("act_1", 3)]
        assert await told(world) == []
        await world.execute("update ad_account set token_end_told_at = now() - interval '1 day'")
        assert await told(world) == [("act_1", 3)]


async def test_a_new_token_that_ends_soon_as_well_is_told_of_at_once(database_url: str) -> None:
    async with a_world(database_url) as world:
        await put(world, "act_1", ends_in=timedelta(days=1, hours=1))
        await told(world)
        await put(world, "act_1", ends_in=timedelta(days=2, hours=1))
        assert await told(world) == [("act_1", 2)]


def test_days_left_are_whole_ones() -> None:
    assert days_left(NOON + timedelta(hours=47), NOON) == 1
    assert days_left(NOON + timedelta(hours=1), NOON) == 0
    assert days_left(NOON - timedelta(hours=1), NOON) == -1
    assert not ends_soon(None, NOON)
    assert not ends_soon(NOON + TOKEN_ENDS_SOON, NOON)
    assert ends_soon(NOON - timedelta(days=1), NOON)


async def test_a_missing_key_blocks_its_audience_with_a_reason_that_names_it(
    database_url: str,
) -> None:
    async with a_world(database_url) as world:
        await with_people(world, "ann")
        await seal_with(world, LOST, PLANTED)
        await world.update(bob=mail("bob"))
        with capture_logs() as lines:
            sync = await world.sync()
        assert (sync.state, sync.error_reason) == ("FAILED", "SEALING_KEY_MISSING")
        audience = await world.audience()
        assert (audience.state, audience.blocked_reason) == ("BLOCKED", "SEALING_KEY_MISSING")
        assert "'lost'" in audience.blocked_message
        (line,) = [one for one in await look(world) if "cannot be opened" in one["event"]]
        assert (line["ad_account_id"], "'lost'" in line["why"]) == (AD_ACCOUNT_ID, True)
        shown = f"{sync} {audience} {lines} {line}"
        assert PLANTED not in shown


async def test_the_key_given_back_cures_the_block_with_the_next_start(database_url: str) -> None:
    async with a_world(database_url) as world:
        await with_people(world, "ann")
        await seal_with(world, LOST)
        await world.update(bob=mail("bob"))
        await world.sync()
        await look(world)
        assert not await world.run(), "nothing is tried while the key is missing"

        both = Keyring(KEYRING.sealing_id, {**KEYRING._keys, **LOST._keys})
        give_keys(world, both)
        assert await look(world) == []
        assert await world.run()
        assert (await world.audience()).state == "ACTIVE"
        while world.inside() != people("ann", "bob"):
            assert await world.run()


async def test_a_token_that_is_stored_anew_cures_a_missing_key(database_url: str) -> None:
    async with a_world(database_url) as world:
        await with_people(world, "ann")
        await seal_with(world, LOST)
        await world.update(bob=mail("bob"))
        await world.sync()
        await world.renew_token()
        assert await world.run()
        assert (await world.audience()).state == "ACTIVE"


async def test_rounds_go_on_after_one_has_failed_and_forget_what_is_old(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Enough(Exception):
        pass

    failures = [RuntimeError("a defect")]

    async def look_at_keys_badly(context: object) -> None:
        if failures:
            raise failures.pop()

    async def sleep(seconds: float) -> None:
        world.clock.waits.append(seconds)
        if len(world.clock.waits) == 2:
            raise Enough

    async with a_world(database_url) as world:
        monkeypatch.setattr("service.sync.rounds.look_at_keys", look_at_keys_badly)
        monkeypatch.setattr(world.clock, "sleep", sleep)
        now = world.context.clock.now()
        async with world.context.pool.acquire() as connection:
            for age in (AUDIT_KEPT + timedelta(hours=1), AUDIT_KEPT - timedelta(hours=1)):
                event = NewAuditEvent(
                    action=AuditAction.PAUSE_AUDIENCE,
                    occurred_at=now - age,
                    origin=AuditOrigin(),
                    subject=AuditSubject(audience_id="buyers"),
                )
                await record(connection, event)
            with pytest.raises(Enough), capture_logs() as lines:
                await go_rounds(world.context)
            kept = await list_events(connection, AuditFilter(), after=None, limit=9)
        assert [one.occurred_at for one in kept] == [now - AUDIT_KEPT + timedelta(hours=1)]
        assert world.clock.waits == [ROUND_S, ROUND_S]
        assert [line["event"] for line in lines] == ["round failed"]
