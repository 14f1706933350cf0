"""Lists whose members come as columns."""

from collections.abc import AsyncIterator
from typing import Any

import grpc
import pytest
from audiencesync.v1 import audience_sync_pb2 as pb

from service.store.new_members import insert_if_new
from tests.integration.import_calls import (
    DELTA,
    REPLACE,
    chunk,
    columns,
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

REMOVE = pb.Change.OPERATION_REMOVE


@pytest.fixture
async def rpc(database_url: str) -> AsyncIterator[RpcWorld]:
    async with running_rpc(database_url) as world:
        await world.connect_active_audience()
        yield world


@pytest.mark.parametrize("mode", [DELTA, REPLACE])
async def test_a_list_of_columns_ends_as_the_same_list_of_changes(rpc: RpcWorld, mode: int) -> None:
    await whole(rpc, [member(number) for number in range(9)], "changes", mode=mode)
    wanted, revision = await members(rpc), (await rpc.audience()).revision
    chunks = [columns(at, range(at, at + 3), final=at == 6) for at in range(0, 9, 3)]
    answers = await send(rpc, header("columns", mode=mode), *chunks)
    assert answers[-1].result.unchanged_count == 9
    assert answers[-1].result.revision == revision
    assert await members(rpc) == wanted


@pytest.mark.parametrize("mode", [DELTA, REPLACE])
@pytest.mark.parametrize("broken_after", range(4))
async def test_columns_go_on_after_a_break_at_any_chunk(
    rpc: RpcWorld, mode: int, broken_after: int
) -> None:
    requests = [columns(at, range(at, at + 3), final=at == 6) for at in range(0, 9, 3)]
    before = await send(rpc, header(mode=mode), *requests[:broken_after])
    assert before[-1].acknowledged_offset == min(9, 3 * broken_after)
    after = await send(rpc, header(mode=mode), *requests[broken_after:])
    assert after[-1].result.changed_count == 9
    assert await count(rpc) == 9
    assert await staged(rpc) == 0


async def test_columns_changes_and_leavers_may_follow_each_other(rpc: RpcWorld) -> None:
    await send(
        rpc,
        header(),
        columns(0, range(3)),
        chunk(3, member(3)),
        columns(4, range(1, 3), operation=REMOVE),
        chunk(6, final=True),
    )
    assert await count(rpc) == 2


async def test_what_cannot_be_used_in_columns_is_counted(rpc: RpcWorld) -> None:
    broken = columns(0, range(3), final=True)
    broken.chunk.members.emails[:] = ["a@mail.example", "no address", ""]
    broken.chunk.final = False
    answers = await send(rpc, header(), broken, columns(3, [3], final=True))
    assert [sum(one.count for one in answer.dropped_identifiers) for answer in answers] == [0, 1, 1]
    result = answers[-1].result
    assert (result.changed_count, result.unmatchable_count) == (4, 2)
    assert [(one.key, one.count) for one in result.dropped_identifiers] == [(pb.KEY_EMAIL, 1)]
    assert (await rpc.audience()).unmatchable_count == 2


@pytest.mark.parametrize("mode", [DELTA, REPLACE])
async def test_of_a_member_twice_in_columns_the_last_counts(rpc: RpcWorld, mode: int) -> None:
    await whole(rpc, [member(1), member(2)], "wanted", mode=REPLACE)
    wanted = await members(rpc)
    twice = columns(0, [1, 2, 1, 1], final=True)
    twice.chunk.members.emails[:] = ["x@mail.example", *twice.chunk.members.emails[1:]]
    result = (await send(rpc, header("twice", mode=mode), twice))[-1].result
    assert result.changed_count == 0
    assert await members(rpc) == wanted


async def test_a_first_list_that_repeats_members_ends_like_any_other(rpc: RpcWorld) -> None:
    """Its first chunks are written without a look at who is there."""
    again = columns(3, [3, 1, 4])
    again.chunk.members.emails[:] = ["c@mail.example", "new@mail.example", "d@mail.example"]
    chunks = [columns(0, range(3)), again, columns(6, [5, 6], final=True)]
    result = (await send(rpc, header("first"), *chunks))[-1].result
    assert (result.changed_count, result.unchanged_count) == (8, 0)
    found = await members(rpc)
    assert len(found) == (await rpc.audience()).member_count == 7
    await send(rpc, header("messages"), chunk(0, *map(member, [0, 2, 5, 6])), again_as_changes())
    assert await members(rpc) == found


async def test_only_the_first_list_of_an_audience_is_written_without_a_look(
    rpc: RpcWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    tried: list[int] = []

    async def counted(*args: Any, **kwargs: Any) -> Any:
        tried.append(len(args[2]))
        return await insert_if_new(*args, **kwargs)

    monkeypatch.setattr("service.rpc.import_chunks.insert_if_new", counted)
    await send(rpc, header("first"), columns(0, range(3)), columns(3, [0]), columns(4, [7]))
    assert tried == [3, 1]
    await send(rpc, header("second"), columns(0, range(8, 11), final=True))
    assert tried == [3, 1]
    assert await count(rpc) == 7


def again_as_changes() -> pb.ImportMembershipRequest:
    changes = [
        member(number, f"{name}@mail.example") for number, name in [(3, "c"), (1, "new"), (4, "d")]
    ]
    return chunk(4, *changes, final=True)


def beside_changes() -> pb.ImportMembershipRequest:
    both = columns(0, [1])
    both.chunk.changes.append(member(2))
    return both


def with_a_short_list() -> pb.ImportMembershipRequest:
    short = columns(0, [1, 2])
    short.chunk.members.emails.pop()
    return short


@pytest.mark.parametrize(
    ("request_", "mode", "field"),
    [
        (beside_changes(), DELTA, "chunk.changes"),
        (columns(0, []), DELTA, "chunk.members.member_ids"),
        (columns(0, [1], operation=0), DELTA, "chunk.members.operation"),
        (columns(0, [1], operation=REMOVE), REPLACE, "chunk.members.operation"),
        (with_a_short_list(), DELTA, "chunk.members.emails"),
    ],
)
async def test_wrong_columns_are_refused_by_their_field(
    rpc: RpcWorld, request_: pb.ImportMembershipRequest, mode: int, field: str
) -> None:
    refused = await refusal(send(rpc, header(mode=mode), request_))
    assert (refused.code, refused.reason) == (grpc.StatusCode.INVALID_ARGUMENT, "INVALID_FIELD")
    assert refused.fields[0] == field
    assert await count(rpc) == 0
