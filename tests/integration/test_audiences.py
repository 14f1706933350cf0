import asyncio
from datetime import datetime, timedelta

import pytest

from service.store import ad_accounts, audiences, leases, requests, syncs
from service.store.audiences import AudienceState
from service.store.connection import Connection
from service.store.errors import CustomAudienceInUse
from tests.integration.store_builders import (
    NOON,
    a_wish,
    an_audience,
    at,
    claim,
    claimed,
    connected,
    put_account,
    reread,
    somebody_waits_for_a_lock,
)


async def linked(connection: Connection, custom_audience_id: str = "23") -> int:
    """An audience that has its Custom Audience, its lease given back; return its number."""
    work = await claimed(connection)
    assert await leases.set_custom_audience(
        connection,
        work.audience_no,
        work.lease_token,
        custom_audience_id=custom_audience_id,
        adopted=False,
        told_name="n",
        told_description="d",
    )
    await leases.release(connection, work.audience_no, work.lease_token, due_at=at(10**6))
    return work.audience_no


async def test_a_new_audience_is_connecting_and_due(database_url: str) -> None:
    async with connected(database_url) as connection:
        audience = await an_audience(connection)
        assert audience.state == AudienceState.CONNECTING
        assert await claim(connection) is not None


async def test_connecting_again_returns_what_is_there(database_url: str) -> None:
    async with connected(database_url) as connection:
        first = await an_audience(connection)
        again, created = await audiences.connect_audience(connection, a_wish(name="Other"))
        assert (again, created) == (first, False)


async def test_two_that_connect_the_same_audience_at_once_get_the_same_one(
    database_url: str,
) -> None:
    async with connected(database_url) as one, connected(database_url) as other:
        await put_account(one)
        wish = a_wish(existing_custom_audience_id="23")
        async with one.transaction():
            first, created = await audiences.connect_audience(one, wish)
            second = asyncio.create_task(audiences.connect_audience(other, wish))
            await somebody_waits_for_a_lock(one)
        assert created
        assert await second == (first, False)


async def test_one_custom_audience_is_never_adopted_twice(database_url: str) -> None:
    async with connected(database_url) as connection:
        await an_audience(connection, "one", existing_custom_audience_id="23")
        with pytest.raises(CustomAudienceInUse):
            await audiences.connect_audience(
                connection, a_wish("two", existing_custom_audience_id="23")
            )


async def test_a_custom_audience_that_we_made_is_not_adopted(database_url: str) -> None:
    async with connected(database_url) as connection:
        await an_audience(connection, "one")
        await linked(connection, "23")
        with pytest.raises(CustomAudienceInUse):
            async with connection.transaction():
                await audiences.connect_audience(
                    connection, a_wish("two", existing_custom_audience_id="23")
                )
        assert await audiences.find_audience(connection, "two") is None


async def test_the_state_follows_the_order_of_precedence(database_url: str) -> None:
    async with connected(database_url) as connection:
        number = (await an_audience(connection)).audience_no
        await linked(connection)
        assert (await reread(connection, number)).state == AudienceState.ACTIVE
        await audiences.set_paused(connection, number, True)
        work = await claimed(connection)
        await leases.block(
            connection, number, work.lease_token, reason="X", message="act", probe_at=None
        )
        assert (await reread(connection, number)).state == AudienceState.PAUSED
        await audiences.set_paused(connection, number, False)
        assert (await reread(connection, number)).state == AudienceState.BLOCKED
        await leases.finish_disconnect(connection, number, work.lease_token)
        assert (await reread(connection, number)).state == AudienceState.DISCONNECTED


async def test_a_disconnected_id_can_be_connected_again(database_url: str) -> None:
    async with connected(database_url) as connection:
        former = await an_audience(connection, existing_custom_audience_id="23")
        await linked(connection, "23")
        await audiences.request_disconnect(connection, former.audience_no, "ABANDON")
        work = await claimed(connection)
        assert work.disconnect_mode == "ABANDON"
        async with connection.transaction():
            assert await leases.finish_disconnect(connection, work.audience_no, work.lease_token)
        assert await audiences.lock_audience(connection, "vip") is None
        found = await audiences.find_audience(connection, "vip")
        assert found
        assert (found.audience_no, found.custom_audience_id) == (former.audience_no, None)
        later = await an_audience(connection, existing_custom_audience_id="23")
        assert later.audience_no != former.audience_no
        assert await audiences.find_audience(connection, "vip") == later


async def test_lists_go_by_id_and_leave_out_the_disconnected(database_url: str) -> None:
    async with connected(database_url) as connection:
        for audience_id in ("c", "a", "d", "b"):
            await an_audience(connection, audience_id)
        await put_account(connection, "act_2")
        await audiences.connect_audience(connection, a_wish("e", ad_account_id="act_2"))
        work = await claimed(connection)
        gone = (await reread(connection, work.audience_no)).audience_id
        await leases.finish_disconnect(connection, work.audience_no, work.lease_token)

        async def ids(account: str | None, after: str, limit: int) -> list[str]:
            found = await audiences.list_audiences(
                connection, ad_account_id=account, after_id=after, limit=limit
            )
            return [audience.audience_id for audience in found]

        left = [one for one in ("a", "b", "c", "d", "e") if one != gone]
        assert await ids(None, "", 9) == left
        assert await ids(None, left[0], 2) == left[1:3]
        assert await ids("act_2", "", 9) == ["e"]


async def test_an_update_changes_what_is_given_and_is_due_at_once(database_url: str) -> None:
    async with connected(database_url) as connection:
        number = (await an_audience(connection, description="d")).audience_no
        await linked(connection)
        assert await claim(connection) is None
        await audiences.update_audience(
            connection,
            number,
            name="New",
            description=None,
            sync_interval_s=None,
            default_region="DE",
        )
        audience = await reread(connection, number)
        assert (audience.name, audience.description) == ("New", "d")
        assert (audience.default_region, audience.sync_interval_s) == ("DE", 3600)
        assert (await claimed(connection)).name == "New"


async def test_a_shorter_interval_counts_from_now_even_against_a_run_that_knows_the_old_one(
    database_url: str,
) -> None:
    async with connected(database_url) as connection:
        number = (await an_audience(connection, sync_interval_s=86_400)).audience_no
        work = await claimed(connection)
        await audiences.update_audience(
            connection,
            number,
            name=None,
            description=None,
            sync_interval_s=300,
            default_region=None,
        )
        await leases.schedule(
            connection,
            number,
            work.lease_token,
            next_sync_at=work.now + timedelta(days=1),
            failures_in_a_row=0,
            last_sync_at=None,
        )
        next_sync_at = (await reread(connection, number)).next_sync_at
        assert next_sync_at - work.now < timedelta(seconds=400)


async def test_new_credentials_unblock_what_they_may_cure(database_url: str) -> None:
    async with connected(database_url) as connection:
        blocked = {}
        for audience_id in ("a", "b"):
            await an_audience(connection, audience_id)
        for reason in ("TOKEN_INVALID", "AUDIENCE_FLAGGED"):
            work = await claimed(connection)
            blocked[reason] = work.audience_no
            await leases.block(
                connection,
                work.audience_no,
                work.lease_token,
                reason=reason,
                message="act",
                probe_at=at(10**6),
            )
            await leases.release(connection, work.audience_no, work.lease_token, due_at=at(10**6))
        await ad_accounts.block_ad_account(connection, "act_1", "TOKEN_INVALID")
        await put_account(connection)
        account = await ad_accounts.find_ad_account(connection, "act_1")
        assert account
        assert account.blocked_reason is None
        reasons = {
            name: (await reread(connection, no)).blocked_reason for name, no in blocked.items()
        }
        assert reasons == {"TOKEN_INVALID": None, "AUDIENCE_FLAGGED": "AUDIENCE_FLAGGED"}
        assert {(await claimed(connection)).audience_no for _ in range(2)} == set(blocked.values())


async def test_a_run_that_blocks_with_the_old_token_does_not_undo_the_new_one(
    database_url: str,
) -> None:
    async with connected(database_url) as connection:
        await an_audience(connection)
        work = await claimed(connection)
        in_an_hour = work.now + timedelta(hours=1)

        async def block() -> datetime | None:
            await leases.block(
                connection,
                work.audience_no,
                work.lease_token,
                reason="TOKEN_INVALID",
                message="act",
                probe_at=in_an_hour,
            )
            again = await leases.reload(connection, work.audience_no, work.lease_token)
            assert again
            return again.probe_at

        assert await block() == in_an_hour
        await put_account(connection)
        tried_at = await block()
        assert tried_at is not None
        assert tried_at < in_an_hour
        await leases.release(connection, work.audience_no, work.lease_token, due_at=None)
        work = await claimed(connection)
        assert await block() == in_an_hour, "the wish was used up: no try after try"


async def test_accounts_are_listed_and_a_pause_is_never_shortened(database_url: str) -> None:
    async with connected(database_url) as connection:
        for account in ("act_3", "act_1", "act_2"):
            await put_account(connection, account)
        listed = await ad_accounts.list_ad_accounts(connection, after_id="act_1", limit=1)
        assert [account.ad_account_id for account in listed] == ["act_2"]
        assert await ad_accounts.read_throttled_until(connection, "act_1") is None
        await ad_accounts.throttle_ad_account(connection, "act_1", at(5))
        await ad_accounts.throttle_ad_account(connection, "act_1", at(3))
        assert await ad_accounts.read_throttled_until(connection, "act_1") == at(5)
        assert await ad_accounts.find_ad_account(connection, "act_9") is None


async def test_first_answers_are_kept_by_audience_method_and_id_for_a_time(
    database_url: str,
) -> None:
    async with connected(database_url) as connection:
        number = (await an_audience(connection)).audience_no
        await requests.keep_answer(connection, number, "SyncNow", "r1", b"digest", b"answer", NOON)
        found = await requests.find_answer(connection, number, "SyncNow", "r1")
        assert found
        assert (found.request_digest, found.answer) == (b"digest", b"answer")
        assert await requests.find_answer(connection, number, "UpdateMembership", "r1") is None
        assert await requests.find_answer(connection, number + 1, "SyncNow", "r1") is None
        assert await requests.prune_requests(connection, number, NOON, limit=9) == 0
        assert await requests.prune_requests(connection, number, at(1), limit=9) == 1
        assert await requests.find_answer(connection, number, "SyncNow", "r1") is None


async def test_disconnecting_cancels_waiting_syncs(database_url: str) -> None:
    async with connected(database_url) as connection:
        audience = await an_audience(connection)
        sync = await syncs.request_sync(connection, audience, "CHANGES", "REQUEST")
        work = await claimed(connection)
        await leases.finish_disconnect(connection, work.audience_no, work.lease_token)
        ended = await syncs.find_sync(connection, audience.audience_no, sync.sync_no)
        assert ended
        assert ended.state == "CANCELLED"
