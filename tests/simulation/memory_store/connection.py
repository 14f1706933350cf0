"""A connection of the double, and its transactions."""

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import TYPE_CHECKING, Any, TypeAlias, cast

import asyncpg

from tests.simulation.memory_store.copied_rows import copied_rows
from tests.simulation.memory_store.named import run_text
from tests.simulation.memory_store.session import Session
from tests.simulation.memory_store.values import Record, Row

if TYPE_CHECKING:
    from tests.simulation.memory_store.database import MemoryDatabase


Step: TypeAlias = Callable[[], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Steps:
    """What a simulation does around the steps of one process's connections."""

    before: Step | None
    after_commit: Step | None


class MemoryConnection:
    """Takes the named texts that the store sends."""

    def __init__(self, database: "MemoryDatabase", steps: Steps) -> None:
        self._database = database
        self._steps = steps
        self._session = Session(database.data, database.now)
        self._in_transaction = False
        self._has_failed = False
        self._holds_lock = False
        self._losses_seen = 0
        self._made_merge_tables = False
        self.is_lost = False
        """What a step raised, but for an answer of Postgres, ended the connection."""

    async def execute(self, sql: str, *args: object, timeout: float | None = None) -> str:
        """Waiting takes no time here: no statement needs a time-out."""
        return f"DONE {await self._run(sql, args)}"

    async def fetch(self, sql: str, *args: object, timeout: float | None = None) -> list[Record]:
        return [Record(row) for row in await self._run(sql, args)]

    async def fetchrow(
        self, sql: str, *args: object, timeout: float | None = None
    ) -> Record | None:
        rows = await self._run(sql, args)
        return Record(rows[0]) if rows else None

    async def copy_to_table(
        self,
        table: str,
        *,
        source: AsyncIterator[bytes],
        columns: Sequence[str],
        format: str,  # noqa: A002 - the driver's name
    ) -> str:
        """Copy into a temporary table of a merge, members or the rows of an import, in a transaction."""
        if format != "binary":
            raise NotImplementedError(format)
        await self._begin_statement()
        rows = await copied_rows(source, columns)
        if table == "import_row":
            for row in rows:
                key = row["chunk_offset"], row["member_key"], row["row_no"]
                self._session.tables.import_row.of(cast("int", row["audience_no"])).put(key, row)
        elif table == "member":
            self._copy_members(rows)
        else:
            getattr(self._session.batch, table).extend(rows)
        return f"COPY {len(rows)}"

    def _copy_members(self, rows: list[Row]) -> None:
        try:
            for row in rows:
                self._session.tables.member.of(row["audience_no"]).insert(
                    (row["member_key"], row["row_no"]), row, primary_key="member_pkey"
                )
        except asyncpg.PostgresError:
            self._has_failed = True
            raise

    def is_in_transaction(self) -> bool:
        return self._in_transaction

    def transaction(self) -> "MemoryTransaction":
        return MemoryTransaction(self)

    async def begin(self) -> None:
        await self._take(self._steps.before)
        self._in_transaction = True
        self._losses_seen = self._database.losses
        self._session.now = self._database.now()

    async def commit(self) -> None:
        """As Postgres does, end a transaction that has failed without an error."""
        try:
            await self._take(self._steps.before)
            self._check_connected()
        except BaseException:
            self.roll_back()
            raise
        if self._has_failed:
            self.roll_back()
        else:
            await self._keep()

    async def begin_part(self) -> int:
        """A savepoint: what is behind it can be undone alone. Its place among what was written."""
        await self._begin_statement()
        return len(self._database.data.undo)

    def roll_back_to(self, savepoint: int) -> None:
        if self._losses_seen == self._database.losses:
            self._database.data.roll_back(savepoint)
        self._has_failed = False

    def roll_back(self) -> None:
        if self._holds_lock and self._losses_seen == self._database.losses:
            self._database.data.roll_back()
        if self._made_merge_tables:
            self._session.merge_tables = None
        self._end()
        self._session.notices.clear()

    def abandon(self) -> None:
        """Back to the pool: whatever is left is rolled back."""
        if self._in_transaction:
            self.roll_back()

    async def _run(self, sql: str, args: tuple[object, ...]) -> Any:
        if self._in_transaction:
            await self._begin_statement()
            return self._run_now(sql, args)
        await self.begin()
        try:
            await self._begin_statement(is_a_step=False)
            answer = self._run_now(sql, args)
        except BaseException:
            self.roll_back()
            raise
        await self._keep()
        return answer

    async def _begin_statement(self, *, is_a_step: bool = True) -> None:
        """The lock is taken by the first statement, as a row's would be: a begin waits for nobody."""
        if is_a_step:
            await self._take(self._steps.before)
        self._session.statement_at = self._database.now()
        if not self._holds_lock:
            await self._database.lock.acquire()
            self._holds_lock = True
        self._check_connected()
        if self._has_failed:
            raise asyncpg.InFailedSQLTransactionError("current transaction is aborted")

    def _run_now(self, sql: str, args: tuple[object, ...]) -> Any:
        had_merge_tables = self._session.merge_tables is not None
        try:
            answer = run_text(self._session, sql, args)
        except BaseException:
            self._has_failed = True
            raise
        if not had_merge_tables and self._session.merge_tables is not None:
            self._made_merge_tables = True
        return answer

    async def _keep(self) -> None:
        notices = list(self._session.notices)
        self._session.notices.clear()
        if self._holds_lock:
            self._database.data.keep()
        self._end()
        for channel, payload in notices:
            self._database.notify(channel, payload)
        await self._take(self._steps.after_commit)

    def _end(self) -> None:
        if self._session.merge_tables is not None:
            self._session.merge_tables.clear()
        self._in_transaction = self._has_failed = self._made_merge_tables = False
        if self._holds_lock:
            self._holds_lock = False
            self._database.lock.release()

    def _check_connected(self) -> None:
        if self._losses_seen != self._database.losses:
            self.is_lost = True
            raise asyncpg.ConnectionDoesNotExistError("connection was closed by the failover")

    async def _take(self, step: Step | None) -> None:
        if self.is_lost:
            raise asyncpg.InterfaceError("cannot perform operation: connection is closed")
        if step is None:
            return
        try:
            await step()
        except BaseException as error:
            self._has_failed = self._in_transaction
            self.is_lost = not _is_answer(error)
            raise


def _is_answer(error: BaseException) -> bool:
    """Whether Postgres says so over a connection that goes on."""
    return isinstance(error, asyncpg.PostgresError) and not isinstance(
        error, asyncpg.PostgresConnectionError
    )


class MemoryTransaction:
    """All or nothing, as `async with connection.transaction()`."""

    def __init__(self, connection: MemoryConnection) -> None:
        self._connection = connection
        self._savepoint: int | None = None

    async def __aenter__(self) -> None:
        if self._connection.is_in_transaction():
            self._savepoint = await self._connection.begin_part()
        else:
            await self._connection.begin()

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._savepoint is not None:
            if kind is not None and not self._connection.is_lost:
                self._connection.roll_back_to(self._savepoint)
        elif kind is None:
            await self._connection.commit()
        else:
            self._connection.roll_back()
