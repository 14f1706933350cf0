"""Gates of two processes on one database."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime, timedelta

import pytest

from service.clock import Clock
from service.graph import GraphFailure, Usage, Verdict
from service.store import ad_accounts
from service.store.notifications import Notifications
from service.store.pool import Pool, open_pool
from service.sync.account_gate import AccountGate
from service.sync.account_view import BEAT_S
from service.sync.pace_board import StoredBoard
from service.sync.pace_shares import SILENT_S
from service.sync.stops import ComeBack
from tests.integration.store_builders import put_account
from tests.integration.sync_world import AD_ACCOUNT_ID, a_world
from tests.integration.test_sync_stops import a_worker

ACCOUNT = "act_1"
CALL_S = 2.0
LONG_S = 20.0


class MovedClock(Clock):
    """Real time, moved on by hand for everybody who sleeps."""

    def __init__(self) -> None:
        self.ahead_s = 0.0

    def monotonic(self) -> float:
        return super().monotonic() + self.ahead_s

    async def sleep(self, seconds: float) -> None:
        until = self.monotonic() + seconds
        while self.monotonic() < until:
            await asyncio.sleep(0.01)


@asynccontextmanager
async def a_pool(database_url: str) -> AsyncIterator[Pool]:
    pool = await open_pool(database_url, size=4)
    try:
        async with pool.acquire() as connection:
            await put_account(connection, ACCOUNT)
        async with asyncio.timeout(LONG_S):
            yield pool
    finally:
        pool.terminate()


def a_gate(pool: Pool, holder: str, clock: Clock) -> AccountGate:
    return AccountGate(
        calls_max=8,
        clock=clock,
        ad_account_id=ACCOUNT,
        board=StoredBoard(pool),
        holder=holder,
        call_timeout_s=CALL_S,
    )


async def hold(gate: AccountGate, holding: set[asyncio.Task[None]], end: asyncio.Event) -> None:
    """A call that lasts until `end`; it is in `holding` meanwhile."""
    async with gate.permit() as permit:
        task = asyncio.current_task()
        assert task is not None
        holding.add(task)
        await end.wait()
        holding.discard(task)
        permit.answered(None)


async def until_holding(holding: set[asyncio.Task[None]], count: int) -> None:
    while len(holding) < count:
        await asyncio.sleep(0.01)


async def throttled_until(pool: Pool) -> datetime:
    async with pool.acquire() as connection:
        until = await ad_accounts.read_throttled_until(connection, ACCOUNT)
    assert until is not None
    return until


async def holders(pool: Pool) -> dict[str, int]:
    async with pool.acquire() as connection:
        record = await connection.fetchrow("select holders, places from account_pace")
    assert record is not None
    return dict(zip(record["holders"], record["places"], strict=True))


async def test_a_stop_found_by_a_usage_header_holds_for_the_other_replica_at_its_next_call(
    database_url: str,
) -> None:
    clock = MovedClock()
    notifications = Notifications()
    await notifications.start(database_url)
    stopped = notifications.subscribe("ad_account_stopped", ACCOUNT)
    async with a_pool(database_url) as pool:
        one, other = a_gate(pool, "one", clock), a_gate(pool, "other", clock)
        async with other.permit() as permit:
            permit.answered(None)
        await stopped.wait(0)
        async with one.permit() as permit:
            permit.answered(Usage(percent=96, regain_access_s=600))

        assert await stopped.wait(LONG_S), "the replica is told at once"
        other.look_soon()
        with pytest.raises(ComeBack) as stop:
            async with other.permit():
                pass
        assert stop.value.in_s == pytest.approx(600, abs=10)

        with pytest.raises(ComeBack):
            async with a_gate(pool, "new", clock).permit():
                pass
    await notifications.close()


async def test_without_a_word_the_stop_is_seen_a_second_later_and_is_never_shortened(
    database_url: str,
) -> None:
    clock = MovedClock()
    async with a_pool(database_url) as pool:
        one, other = a_gate(pool, "one", clock), a_gate(pool, "other", clock)
        async with one.permit():
            pass
        await one.close()
        with pytest.raises(GraphFailure):
            async with other.permit():
                raise GraphFailure(Verdict.LIMITED, message="", retry_after_s=900)
        first = await throttled_until(pool)

        one.throttled(60)
        clock.ahead_s += BEAT_S
        await one._view.look()
        assert one.stopped_for_s() > 800
        with pytest.raises(ComeBack):
            async with one.permit():
                pass
        assert await throttled_until(pool) == first > datetime.now(UTC) + timedelta(seconds=800)


async def test_replicas_share_the_places_and_a_dead_one_gives_its_share_back(
    database_url: str,
) -> None:
    clock, end = MovedClock(), asyncio.Event()
    async with a_pool(database_url) as pool:
        dying, other = a_gate(pool, "dying", clock), a_gate(pool, "other", clock)
        holding: set[asyncio.Task[None]] = set()
        dead = [asyncio.create_task(hold(dying, holding, end)) for _ in range(4)]
        await until_holding(holding, 4)
        assert await holders(pool) == {"dying": 4}

        alive: set[asyncio.Task[None]] = set()
        calls = [asyncio.create_task(hold(other, alive, end)) for _ in range(4)]
        while await holders(pool) != {"dying": 4, "other": 0}:
            await asyncio.sleep(0.01)
        assert len(alive) == 0, "all places are taken"

        clock.ahead_s += SILENT_S
        async with pool.acquire() as connection:  # as if that time had passed for the database too
            await connection.execute(
                "update account_pace set seen_at[1] = seen_at[1] - $1, version = version + 1",
                SILENT_S,
            )
        await until_holding(alive, 1)
        async with pool.acquire() as connection:
            await connection.execute(
                "update account_pace set seen_at[1] = seen_at[1] - $1, version = version + 1",
                2 * CALL_S,
            )
        await until_holding(alive, 4)
        assert await holders(pool) == {"other": 4}

        for call in (*dead, *calls):
            call.cancel()
        await asyncio.gather(*dead, *calls, return_exceptions=True)


async def test_a_replica_without_calls_leaves_the_places_to_the_others(database_url: str) -> None:
    clock, end = Clock(), asyncio.Event()
    async with a_pool(database_url) as pool:
        one, other = a_gate(pool, "one", clock), a_gate(pool, "other", clock)
        async with one.permit():
            holding: set[asyncio.Task[None]] = set()
            waits = asyncio.create_task(hold(other, holding, end))
            while "other" not in await holders(pool):
                await asyncio.sleep(0.01)
        await until_holding(holding, 1)
        while set(await holders(pool)) != {"other"}:
            await asyncio.sleep(0.01)
        end.set()
        await waits
        await other.close()
        assert await holders(pool) == {}


async def test_a_worker_looks_again_when_an_account_is_stopped_somewhere(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    looked = asyncio.Event()
    async with asyncio.timeout(LONG_S), a_world(database_url) as world:
        await world.renew_token()
        monkeypatch.setattr(world.context.gates, "look_soon", looked.set)
        async with a_worker(world, database_url, drain_s=0.2) as (worker, working):
            until = datetime.now(UTC) + timedelta(seconds=60)
            while not looked.is_set():
                async with world.context.pool.acquire() as connection:
                    await ad_accounts.throttle_ad_account(connection, AD_ACCOUNT_ID, until)
                with suppress(TimeoutError):
                    await asyncio.wait_for(looked.wait(), timeout=0.2)
            worker.drain()
            await working
