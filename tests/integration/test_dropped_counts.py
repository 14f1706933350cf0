"""What callers send in vain is counted by the day, without saying what it was, and forgotten in time."""

from collections.abc import AsyncIterator
from datetime import timedelta

import pytest
from audiencesync.v1 import audience_sync_pb2 as pb

from service.identifiers import Doubt, DropReason, Key
from service.store import dropped_counts
from tests.integration.import_calls import DELTA, REPLACE, header, send, whole
from tests.integration.rpc_refusals import refusal
from tests.integration.rpc_world import RpcWorld, running_rpc
from tests.integration.sync_world import SyncWorld, a_world, mail
from tests.integration.test_sync_changes import with_people
from tests.unit.rpc.builders import an_add, an_update

BAD_EMAIL = (Key.EMAIL, DropReason.NOT_AN_EMAIL)
ZEROS = (Key.MADID, DropReason.ALL_ZEROS)
OF_A_ROLE = (Key.EMAIL, Doubt.ROLE_MAILBOX)
SUMS = "select key, reason, sum(dropped)::bigint as dropped from dropped_count group by 1, 2"
NO_DEVICE = "00000000-0000-0000-0000-000000000000"


@pytest.fixture
async def rpc(database_url: str) -> AsyncIterator[RpcWorld]:
    async with running_rpc(database_url) as world:
        await world.connect_active_audience()
        yield world


async def counted(rpc: RpcWorld) -> dict[tuple[int, int], int]:
    async with rpc.api.connection() as connection:
        rows = await connection.fetch(SUMS)
    return {(row["key"], row["reason"]): row["dropped"] for row in rows}


def messy(number: int) -> pb.Change:
    return an_add(f"m{number}", emails=["no", "nor this"], mobile_ad_ids=[NO_DEVICE])


async def test_an_update_is_counted_and_its_repeat_is_not(rpc: RpcWorld) -> None:
    for _ in range(2):
        await rpc.stub.UpdateMembership(an_update(messy(1), messy(2), request_id="once"))
    assert await counted(rpc) == {BAD_EMAIL: 4, ZEROS: 2}
    await rpc.stub.UpdateMembership(an_update(messy(1)))
    assert await counted(rpc) == {BAD_EMAIL: 6, ZEROS: 3}


async def test_who_sends_nothing_in_vain_is_not_counted(rpc: RpcWorld) -> None:
    await rpc.stub.UpdateMembership(an_update(an_add("m1", emails=["a@mail.example"])))
    assert await counted(rpc) == {}


async def test_addresses_of_roles_are_sent_all_the_same_and_counted(rpc: RpcWorld) -> None:
    firms = [an_add(f"m{number}", emails=[f"info@firm{number}.example"]) for number in range(4)]
    answer = await rpc.stub.UpdateMembership(an_update(*firms))
    assert (answer.unmatchable_count, list(answer.dropped_identifiers)) == (0, [])
    result = await whole(rpc, firms)
    assert (result.unmatchable_count, list(result.dropped_identifiers)) == (0, [])
    columns = pb.MemberColumns(
        operation=pb.Change.OPERATION_ADD,
        member_ids=["a", "b"],
        emails=["Sales@a.example", "ann@a.example"],
    )
    chunk = pb.ImportMembershipRequest(chunk=pb.ImportChunk(members=columns, final=True))
    await send(rpc, header("i2"), chunk)
    assert await counted(rpc) == {OF_A_ROLE: 4 + 4 + 1}


async def test_a_refused_update_counts_nothing(rpc: RpcWorld) -> None:
    wish = pb.DisconnectAudienceRequest(audience_id="shoppers")
    await rpc.stub.DisconnectAudience(wish)
    await refusal(rpc.stub.UpdateMembership(an_update(messy(1))))
    assert await counted(rpc) == {}


@pytest.mark.parametrize("mode", [DELTA, REPLACE])
async def test_an_import_is_counted_once_and_a_dry_run_is_not(
    rpc: RpcWorld, mode: pb.ImportHeader.Mode.ValueType
) -> None:
    list_of = [messy(number) for number in range(5)]
    await whole(rpc, list_of, "dry", mode=mode, dry_run=True)
    assert await counted(rpc) == {}
    for _ in range(2):
        await whole(rpc, list_of, "real", mode=mode)
    assert await counted(rpc) == {BAD_EMAIL: 10, ZEROS: 5}


async def days(world: SyncWorld) -> int:
    return int(await world.value("select count(*) from dropped_count"))


async def count_days_ago(world: SyncWorld, *ages: int) -> None:
    async with world.context.pool.acquire() as connection:
        audience_no = await connection.fetchval("select audience_no from audience")
        for age in ages:
            day = world.context.clock.now() - timedelta(days=age)
            await dropped_counts.add_dropped_counts(
                connection, audience_no, {BAD_EMAIL: 1}, now=day
            )


async def test_counts_are_kept_for_two_weeks(database_url: str) -> None:
    async with a_world(database_url) as world:
        await with_people(world, "ann")
        await count_days_ago(world, 0, 13, 16, 40)
        await world.update(bob=mail("bob"))
        await world.sync()
        assert await days(world) == 2


async def test_who_is_disconnected_leaves_no_counts_behind(database_url: str) -> None:
    async with a_world(database_url) as world:
        await with_people(world, "ann")
        await count_days_ago(world, 0, 1)
        await world.execute("update audience set disconnect_mode = 'ABANDON'")
        await world.make_due()
        await world.run()
        assert await days(world) == 0
