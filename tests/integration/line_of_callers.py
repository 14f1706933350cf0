"""Callers who line up at one audience while its lock is held, in an order that is sure."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, Final

import pytest
from audiencesync.v1 import audience_sync_pb2 as pb

from service.rpc.find_audience import locked_audience
from service.rpc.group_commit import GroupCommit
from service.store import membership as store
from service.store.connection import Connection
from tests.integration.rpc_world import RpcWorld, running_rpc
from tests.integration.store_builders import connected
from tests.unit.rpc.builders import an_add, an_update

WAIT_S: Final = 10.0

Update = Any
"""A call under way; grpc.aio's class for it is generic to mypy only."""


@dataclass
class Line:
    """Callers of one server, and how many of their calls have come to the line and left it."""

    rpc: RpcWorld
    database_url: str
    arrived: int = 0
    left: int = 0
    moved: asyncio.Condition = field(default_factory=asyncio.Condition)

    async def hear(self, *, arrived: int = 0, left: int = 0) -> None:
        async with self.moved:
            self.arrived += arrived
            self.left += left
            self.moved.notify_all()

    async def until(self, *, arrived: int = 0, left: int = 0) -> None:
        """Wait until so many have come and left since the server was started."""
        async with asyncio.timeout(WAIT_S), self.moved:
            await self.moved.wait_for(lambda: self.arrived >= arrived and self.left >= left)

    async def begin(self, *requests: pb.UpdateMembershipRequest) -> "list[Update]":
        """Call, one after the other, and give the calls when all of them wait."""
        calls = []
        for request in requests:
            expected = self.arrived + 1
            calls.append(self.rpc.stub.UpdateMembership(request))
            await self.until(arrived=expected)
        return calls

    async def begin_behind(self, *requests: pb.UpdateMembershipRequest) -> "list[Update]":
        """Begin calls behind one of `m0` that is being committed: it waits for the lock by now."""
        (first,) = await self.begin(an_update(an_add("m0", emails=["m0@example.com"])))
        async with connected(self.database_url) as connection, asyncio.timeout(WAIT_S):
            while not await self.waiting_backends(connection):
                await asyncio.sleep(0.01)
        return [first, *await self.begin(*requests)]

    async def waiting_backends(self, connection: Connection) -> list[int]:
        found = await connection.fetch(
            "select pid from pg_stat_activity"
            " where datname = current_database() and wait_event_type = 'Lock'"
        )
        return [record["pid"] for record in found]

    async def members(self) -> int:
        """How many are present, by the rows themselves."""
        async with self.rpc.api.connection() as connection:
            page = await store.read_member_page(
                connection, 1, after_key=None, after_row_no=None, limit=10_000
            )
        return len(page)

    async def transactions(self) -> int:
        """How many transactions wrote the members that are present."""
        async with self.rpc.api.connection() as connection:
            found = await connection.fetchval("select count(distinct xmin::text) from member")
        return int(found)

    @asynccontextmanager
    async def held_lock(self) -> AsyncIterator[Connection]:
        """Hold the lock of the audience, in a transaction that the block may change something in."""
        async with self.rpc.api.transaction() as connection:
            await locked_audience(connection, "shoppers")
            yield connection


@asynccontextmanager
async def running_line(database_url: str, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Line]:
    """A server with an audience, and a line that hears of every call."""
    async with running_rpc(database_url) as rpc:
        await rpc.connect_active_audience()
        line = Line(rpc, database_url)
        answer: Callable[..., Awaitable[Any]] = GroupCommit.answer

        async def noted(*arguments: Any) -> Any:
            waiting = asyncio.ensure_future(answer(*arguments))
            await asyncio.sleep(0)
            await line.hear(arrived=1)
            try:
                return await waiting
            finally:
                await line.hear(left=1)

        monkeypatch.setattr(GroupCommit, "answer", noted)
        yield line
