import asyncio
import socket
from collections.abc import AsyncIterator
from urllib.parse import parse_qs, urlsplit

import asyncpg
import pytest

from service.store import audiences, leases
from service.store.errors import StoreUnavailable
from service.store.notifications import Notifications
from service.store.pool import SILENCE_S_MAX, open_pool
from tests.chaos.proxy import Proxy, Streams
from tests.integration.store_builders import an_audience, claimed, connected

LONG_S = 10.0


@pytest.fixture
async def notifications(database_url: str) -> AsyncIterator[Notifications]:
    listening = Notifications()
    await listening.start(database_url)
    yield listening
    await listening.close()


async def test_a_new_audience_is_announced_when_it_is_committed(
    database_url: str, notifications: Notifications
) -> None:
    due = notifications.subscribe("audience_due", None)
    async with connected(database_url) as connection:
        async with connection.transaction():
            await an_audience(connection)
            assert not await due.wait(0.05)
        assert await due.wait(LONG_S)
        assert not await due.wait(0)


async def test_a_hint_that_came_before_the_wait_is_remembered(
    database_url: str, notifications: Notifications
) -> None:
    early = notifications.subscribe("audience_due", None)
    other = notifications.subscribe("audience_due", None)
    async with connected(database_url) as connection:
        await an_audience(connection)
        assert await other.wait(LONG_S)
        assert await early.wait(0)


async def test_changes_are_told_to_who_asked_for_that_audience(
    database_url: str, notifications: Notifications
) -> None:
    async with connected(database_url) as connection:
        number = (await an_audience(connection)).audience_no
        mine = notifications.subscribe("audience_changed", str(number))
        others = notifications.subscribe("audience_changed", str(number + 1))
        work = await claimed(connection)
        await leases.block(
            connection, number, work.lease_token, reason="X", message="", probe_at=None
        )
        assert await mine.wait(LONG_S)
        assert not await others.wait(0)


async def test_a_closed_subscription_hears_nothing(
    database_url: str, notifications: Notifications
) -> None:
    closed = notifications.subscribe("audience_due", None)
    listening = notifications.subscribe("audience_due", None)
    closed.close()
    closed.close()
    async with connected(database_url) as connection:
        await an_audience(connection)
    assert await listening.wait(LONG_S)
    assert not await closed.wait(0)


async def test_after_a_lost_connection_everybody_looks_and_is_told_again(
    database_url: str, notifications: Notifications
) -> None:
    due = notifications.subscribe("audience_due", None)
    async with connected(database_url) as connection:
        killed = await connection.fetch(
            "select pg_terminate_backend(pid) from pg_stat_activity"
            " where datname = current_database() and pid <> pg_backend_pid()"
            " and query ilike 'listen%'"
        )
        assert len(killed) == 1
        assert await due.wait(LONG_S)
        audience = await an_audience(connection)
        assert await due.wait(LONG_S)
        await audiences.wake(connection, audience.audience_no)
        assert await due.wait(LONG_S)


async def test_a_quiet_connection_that_was_asked_whether_it_answers_still_hears(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("service.store.notifications.KEEP_ALIVE_S", 0.05)
    listening = Notifications()
    await listening.start(database_url)
    due = listening.subscribe("audience_due", None)
    await asyncio.sleep(0.3)
    async with connected(database_url) as connection:
        await an_audience(connection)
    assert await due.wait(LONG_S)
    await listening.close()


async def test_a_connection_that_cannot_be_made_is_tried_again_in_the_background() -> None:
    listening = Notifications()
    await listening.start("postgresql:///x?host=/nonexistent")
    assert not await listening.subscribe("audience_due", None).wait(0)
    await listening.close()
    await listening.close()


async def test_an_unreachable_database_gives_no_pool() -> None:
    with pytest.raises(StoreUnavailable):
        await open_pool("postgresql:///x?host=/nonexistent")


async def test_the_pool_reads_keys_as_bytes_and_plans_anew_each_time(database_url: str) -> None:
    pool = await open_pool(database_url, size=2)
    async with pool.acquire() as one, pool.acquire() as other:
        for connection in (one, other):
            assert await connection.fetchval("select $1::uuid", bytes(16)) == bytes(16)
            assert await connection.fetchval("show plan_cache_mode") == "force_custom_plan"
            assert await connection.fetchval("show jit") == "off"
    await pool.close()


async def test_a_connection_is_given_back_without_a_word_but_never_in_a_transaction(
    database_url: str,
) -> None:
    pool = await open_pool(database_url, size=1)
    async with pool.acquire() as connection:
        pid = await connection.fetchval("select pg_backend_pid()")
    async with connected(database_url) as other:
        said_last = "select query from pg_stat_activity where pid = $1"
        assert await other.fetchval(said_last, pid) == "select pg_backend_pid()"
    async with pool.acquire() as connection:
        await connection.execute("begin; create table half_done ()")
    async with pool.acquire() as connection:
        assert await connection.fetchval("select pg_backend_pid()") == pid
        assert not connection.is_in_transaction()
        assert await connection.fetchval("select to_regclass('half_done')") is None
    await pool.close()


async def test_the_kernel_ends_a_connection_whose_other_end_is_gone_without_a_word(
    database_url: str,
) -> None:
    address = urlsplit(database_url)
    (folder,) = parse_qs(address.query)["host"]

    async def dial() -> Streams:
        return await asyncio.open_unix_connection(f"{folder}/.s.PGSQL.5432")

    with Proxy(dial) as proxy:
        pool = await open_pool(f"postgresql://postgres@{proxy.address}{address.path}", size=1)
        async with pool.acquire() as connection:
            sock = connection._transport.get_extra_info("socket")  # type: ignore[attr-defined]
            assert sock.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE)
            asked_after_s = sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE)
            asked_every_s = sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPINTVL)
            asked = sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPCNT)
            assert asked_after_s + asked * asked_every_s <= SILENCE_S_MAX
            unheard_ms = sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT)
            assert unheard_ms == SILENCE_S_MAX * 1_000
        await pool.close()


async def test_a_statement_on_a_lost_connection_is_unavailable(database_url: str) -> None:
    from service.store.errors import map_unavailable

    async with connected(database_url) as one, connected(database_url) as other:
        pid = await one.fetchval("select pg_backend_pid()")
        await other.execute("select pg_terminate_backend($1)", pid)
        for _ in range(2):
            with pytest.raises(StoreUnavailable), map_unavailable():
                await one.execute("select 1")
        with pytest.raises(asyncpg.UndefinedTableError), map_unavailable():
            await other.execute("select from nothing")
        await asyncio.sleep(0)
