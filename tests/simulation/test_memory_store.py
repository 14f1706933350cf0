"""The double stands for every query of the code, and keeps what a transaction promises."""

import asyncio
from datetime import UTC, datetime

import asyncpg
import pytest

from service.store import ad_accounts, audiences, leases, membership
from service.store.connection import Connection, Pool
from service.store.queries import TEXTS
from tests.integration.store_builders import (
    a_wish,
    an_audience,
    claim,
    email,
    enters,
    put_account,
    reread,
)
from tests.simulation.memory_store import IMPLEMENTED, Mark, MemoryDatabase

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)

OF_MIGRATIONS = {
    "lock_migrations",
    "make_migration_table",
    "add_oldest_code",
    "list_applied_migrations",
    "note_migration",
    "has_citus",
    "list_spread_tables",
    "count_bytes_of_tables",
    "spread_function",
    "spread_first_table",
    "spread_table",
}
"""The double has its tables from the start."""
OF_DIAGNOSIS = {
    "read_server_signs",
    "list_table_signs",
    "list_sealing_key_uses",
    "read_ad_account_signs",
    "read_audience_signs",
    "list_dropped_signs",
}
"""What only Diagnose reads, which no simulated caller asks for."""
OF_CITUS = {
    "has_citus",
    "list_spread_tables",
    "count_bytes_of_tables",
    "spread_function",
    "spread_first_table",
    "spread_table",
}
"""The double lies on one node."""


class Failure(Exception):
    pass


class Fault:
    """Raises at the n-th step from when it is armed."""

    def __init__(self) -> None:
        self.steps_left = -1

    async def __call__(self) -> None:
        self.steps_left -= 1
        if self.steps_left == 0:
            raise Failure


def pool_of(database: MemoryDatabase, *hooks: Fault | None) -> Pool:
    at_step, after_commit = (*hooks, None, None)[:2]
    pool: object = database.pool(at_step, after_commit=after_commit)
    return pool  # type: ignore[return-value]


def test_every_query_of_the_code_has_a_function() -> None:
    assert TEXTS.keys() - IMPLEMENTED.keys() == OF_MIGRATIONS | OF_DIAGNOSIS | OF_CITUS


async def test_notifications_go_out_with_the_commit_and_once() -> None:
    heard: list[tuple[str, str]] = []
    database = MemoryDatabase(lambda: NOON, lambda *notice: heard.append(notice))
    async with pool_of(database).acquire() as connection:
        async with connection.transaction():
            number = (await an_audience(connection)).audience_no
            await audiences.wake(connection, number)
            assert heard == []
        assert heard == [("audience_due", "")]
        await ad_accounts.block_ad_account(connection, "act_1", "TOKEN_INVALID")
        assert heard == [("audience_due", "")]


async def connect(pool: Pool) -> None:
    async with pool.acquire() as connection, connection.transaction():
        await audiences.connect_audience(connection, a_wish())


async def is_connected(pool: Pool) -> bool:
    async with pool.acquire() as connection:
        return await audiences.find_audience(connection, "vip") is not None


@pytest.mark.parametrize("step", range(1, 7))
async def test_what_fails_at_any_step_leaves_nothing(step: int) -> None:
    """Its begin, its four statements, its commit."""
    fault = Fault()
    database = MemoryDatabase(lambda: NOON)
    pool = pool_of(database, fault)
    async with pool.acquire() as connection:
        await put_account(connection)
    before = database.mark()
    fault.steps_left = step
    with pytest.raises(Failure):
        await connect(pool)
    assert database.mark().saved == before.saved
    await connect(pool)
    assert await is_connected(pool)


async def test_a_commit_whose_answer_is_lost_has_taken_effect() -> None:
    fault = Fault()
    pool = pool_of(MemoryDatabase(lambda: NOON), None, fault)
    async with pool.acquire() as connection:
        await put_account(connection)
    fault.steps_left = 1
    with pytest.raises(Failure):
        await connect(pool)
    assert await is_connected(pool)


async def test_a_lost_connection_neither_works_on_nor_commits() -> None:
    fault = Fault()
    pool = pool_of(MemoryDatabase(lambda: NOON), fault)

    async def go_on_all_the_same(connection: Connection) -> None:
        async with connection.transaction():
            await put_account(connection)
            fault.steps_left = 1
            with pytest.raises(Failure):
                await put_account(connection)

    async with pool.acquire() as connection:
        with pytest.raises(asyncpg.InterfaceError, match="connection is closed"):
            await go_on_all_the_same(connection)
        with pytest.raises(asyncpg.InterfaceError, match="connection is closed"):
            await put_account(connection)
    async with pool.acquire() as connection:
        assert await ad_accounts.find_ad_account(connection, "act_1") is None


async def test_a_failover_takes_the_newest_commits_and_the_transactions_under_way() -> None:
    database = MemoryDatabase(lambda: NOON)
    pool = pool_of(database)

    async def be_overtaken(connection: Connection, number: int, mark: Mark) -> None:
        async with connection.transaction():
            await audiences.set_paused(connection, number, True)
            database.lose_since(mark)
            await audiences.set_paused(connection, number, True)

    async with pool.acquire() as connection, pool.acquire() as other:
        number = (await an_audience(connection)).audience_no
        mark = database.mark()
        assert await claim(connection)
        with pytest.raises(asyncpg.ConnectionDoesNotExistError):
            await be_overtaken(other, number, mark)
        audience = await reread(connection, number)
        assert not audience.paused
        assert await claim(connection)


async def test_a_transaction_that_failed_takes_no_more_and_is_rolled_back() -> None:
    database = MemoryDatabase(lambda: NOON)
    async with pool_of(database).acquire() as connection:
        async with connection.transaction():
            await an_audience(connection)
            with pytest.raises(asyncpg.CheckViolationError):
                await audiences.connect_audience(connection, a_wish("not a slug"))
            with pytest.raises(asyncpg.InFailedSQLTransactionError):
                await audiences.find_audience(connection, "vip")
        assert await audiences.find_audience(connection, "vip") is None


async def test_transactions_run_one_after_the_other() -> None:
    database = MemoryDatabase(lambda: NOON)
    pool = pool_of(database)
    async with pool.acquire() as connection:
        number = (await an_audience(connection)).audience_no

    async def merge(member: str) -> None:
        async with pool.acquire() as connection, connection.transaction():
            assert await audiences.lock_audience(connection, "vip")
            await asyncio.sleep(0)
            await membership.merge(
                connection, number, [enters(member, email(member))], now=NOON, rules_version=1
            )

    await asyncio.gather(*(merge(f"m{n}") for n in range(5)))
    async with pool.acquire() as connection:
        audience = await reread(connection, number)
        assert (audience.revision, audience.member_count) == (5, 5)
        assert await leases.next_due_in_s(connection) == 0


async def test_a_pool_gives_out_no_more_connections_than_its_size() -> None:
    pool = MemoryDatabase(lambda: NOON).pool(size=1)
    async with pool.acquire():
        with pytest.raises(TimeoutError):
            async with pool.acquire(timeout=0):
                pass
    await pool.close()
    with pytest.raises(asyncpg.InterfaceError, match="pool is closed"):
        async with pool.acquire():
            pass
