"""The database and its connections: transactions one after the other, all or nothing."""

import asyncio
from collections.abc import AsyncIterable, AsyncIterator, Awaitable, Callable, Iterable, Sequence
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Any

from tests.simulation.memory_store.registry import Record, run
from tests.simulation.memory_store.tables import Key, Row, Tables

Step = Callable[[], Awaitable[None]]


async def _no_step() -> None:
    return


class MemoryDatabase:
    """One database. `now` is its clock; `notify` is told what commits announce."""

    def __init__(
        self, now: Callable[[], datetime], notify: Callable[[str, str], None] = lambda *_: None
    ) -> None:
        self.data = Tables(now)
        self.lock = asyncio.Lock()
        self.commits = 0
        self._notify = notify

    def pool(self, step: Step | None = None) -> "MemoryPool":
        """A process's way to it. `step` is awaited before and after whatever has an effect."""
        return MemoryPool(self, step or _no_step)

    def rows(self, table: str) -> list[Row]:
        return self.data.all(table)

    def tables(self) -> list[str]:
        return list(self.data.by_name)

    def mark(self) -> dict[str, dict[Key, Row]]:
        """Remember everything as it is."""
        return self.data.snapshot()

    def lose_since(self, mark: dict[str, dict[Key, Row]]) -> None:
        """Forget every commit since the mark. A transaction that is open goes on from there."""
        self.data.restore(mark)

    def committed(self) -> None:
        told = self.data.notified
        self.data.forget_transaction()
        self.commits += 1
        for channel, payload in told:
            self._notify(channel, payload)


class MemoryPool:
    """Hands out as many connections as are asked for."""

    def __init__(self, database: MemoryDatabase, step: Step) -> None:
        self._database = database
        self._step = step

    @asynccontextmanager
    async def acquire(self, **_: object) -> AsyncIterator["MemoryConnection"]:
        yield MemoryConnection(self._database, self._step)

    async def close(self) -> None:
        return


class MemoryConnection:
    """What the store uses of a connection of the driver."""

    def __init__(self, database: MemoryDatabase, step: Step) -> None:
        self._database = database
        self._step = step
        self._in_transaction = False

    def is_in_transaction(self) -> bool:
        return self._in_transaction

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[None]:
        """Everything or nothing. Another process's transaction waits for this one's end."""
        await self._step()
        database = self._database
        async with database.lock:
            before = database.mark()
            database.data.now = database.data.clock()
            self._in_transaction = True
            try:
                yield
                await self._step()
            except BaseException:
                database.data.restore(before)
                database.data.forget_transaction()
                raise
            finally:
                self._in_transaction = False
            database.committed()
        await self._step()

    async def execute(self, sql: str, *values: object) -> str:
        return f"DONE {await self._run(sql, values)}"

    async def fetch(self, sql: str, *values: object) -> list[Record]:
        return [Record(row) for row in await self._run(sql, values)]

    async def fetchrow(self, sql: str, *values: object) -> Record | None:
        found = await self._run(sql, values)
        rows = found if isinstance(found, list) else [{"value": found}]
        return Record(rows[0]) if rows else None

    async def copy_records_to_table(
        self,
        table: str,
        *,
        records: Iterable[Sequence[Any]] | AsyncIterable[Sequence[Any]],
        columns: Sequence[str],
    ) -> None:
        await self._step()
        assert table == "incoming"
        incoming = self._database.data.incoming
        if isinstance(records, AsyncIterable):
            async for record in records:
                incoming.append(dict(zip(columns, record, strict=True)))
        else:
            incoming.extend(dict(zip(columns, record, strict=True)) for record in records)

    async def _run(self, sql: str, values: tuple[object, ...]) -> Any:
        if self._in_transaction:
            await self._step()
            return run(self._database.data, sql, values)
        async with self.transaction():
            return run(self._database.data, sql, values)
