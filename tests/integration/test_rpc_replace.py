"""A list that is the whole membership: all of it or nothing, as of when it began."""

from collections.abc import AsyncIterator
from datetime import timedelta

import grpc
import pytest
from audiencesync.v1 import audience_sync_pb2 as pb
from google.protobuf.timestamp_pb2 import Timestamp
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.integration.import_calls import (
    REPLACE,
    chunk,
    chunks_of,
    count,
    header,
    member,
    members,
    send,
    staged,
    whole,
)
from tests.integration.rpc_refusals import refusal
from tests.integration.rpc_world import RpcWorld, running_rpc
from tests.unit.rpc.builders import a_remove, an_add, an_update

PRECONDITION = grpc.StatusCode.FAILED_PRECONDITION


@pytest.fixture
async def rpc(database_url: str) -> AsyncIterator[RpcWorld]:
    async with running_rpc(database_url) as world:
        await world.connect_active_audience()
        yield world


async def test_a_replace_changes_nothing_before_its_last_chunk_and_then_all(rpc: RpcWorld) -> None:
    await rpc.stub.UpdateMembership(an_update(member(1), member(2), member(3)))
    before = await members(rpc)
    revision = (await rpc.audience()).revision
    await send(rpc, header(mode=REPLACE), chunk(0, member(2), member(4)))
    assert await members(rpc) == before
    assert (await rpc.audience()).revision == revision
    assert await staged(rpc) == 2

    answers = await send(
        rpc, header(mode=REPLACE), chunk(2, member(3, "new@mail.example"), final=True)
    )
    result = answers[-1].result
    assert (result.changed_count, result.unchanged_count) == (3, 1), "1 left, 3 moved, 4 came"
    assert await count(rpc) == 3
    assert (await members(rpc)).keys() != before.keys()
    assert await staged(rpc) == 0


async def test_a_replace_with_the_same_list_changes_nothing(rpc: RpcWorld) -> None:
    changes = [member(number) for number in range(5)]
    await whole(rpc, changes, mode=REPLACE)
    revision = (await rpc.audience()).revision
    again = await whole(rpc, changes, "i2", mode=REPLACE)
    assert (again.changed_count, again.unchanged_count) == (0, 5)
    assert again.revision == revision


async def test_of_a_member_listed_twice_the_last_counts(rpc: RpcWorld) -> None:
    changes = [
        an_add("m1", emails=["a@mail.example", "b@mail.example"]),
        member(2),
        member(3),
        member(1, "last@mail.example"),
        member(4, "x@mail.example"),
        member(4, "y@mail.example"),
    ]
    await whole(rpc, changes, mode=REPLACE)
    listed = await members(rpc)
    await whole(rpc, [*changes[1:4], changes[5]], "i2", mode=REPLACE)
    assert await members(rpc) == listed
    assert await count(rpc) == 4


async def test_who_changed_since_the_list_began_keeps_that(rpc: RpcWorld) -> None:
    await rpc.stub.UpdateMembership(an_update(member(1), member(2), member(3)))
    await send(rpc, header(mode=REPLACE), chunk(0, member(1), member(2)))
    newer = an_update(a_remove("m1"), member(2, "new@mail.example"), member(5), member(3, "n@m.io"))
    await rpc.stub.UpdateMembership(newer)
    meanwhile = await members(rpc)

    await send(rpc, header(mode=REPLACE), chunk(2, member(6), final=True))
    found = await members(rpc)
    assert len(found) == len(meanwhile) + 1, "only m6 is news"
    assert all(found[key] == rows for key, rows in meanwhile.items())


@pytest.mark.parametrize(
    "late",
    [a_remove("m1"), member(1, "old@mail.example"), member(3), member(9)],
    ids=["a leaver", "a change", "who left", "a stranger"],
)
async def test_what_is_said_late_of_a_time_before_the_list_changes_nothing(
    rpc: RpcWorld, late: pb.Change
) -> None:
    """Also of members whom the list changed nothing about, or who were never there."""
    before_it = rpc.api.clock.now() - timedelta(seconds=1)
    members_before = an_update(member(1), member(3))
    for change in members_before.changes:
        change.occurred_at.FromDatetime(before_it - timedelta(hours=1))
    await rpc.stub.UpdateMembership(members_before)
    await whole(rpc, [member(1), member(2)], mode=REPLACE)
    wanted = await members(rpc)

    late = pb.Change.FromString(late.SerializeToString())
    late.occurred_at.FromDatetime(before_it)
    answer = await rpc.stub.UpdateMembership(an_update(late))
    assert (answer.changed_count, answer.unchanged_count) == (0, 1)
    assert await members(rpc) == wanted
    late.occurred_at.FromDatetime(rpc.api.clock.now())
    answer = await rpc.stub.UpdateMembership(an_update(late))
    assert answer.changed_count == 1


async def test_a_dry_run_of_a_list_makes_nothing_old_news(rpc: RpcWorld) -> None:
    before_it = rpc.api.clock.now() - timedelta(seconds=1)
    await whole(rpc, [member(1)], mode=REPLACE, dry_run=True)
    late = member(2)
    late.occurred_at.FromDatetime(before_it)
    answer = await rpc.stub.UpdateMembership(an_update(late))
    assert answer.changed_count == 1


async def test_an_empty_list_empties_only_if_that_is_said(rpc: RpcWorld) -> None:
    await rpc.stub.UpdateMembership(an_update(member(1)))
    refused = await refusal(send(rpc, header(mode=REPLACE), chunk(0, final=True)))
    assert (refused.code, refused.reason) == (PRECONDITION, "IMPORT_EMPTY")
    assert await count(rpc) == 1
    await send(rpc, header(mode=REPLACE, allow_empty=True), chunk(0, final=True))
    assert await count(rpc) == 0


async def test_a_second_replace_is_refused_until_the_first_is_done_or_idle(rpc: RpcWorld) -> None:
    await send(rpc, header(mode=REPLACE), chunk(0, member(1)))
    refused = await refusal(send(rpc, header("i2", mode=REPLACE)))
    assert (refused.code, refused.reason) == (PRECONDITION, "REPLACE_UNDER_WAY")
    assert refused.metadata["import_id"] == "i1"

    async with rpc.api.connection() as connection:
        await connection.execute("update list_import set touched_at = now() - interval '61 min'")
    await whole(rpc, [member(2)], "i2", mode=REPLACE)
    assert await count(rpc) == 1
    refused = await refusal(send(rpc, header(mode=REPLACE), chunk(1, member(3), final=True)))
    assert refused.metadata["acknowledged_offset"] == "0", "the first was given up"
    assert await count(rpc) == 1


async def test_a_replace_supersedes_another_where_that_is_wished(rpc: RpcWorld) -> None:
    await send(rpc, header(mode=REPLACE), chunk(0, member(1)))
    await whole(rpc, [member(2), member(3)], "i2", mode=REPLACE, supersede=True)
    assert await count(rpc) == 2
    assert await staged(rpc) == 0
    refused = await refusal(send(rpc, header(mode=REPLACE), chunk(1, final=True)))
    assert refused.metadata["acknowledged_offset"] == "0", "the first was given up"


async def test_a_list_that_replaces_has_one_time(rpc: RpcWorld) -> None:
    timed = pb.Change()
    timed.CopyFrom(member(1))
    timed.occurred_at.CopyFrom(Timestamp(seconds=1))
    refused = await refusal(send(rpc, header(mode=REPLACE), chunk(0, timed)))
    assert refused.fields == ["chunk.changes[0].occurred_at"]


NUMBERS = st.integers(0, 7)
LISTS = st.lists(st.tuples(NUMBERS, st.integers(0, 2)), max_size=10)


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(old=LISTS, new=LISTS, size=st.integers(1, 4))
async def test_any_list_in_the_place_of_any_other_is_as_if_it_were_the_first(
    rpc: RpcWorld, old: list[tuple[int, int]], new: list[tuple[int, int]], size: int
) -> None:
    def changes(listed: list[tuple[int, int]]) -> list[pb.Change]:
        return [member(number, f"{kind}.{number}@mail.example") for number, kind in listed]

    names = iter(range(10))

    async def replace(listed: list[tuple[int, int]]) -> None:
        import_id = f"{next(names)} {old} {new} {size}"[:120]
        begun = header(import_id, mode=REPLACE, allow_empty=True)
        async with rpc.api.connection() as connection:
            await connection.execute("truncate list_import, import_row")
        await send(rpc, begun, *chunks_of(changes(listed), size))

    await replace([])
    await replace(new)
    wanted = await members(rpc)
    await replace(old)
    await replace(new)
    assert await members(rpc) == wanted
    assert await count(rpc) == len(dict(new))
