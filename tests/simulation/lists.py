"""Callers that send whole lists chunk by chunk, and go on after every break."""

import asyncio
import itertools
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack
from typing import Any, Final, cast

from audiencesync.v1 import audience_sync_pb2 as pb

from service.rpc.errors import DatabaseUnavailable, ImportOffsetWrong
from service.rpc.imports import import_membership
from tests.simulation.callers import Someone, change_of
from tests.simulation.process import EPOCH
from tests.simulation.world import AUDIENCE_ID, RETRY_S, World

COLUMNS: Final = {"first_name": "first_names", "last_name": "last_names", "zip": "zips"}


def send_list(
    world: World,
    members: Mapping[str, Someone],
    *,
    replaces: bool,
    chunk_members: int,
    everybody: Sequence[str],
) -> None:
    """Begin to send a list, and go on until it is taken in.

    Nobody speaks of its members meanwhile; of nobody at all while a list is on its way that replaces
    all of `everybody`.
    """
    spoken_of = everybody if replaces else members
    world.begin(_send(world, members, sorted(spoken_of), replaces, chunk_members))


async def _send(
    world: World,
    members: Mapping[str, Someone],
    spoken_of: Sequence[str],
    replaces: bool,  # noqa: FBT001
    chunk_members: int,
) -> None:
    sending = _Sending(world, _header(world, replaces), _chunks_of(members, chunk_members))
    async with AsyncExitStack() as locks:
        for name in spoken_of:
            await locks.enter_async_context(world.lock_of(name))
        await world.until_answered(sending.send)
        if replaces:
            world.truth.hear_all(members, sending.began_at())
        else:
            world.truth.hear(dict(members), None)


def _header(world: World, replaces: bool) -> pb.ImportHeader:  # noqa: FBT001
    mode = pb.ImportHeader.MODE_REPLACE if replaces else pb.ImportHeader.MODE_DELTA
    return pb.ImportHeader(
        audience_id=AUDIENCE_ID,
        import_id=world.new_id("import"),
        mode=mode,
        allow_empty=replaces,
        supersede=replaces,
    )


class _Sending:
    """One list on its way."""

    def __init__(
        self, world: World, header: pb.ImportHeader, chunks: Sequence[pb.ImportChunk]
    ) -> None:
        self._world = world
        self._header = header
        self._chunks = chunks

    async def send(self) -> None:
        """One stream, from where the service says, and another when that broke."""
        while True:
            answered: asyncio.Future[int] = self._world.loop.create_future()
            try:
                async for answer in import_membership(self._world.api, self._requests(answered)):
                    if not answered.done():
                        answered.set_result(answer.acknowledged_offset)
                    if answer.HasField("result"):
                        return
            except (ImportOffsetWrong, DatabaseUnavailable):
                await asyncio.sleep(RETRY_S)

    async def _requests(
        self, answered: asyncio.Future[int]
    ) -> AsyncIterator[pb.ImportMembershipRequest]:
        yield pb.ImportMembershipRequest(header=self._header)
        offset = await answered
        for chunk in self._chunks:
            if chunk.final or chunk.offset >= offset:
                yield pb.ImportMembershipRequest(chunk=chunk)

    def began_at(self) -> float:
        """When the list began, in seconds of the loop; now, if the database has lost it."""
        for row in self._world.database.rows("list_import"):
            if row["import_id"] == self._header.import_id:
                return cast("float", (row["started_at"] - EPOCH).total_seconds())
        return self._world.loop.time()


def _chunks_of(members: Mapping[str, Someone], size: int) -> list[pb.ImportChunk]:
    """Chunks of so many members; the last one is final and empty, as that of the command."""
    people = iter(members.items())
    chunks, offset = [], 0
    while some := dict(itertools.islice(people, size)):
        chunks.append(_chunk(some, offset))
        offset += len(some)
    return [*chunks, pb.ImportChunk(offset=offset, final=True)]


def _chunk(members: Mapping[str, Someone], offset: int) -> pb.ImportChunk:
    """As columns, where nobody has two of a kind."""
    if any(max(len(one.emails), len(one.phones)) > 1 for one in members.values()):
        changes = [change_of(name, someone, None) for name, someone in members.items()]
        return pb.ImportChunk(offset=offset, changes=changes)
    columns: dict[str, Any] = {
        "emails": ["".join(one.emails) for one in members.values()],
        "phones": ["".join(one.phones) for one in members.values()],
    }
    for field, column in COLUMNS.items():
        columns[column] = [one.single().get(field, "") for one in members.values()]
    listed = pb.MemberColumns(
        operation=pb.Change.OPERATION_ADD, member_ids=list(members), **columns
    )
    return pb.ImportChunk(offset=offset, members=listed)
