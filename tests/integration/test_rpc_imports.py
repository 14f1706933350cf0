"""Lists of any length: durable chunk by chunk, and resumed anywhere."""

import asyncio
from collections.abc import AsyncIterable, AsyncIterator, Iterable

import grpc
import pytest
from audiencesync.v1 import audience_sync_pb2 as pb
from audiencesync.v1.audience_sync_pb2_grpc import AudienceSyncServiceStub
from google.protobuf.field_mask_pb2 import FieldMask
from google.protobuf.timestamp_pb2 import Timestamp

from tests.integration.import_calls import (
    DELTA,
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
from tests.integration.rpc_world import RpcWorld, running_rpc, running_server
from tests.unit.rpc.builders import a_remove, an_add, an_update

PRECONDITION = grpc.StatusCode.FAILED_PRECONDITION


@pytest.fixture
async def rpc(database_url: str) -> AsyncIterator[RpcWorld]:
    async with running_rpc(database_url) as world:
        await world.connect_active_audience()
        yield world


async def test_each_chunk_counts_once_it_is_acknowledged(rpc: RpcWorld) -> None:
    changes = [member(number) for number in range(7)]
    answers = await send(rpc, header(), *chunks_of(changes, 3))
    assert [answer.acknowledged_offset for answer in answers] == [0, 3, 6, 7]
    assert [answer.HasField("result") for answer in answers] == [False, False, False, True]
    result = answers[-1].result
    assert (result.changed_count, result.unchanged_count) == (7, 0)
    assert result.revision == (await rpc.audience()).revision
    assert await count(rpc) == 7


async def test_a_delta_takes_who_left_and_counts_what_was_dropped(rpc: RpcWorld) -> None:
    await rpc.stub.UpdateMembership(an_update(member(1), member(2)))
    changes = [a_remove("m1"), member(2), an_add("m3", emails=["no address"]), member(4)]
    result = await whole(rpc, changes)
    assert (result.changed_count, result.unchanged_count) == (3, 1)
    assert result.unmatchable_count == 1
    assert [one.count for one in result.dropped_identifiers] == [1]
    assert await count(rpc) == 3


@pytest.mark.parametrize("mode", [DELTA, REPLACE])
@pytest.mark.parametrize("broken_after", range(4))
async def test_an_import_goes_on_after_a_break_at_any_chunk(
    rpc: RpcWorld, mode: int, broken_after: int
) -> None:
    changes = [member(number) for number in range(9)]
    requests = chunks_of(changes, 3)
    before = await send(rpc, header(mode=mode), *requests[:broken_after])
    durable = before[-1].acknowledged_offset
    assert durable == min(9, 3 * broken_after)

    after = await send(rpc, header(mode=mode), *requests[broken_after:])
    assert after[0].acknowledged_offset == durable
    assert after[-1].result.changed_count == 9
    assert await count(rpc) == 9
    assert await staged(rpc) == 0


DISK_IS_FULL = """
create function refuse() returns trigger language plpgsql as
    $$ begin raise exception 'could not extend file' using errcode = 'disk_full'; end $$;
create trigger is_full before insert on {table} for each statement execute function refuse();
"""


@pytest.mark.parametrize(
    ("mode", "table", "kept"),
    [
        (DELTA, "member", 2),
        (DELTA, "change_chunk", 2),
        (DELTA, "dropped_count", 2),
        (REPLACE, "import_row", 0),
        (REPLACE, "change_chunk", 0),
    ],
)
async def test_a_full_disk_leaves_what_was_acknowledged_and_the_list_goes_on_from_there(
    rpc: RpcWorld, mode: int, table: str, kept: int
) -> None:
    odd = an_add("odd", emails=["no address"])
    chunks = [chunk(0, member(0), member(1)), chunk(2, odd, member(3), final=True)]
    await send(rpc, header(mode=mode), chunks[0])
    async with rpc.api.pool.acquire() as connection:
        await connection.execute(DISK_IS_FULL.format(table=table))
        refused = await refusal(send(rpc, header(mode=mode), chunks[1]))
        assert (refused.code, refused.reason, refused.retry_after_s) == (
            grpc.StatusCode.UNAVAILABLE,
            "DATABASE_UNAVAILABLE",
            1.0,
        )
        assert refused.metadata == {"acknowledged_offset": "2"}
        assert await count(rpc) == (await rpc.audience()).member_count == kept
        await connection.execute(f"drop trigger is_full on {table}")
    (where,) = await send(rpc, header(mode=mode))
    assert where.acknowledged_offset == 2
    answers = await send(rpc, header(mode=mode), chunks[1])
    assert answers[-1].result.changed_count == await count(rpc) == 4
    assert await staged(rpc) == 0


async def test_a_chunk_that_is_sent_again_is_only_acknowledged(rpc: RpcWorld) -> None:
    first, last = chunk(0, member(1)), chunk(1, member(2), final=True)
    answers = await send(rpc, header(), first, first, last, last, first)
    assert [answer.acknowledged_offset for answer in answers] == [0, 1, 1, 2, 2, 2]
    results = [answer.result for answer in answers[-3:]]
    assert results[0] == results[1] == results[2]
    assert results[0].changed_count == 2


@pytest.mark.parametrize(
    "wrong", [chunk(2, member(9)), chunk(0, member(1), member(9)), chunk(5, final=True)]
)
async def test_a_chunk_that_is_not_the_next_one_is_told_where_to_go_on(
    rpc: RpcWorld, wrong: pb.ImportMembershipRequest
) -> None:
    await send(rpc, header(), chunk(0, member(1)))
    refused = await refusal(send(rpc, header(), wrong))
    assert (refused.code, refused.reason) == (PRECONDITION, "IMPORT_OFFSET_WRONG")
    assert refused.metadata["acknowledged_offset"] == "1"
    assert await count(rpc) == 1


async def test_nothing_follows_a_final_chunk(rpc: RpcWorld) -> None:
    await whole(rpc, [member(1)])
    refused = await refusal(send(rpc, header(), chunk(1, member(2))))
    assert refused.reason == "IMPORT_OFFSET_WRONG"
    assert await count(rpc) == 1


@pytest.mark.parametrize("mode", [DELTA, REPLACE])
async def test_a_dry_run_counts_and_changes_nothing(rpc: RpcWorld, mode: int) -> None:
    await rpc.stub.UpdateMembership(an_update(member(1), member(2)))
    before, revision = await members(rpc), (await rpc.audience()).revision
    result = await whole(rpc, [member(2), member(3)], mode=mode, dry_run=True)
    assert (result.changed_count, result.unchanged_count) == (2 if mode == REPLACE else 1, 1)
    assert await members(rpc) == before
    assert (await rpc.audience()).revision == revision
    assert await staged(rpc) == 0


async def test_an_import_id_means_one_import(rpc: RpcWorld) -> None:
    await send(rpc, header())
    for other in (header(mode=REPLACE), header(dry_run=True)):
        refused = await refusal(send(rpc, other))
        assert refused.reason == "IMPORT_ID_REUSED"


@pytest.mark.parametrize(
    ("requests", "field"),
    [
        ([chunk(0, member(1))], "header"),
        ([header(), header()], "header"),
        ([header(), chunk(0)], "chunk.changes"),
        ([header(), chunk(-1, member(1))], "chunk.offset"),
        ([header(import_id="")], "header.import_id"),
        ([header(import_id="a\0b")], "header.import_id"),
        ([header(audience_id="No Slug")], "header.audience_id"),
        ([header(mode=REPLACE), chunk(0, a_remove("m1"))], "chunk.changes[0].operation"),
        ([header(), chunk(0, member(1), an_add(""))], "chunk.changes[1].member.member_id"),
        ([pb.ImportMembershipRequest()], "part"),
    ],
)
async def test_a_wrong_message_is_refused_by_its_field(
    rpc: RpcWorld, requests: Iterable[pb.ImportMembershipRequest], field: str
) -> None:
    refused = await refusal(send(rpc, *requests))
    assert (refused.code, refused.reason) == (
        grpc.StatusCode.INVALID_ARGUMENT,
        "INVALID_FIELD",
    )
    assert refused.fields[0] == field
    assert await count(rpc) == 0


async def test_a_time_that_is_none_is_refused_by_its_place_in_the_chunk(rpc: RpcWorld) -> None:
    timed = pb.Change()
    timed.CopyFrom(member(1))
    timed.occurred_at.CopyFrom(Timestamp(seconds=2**40))
    refused = await refusal(send(rpc, header(), chunk(0, member(2), timed)))
    assert refused.fields == ["chunk.changes[1].occurred_at"]
    assert await count(rpc) == 0


async def test_an_audience_that_is_disconnected_in_the_middle_takes_no_more(rpc: RpcWorld) -> None:
    await send(rpc, header(mode=REPLACE), chunk(0, member(1)))
    await rpc.stub.DisconnectAudience(
        pb.DisconnectAudienceRequest(
            audience_id="shoppers", mode=pb.DisconnectAudienceRequest.MODE_ABANDON
        )
    )
    refused = await refusal(send(rpc, header(mode=REPLACE), chunk(1, member(2))))
    assert refused.reason == "AUDIENCE_DISCONNECTED"


async def test_a_refused_chunk_is_told_with_where_the_list_stands(rpc: RpcWorld) -> None:
    wrong = chunk(2, a_remove("m1"))
    refused = await refusal(send(rpc, header(mode=REPLACE), chunk(0, member(0), member(1)), wrong))
    assert refused.reason == "INVALID_FIELD"
    assert refused.metadata["acknowledged_offset"] == "2"


async def test_an_audience_that_leaves_while_its_list_is_sent_takes_no_more_of_it(
    rpc: RpcWorld,
) -> None:
    left, ended = asyncio.Event(), asyncio.Event()

    async def requests() -> AsyncIterator[pb.ImportMembershipRequest]:
        yield header()
        yield chunk(0, member(1))
        await left.wait()
        yield chunk(1, member(2))
        # grpc.aio loses the status of a stream that ends while it writes (grpc/grpc#36066).
        await ended.wait()

    answers = aiter(rpc.stub.ImportMembership(requests()))
    assert [(await anext(answers)).acknowledged_offset for _ in range(2)] == [0, 1]
    await rpc.stub.DisconnectAudience(
        pb.DisconnectAudienceRequest(
            audience_id="shoppers", mode=pb.DisconnectAudienceRequest.MODE_FLUSH
        )
    )
    left.set()
    assert (await refusal(_all(answers))).reason == "AUDIENCE_DISCONNECTED"
    ended.set()
    assert await count(rpc) == 1


async def test_the_region_that_holds_when_a_chunk_is_stored_decides(rpc: RpcWorld) -> None:
    here, moved = asyncio.Event(), asyncio.Event()
    person = an_add("m1", phones=["0151 12345678"])

    async def requests() -> AsyncIterator[pb.ImportMembershipRequest]:
        yield header()
        here.set()
        await moved.wait()
        yield chunk(0, person, final=True)

    answers = aiter(rpc.stub.ImportMembership(requests()))
    await anext(answers)
    await here.wait()
    await rpc.stub.UpdateAudience(
        pb.UpdateAudienceRequest(
            audience_id="shoppers",
            default_region="DE",
            update_mask=FieldMask(paths=["default_region"]),
        )
    )
    moved.set()
    await _all(answers)
    found = await members(rpc)
    again = await rpc.stub.UpdateMembership(an_update(person))
    assert (again.changed_count, again.unmatchable_count) == (0, 0)
    assert len(found) == 1


async def test_chunks_beyond_the_bytes_in_work_are_refused_and_leave_room(rpc: RpcWorld) -> None:
    async with running_server(rpc.api, in_work_max=2_000) as (_, channel):
        small = RpcWorld(
            api=rpc.api,
            server=rpc.server,
            channel=channel,
            stub=AudienceSyncServiceStub(channel),
            graph=rpc.graph,
            custom_audience_ids=rpc.custom_audience_ids,
        )
        many = [member(number) for number in range(100)]
        refused = await refusal(send(small, header(), chunk(0, *many)))
        assert (refused.code, refused.reason) == (
            grpc.StatusCode.RESOURCE_EXHAUSTED,
            "OVERLOADED",
        )
        await whole(small, many)
        assert await count(rpc) == 100


async def _all(answers: AsyncIterable[pb.ImportMembershipResponse]) -> None:
    async for _ in answers:
        pass
