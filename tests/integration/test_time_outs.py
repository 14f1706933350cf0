"""No statement, wait for a lock or idle transaction lasts longer than it may; nothing is half done."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import grpc
import pytest

from service.store import imports, pool
from service.store.connection import Connection
from service.store.errors import StoreUnavailable, map_unavailable
from service.store.migrations import SERVER_SETTINGS as MIGRATION_SETTINGS
from tests.integration.import_calls import REPLACE, chunk, count, header, member, send, staged
from tests.integration.rpc_world import running_rpc
from tests.integration.store_builders import (
    an_audience,
    connected,
    somebody_waits_for_a_lock,
)

BOUNDS = ("statement_timeout", "lock_timeout", "idle_in_transaction_session_timeout")


async def test_every_connection_of_a_pool_has_its_bounds(database_url: str) -> None:
    async with await pool.open_pool(database_url, size=1) as opened:
        found = {
            name: await opened.fetchval(f"select current_setting('{name}')") for name in BOUNDS
        }
    assert found == dict(zip(BOUNDS, ("1min", "30s", "1min"), strict=True))
    assert set(BOUNDS) <= MIGRATION_SETTINGS.keys()


async def test_a_statement_that_takes_too_long_is_unavailability(database_url: str) -> None:
    async with connected(database_url) as connection:
        await connection.execute("set statement_timeout = '10ms'")
        with pytest.raises(StoreUnavailable), map_unavailable():
            await connection.execute("select pg_sleep(20)")


async def test_a_lock_that_is_waited_for_too_long_is_unavailability(database_url: str) -> None:
    async with connected(database_url) as holder, connected(database_url) as waiting:
        await an_audience(holder)
        await waiting.execute("set lock_timeout = '10ms'")
        async with holder.transaction():
            await holder.execute("select from audience for update")
            with pytest.raises(StoreUnavailable), map_unavailable():
                await waiting.execute("select from audience for update")


async def test_a_process_that_stands_still_in_a_transaction_loses_its_locks(
    database_url: str,
) -> None:
    async with connected(database_url) as still, connected(database_url) as other:
        await an_audience(still)
        await still.execute("set idle_in_transaction_session_timeout = '50ms'")
        transaction = still.transaction()
        await transaction.start()
        await still.execute("select from audience for update")
        await other.execute("select from audience for update")
        with pytest.raises(StoreUnavailable), map_unavailable():
            await still.execute("select 1")


@asynccontextmanager
async def held_members(database_url: str) -> AsyncIterator[Connection]:
    """A lock that whoever reads the membership waits for."""
    async with connected(database_url) as holder, holder.transaction():
        await holder.execute("set local statement_timeout = 0")
        await holder.execute("lock table member in access exclusive mode")
        yield holder


async def test_a_replace_that_takes_too_long_changes_nothing_and_may_be_asked_for_again(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    last = chunk(2, member(3), final=True)
    async with running_rpc(database_url) as rpc:
        await rpc.connect_active_audience()
        await send(rpc, header(mode=REPLACE), chunk(0, member(1), member(2)))
        with monkeypatch.context() as hurried:
            hurried.setattr(imports, "REPLACE_STATEMENT_S_MAX", 0.05)
            async with held_members(database_url):
                with pytest.raises(grpc.aio.AioRpcError) as refused:
                    await send(rpc, header(mode=REPLACE), last)
        assert refused.value.code() is grpc.StatusCode.UNAVAILABLE
        assert (await count(rpc), await staged(rpc)) == (0, 2)

        resumed, answer = await send(rpc, header(mode=REPLACE), last)
        assert resumed.acknowledged_offset == 2
        assert answer.result.changed_count == 3
        assert (await count(rpc), await staged(rpc)) == (3, 0)


async def test_a_replace_may_take_longer_than_any_other_statement(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(pool.SERVER_SETTINGS, "statement_timeout", "300ms")
    async with running_rpc(database_url) as rpc:
        await rpc.connect_active_audience()
        await send(rpc, header(mode=REPLACE), chunk(0, member(1)))
        async with connected(database_url) as watcher:
            async with held_members(database_url) as holder:
                sending = asyncio.create_task(
                    send(rpc, header(mode=REPLACE), chunk(1, member(2), final=True))
                )
                await somebody_waits_for_a_lock(watcher)
                await holder.execute("select pg_sleep(0.4)")
            assert (await sending)[-1].result.changed_count == 2
        after = await rpc.api.pool.fetchval("select current_setting('statement_timeout')")
        assert after == "300ms", "it holds for that transaction only"
