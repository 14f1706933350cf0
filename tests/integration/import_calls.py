"""Sends lists as callers of ImportMembership do, and looks at what is stored of them."""

from collections.abc import Sequence

from audiencesync.v1 import audience_sync_pb2 as pb

from service.store import membership as store
from tests.integration.rpc_world import RpcWorld
from tests.unit.rpc.builders import an_add

DELTA, REPLACE = pb.ImportHeader.MODE_DELTA, pb.ImportHeader.MODE_REPLACE


def header(import_id: str = "i1", **fields: object) -> pb.ImportMembershipRequest:
    values = {"audience_id": "shoppers", "import_id": import_id, "mode": DELTA, **fields}
    return pb.ImportMembershipRequest(header=pb.ImportHeader(**values))  # type: ignore[arg-type]


def chunk(offset: int, *changes: pb.Change, final: bool = False) -> pb.ImportMembershipRequest:
    return pb.ImportMembershipRequest(
        chunk=pb.ImportChunk(offset=offset, changes=changes, final=final)
    )


def columns(
    offset: int,
    numbers: Sequence[int],
    *,
    operation: int = pb.Change.OPERATION_ADD,
    final: bool = False,
) -> pb.ImportMembershipRequest:
    """The same as `member` for each number, as columns."""
    listed = pb.MemberColumns(
        operation=operation,  # type: ignore[arg-type]
        member_ids=[f"m{number}" for number in numbers],
        emails=[f"m{number}@mail.example" for number in numbers],
    )
    return pb.ImportMembershipRequest(
        chunk=pb.ImportChunk(offset=offset, members=listed, final=final)
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
