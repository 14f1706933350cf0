"""Lists of any length: durable chunk by chunk, resumed anywhere, and replacing all or nothing."""

from collections.abc import AsyncIterator, Iterable, Sequence

import grpc
import pytest
from audiencesync.v1 import audience_sync_pb2 as pb
from google.protobuf.timestamp_pb2 import Timestamp
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from service.store import membership as store
from tests.integration.rpc_refusals import refusal
from tests.integration.rpc_world import RpcWorld, running_rpc
from tests.unit.rpc.builders import a_remove, an_add, an_update

DELTA, REPLACE = pb.ImportHeader.MODE_DELTA, pb.ImportHeader.MODE_REPLACE
PRECONDITION = grpc.StatusCode.FAILED_PRECONDITION


@pytest.fixture
async def rpc(database_url: str) -> AsyncIterator[RpcWorld]:
    async with running_rpc(database_url) as world:
        await world.connect_active_audience()
        yield world


def header(import_id: str = "i1", **fields: object) -> pb.ImportMembershipRequest:
    values = {"audience_id": "shoppers", "import_id": import_id, "mode": DELTA, **fields}
    return pb.ImportMembershipRequest(header=pb.ImportHeader(**values))  # type: ignore[arg-type]


def chunk(offset: int, *changes: pb.Change, final: bool = False) -> pb.ImportMembershipRequest:
    return pb.ImportMembershipRequest(
        chunk=pb.ImportChunk(offset=offset, changes=changes, final=final)
    )


def member(number: int, email: str = "") -> pb.Change:
    return an_add(f"m{number}", emails=[email or f"m{number}@mail.example"])


def chunks_of(changes: Sequence[pb.Change], size: int) -> list[pb.ImportMembershipRequest]:
    """A list in chunks, the last one final."""
    starts = range(0, max(1, len(changes)), size)
    return [chunk(at, *changes[at : at + size], final=at + size >= len(changes)) for at in starts]


async def send(
    rpc: RpcWorld, *requests: pb.ImportMembershipRequest
) -> list[pb.ImportMembershipResponse]:
    return [answer async for answer in rpc.stub.ImportMembership(iter(requests))]


async def whole(
    rpc: RpcWorld, changes: Sequence[pb.Change], import_id: str = "i1", **fields: object
) -> pb.ImportResult:
    answers = await send(rpc, header(import_id, **fields), *chunks_of(changes, 3))
    assert answers[-1].HasField("result")
    return answers[-1].result


async def members(rpc: RpcWorld) -> dict[bytes, list[bytes]]:
    """Rows by member."""
    async with rpc.api.connection() as connection:
        page = await store.read_member_page(
            connection, 1, after_key=None, after_row_no=None, limit=1000
        )
    found: dict[bytes, list[bytes]] = {}
    for row in page:
        found.setdefault(row.member_key, []).append(row.packed_row)
    return found


async def count(rpc: RpcWorld) -> int:
    return (await rpc.audience()).member_count


async def staged(rpc: RpcWorld) -> int:
    async with rpc.api.connection() as connection:
        return int(await connection.fetchval("select count(*) from import_row"))


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


async def test_a_list_that_replaces_has_one_time(rpc: RpcWorld) -> None:
    timed = pb.Change()
    timed.CopyFrom(member(1))
    timed.occurred_at.CopyFrom(Timestamp(seconds=1))
    refused = await refusal(send(rpc, header(mode=REPLACE), chunk(0, timed)))
    assert refused.fields == ["chunk.changes[0].occurred_at"]


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
