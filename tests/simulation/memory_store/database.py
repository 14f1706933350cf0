"""The double's database, and pools of connections to it."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime

import asyncpg

from tests.simulation.memory_store.connection import MemoryConnection, Step, Steps
from tests.simulation.memory_store.tables import Saved, SpreadTable, Table, Tables
from tests.simulation.memory_store.values import Row


@dataclass(frozen=True, slots=True)
class Mark:
    """All that was committed at a moment."""

    saved: Saved
    last_audience_no: int
    last_event_no: int


class MemoryDatabase:
    """Tables, the lock that makes transactions serial, and where notifications go.

    `now`: the database's clock.
    """

    def __init__(
        self, now: Callable[[], datetime], notify: Callable[[str, str], None] | None = None
    ) -> None:
        self.now = now
        self.notify = notify or (lambda _channel, _payload: None)
        self.data = Tables()
        self.lock = asyncio.Lock()
        self.losses = 0
        """How often commits were lost: a transaction that began before ends with an error."""

    def pool(
        self,
        at_step: Step | None = None,
        *,
        after_commit: Step | None = None,
        size: int = 10,
    ) -> "MemoryPool":
        """Open a pool of one process.

        `at_step`: awaited before each statement, begin and commit; what it raises ends the
        transaction, and the connection too unless it is an error that Postgres answers with.
        `after_commit`: awaited when a commit took effect and its answer is on the way, a statement
        outside a transaction being a commit too; `at_step` is when it is not given.
        """
        after_commit = after_commit or at_step
        return MemoryPool(self, Steps(at_step, after_commit), size)

    def tables(self) -> list[str]:
        """Names of the tables."""
        return [
            name for name, part in vars(self.data).items() if isinstance(part, Table | SpreadTable)
        ]

    def rows(self, table: str) -> list[Row]:
        """What a table holds now, in the order of insertion."""
        found: Table | SpreadTable = getattr(self.data, table)
        parts = [found] if isinstance(found, Table) else found.by_audience.values()
        return [row for part in parts for row in part.rows.values()]

    def mark(self) -> Mark:
        """Remember what is committed."""
        return Mark(self.data.save(), self.data.last_audience_no, self.data.last_event_no)

    def lose_since(self, mark: Mark) -> None:
        """Fail over to a replica that has only seen what was committed at the mark.

        Transactions under way are lost with their connections.
        """
        self.losses += 1
        self.data.restore(mark.saved)
        self.data.last_audience_no = mark.last_audience_no
        self.data.last_event_no = mark.last_event_no


class MemoryPool:
    """Gives out at most `size` connections at once."""

    def __init__(self, database: MemoryDatabase, steps: Steps, size: int) -> None:
        self.database = database
        self.steps = steps
        self._idle: list[MemoryConnection] = []
        self._free = asyncio.Semaphore(size)
        self._is_closed = False

    @asynccontextmanager
    async def acquire(self, *, timeout: float | None = None) -> AsyncIterator[MemoryConnection]:
        if self._is_closed:
            raise asyncpg.InterfaceError("pool is closed")
        if self._free.locked():
            async with asyncio.timeout(timeout):
                await self._free.acquire()
        else:
            await self._free.acquire()  # at once: a timer for each would cost more than it
        connection = self._idle.pop() if self._idle else MemoryConnection(self.database, self.steps)
        try:
            yield connection
        finally:
            connection.abandon()
            if not connection.is_lost:
                self._idle.append(connection)
            self._free.release()

    async def close(self) -> None:
        self._is_closed = True

    def terminate(self) -> None:
        self._is_closed = True
