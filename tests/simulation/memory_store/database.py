"""The double's database, and pools of connections to it."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime

import asyncpg

from tests.simulation.memory_store.connection import MemoryConnection, Step, Steps
from tests.simulation.memory_store.tables import Saved, Tables


@dataclass(frozen=True, slots=True)
class Mark:
    """All that was committed at a moment."""

    saved: Saved
    last_audience_no: int


class MemoryDatabase:
    """Tables, the lock that makes transactions serial, and where notifications go.

    `now`: the database's clock.
    """

    def __init__(
        self, now: Callable[[], datetime], notify: Callable[[str, str], None] | None = None
    ) -> None:
        self.now = now
        self.notify = notify or (lambda _channel, _payload: None)
        self.tables = Tables()
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

        `at_step`: awaited before each statement, begin and commit; what it raises ends the transaction,
        and the connection too unless it is an error that Postgres answers with.
        `after_commit`: awaited when a commit took effect and its answer is on the way; a statement
        outside a transaction is a commit too.
        """
        return MemoryPool(self, Steps(at_step, after_commit), size)

    def mark(self) -> Mark:
        """Remember what is committed. Order: not from within a transaction's `at_step`."""
        if self.tables.undo:
            raise RuntimeError("a transaction is under way")
        return Mark(self.tables.save(), self.tables.last_audience_no)

    def lose_since(self, mark: Mark) -> None:
        """Fail over to a replica that has only seen what was committed at the mark.

        Transactions under way are lost with their connections.
        """
        self.losses += 1
        self.tables.restore(mark.saved)
        self.tables.last_audience_no = mark.last_audience_no


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
        async with asyncio.timeout(timeout):
            await self._free.acquire()
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
