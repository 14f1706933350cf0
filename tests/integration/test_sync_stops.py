"""Pauses, blocks, drains and disconnecting while Facebook or the database does not play along."""

import asyncio
from datetime import timedelta

import asyncpg
import pytest

from service.clock import Clock
from service.store import audiences, leases
from service.store.notifications import Notifications
from service.sync import refresh
from service.sync import worker as worker_module
from service.sync.account_gate import AccountGates
from service.sync.held import HeldAudience
from service.sync.run import run_audience
from service.sync.sync_run import SyncRun
from service.sync.worker import Worker
from tests.integration.sync_world import AD_ACCOUNT_ID, SyncWorld, a_world, mail
from tests.integration.test_sync_changes import people, with_people

FACEBOOK_IS_DOWN = {"graph_error": {"code": 2, "http_status": 500}}
RUNS_MAX = 3


async def pause(world: SyncWorld) -> None:
    await wish(world, paused=True)


async def wish(
    world: SyncWorld, *, paused: bool | None = None, disconnect: str | None = None
) -> None:
    async with world.context.pool.acquire() as connection, connection.transaction():
        audience = await audiences.lock_audience(connection, world.audience_id)
        assert audience is not None
        if paused is not None:
            await audiences.set_paused(connection, audience.audience_no, paused)
        if disconnect is not None:
            await audiences.request_disconnect(connection, audience.audience_no, disconnect)


async def runs_until_idle(world: SyncWorld) -> int:
    count = 0
    while count < 20 and await world.run():
        count += 1
    return count


async def test_a_paused_audience_that_is_blocked_is_left_alone(database_url: str) -> None:
    async with a_world(database_url) as world:
        await with_people(world, "ann")
        await world.execute(
            "update audience_work set blocked_reason = 'TOKEN_INVALID', probe_at = now()"
        )
        await pause(world)
        assert await runs_until_idle(world) < RUNS_MAX


async def test_a_pause_that_comes_while_a_run_blocks_does_not_start_it_again_and_again(
    database_url: str,
) -> None:
    async with a_world(database_url) as world:
        await with_people(world, "ann")
        await world.update(bob=mail("bob"))
        world.arm(match={"operation": "add"}, effect={"graph_error": {"code": 190}})
        await world.ask()
        work = await world.claim()
        assert work is not None
        await pause(world)
        await run_audience(world.held(work), world.draining)
        assert await runs_until_idle(world) < RUNS_MAX


async def test_flushing_while_facebook_is_down_waits_between_its_tries(database_url: str) -> None:
    async with a_world(database_url) as world:
        await with_people(world, "ann")
        await world.update(bob=mail("bob"))
        world.arm(match={"operation": "add"}, effect=FACEBOOK_IS_DOWN)
        await wish(world, disconnect="FLUSH")
        assert await runs_until_idle(world) < RUNS_MAX
        assert await world.value("select count(*) from sync where state = 'FAILED'") == 1

        world.fake.state.faults.arm([])
        await world.make_due(next_sync_at=timedelta(0))
        await world.run()
        assert (await world.audience()).state == "DISCONNECTED"
        assert world.inside() == people("ann", "bob")


async def test_a_probe_while_facebook_is_down_waits_for_the_next_one(database_url: str) -> None:
    async with a_world(database_url) as world:
        await with_people(world, "ann")
        await world.update(bob=mail("bob"))
        world.arm(match={"operation": "add"}, effect=FACEBOOK_IS_DOWN)
        await world.execute(
            "update audience_work set blocked_reason = 'TOKEN_INVALID', probe_at = now(), due_at = now()"
        )
        assert await runs_until_idle(world) < RUNS_MAX
        assert (await world.audience()).state == "BLOCKED"


async def test_flushing_an_audience_that_is_gone_ends_it(database_url: str) -> None:
    async with a_world(database_url) as world:
        await with_people(world, "ann")
        await world.update(bob=mail("bob"))
        world.fake.state.audiences.by_id.clear()
        await world.sync()
        await wish(world, disconnect="FLUSH")
        await world.run()
        assert (await world.audience()).state == "DISCONNECTED"


async def test_who_waits_for_a_sync_of_an_audience_that_blocks_learns_why(
    database_url: str,
) -> None:
    async with a_world(database_url) as world:
        await with_people(world, "ann")
        await world.update(bob=mail("bob"))
        world.arm(match={"operation": "add"}, effect={"graph_error": {"code": 190}})
        waiting = await world.ask("REFRESH")
        await world.sync()
        told = await world.look(waiting)
        assert (told.state, told.error_reason) == ("FAILED", "TOKEN_INVALID")


async def test_a_cured_account_is_not_told_to_be_blocked_after_connecting(
    database_url: str,
) -> None:
    async with a_world(database_url) as world:
        world.arm(match={"operation": "create", "times": 1}, effect={"graph_error": {"code": 200}})
        await world.connect()
        await world.run()
        assert await world.value("select blocked_reason from ad_account") == "PERMISSION_MISSING"
        await world.make_due(probe_at=timedelta(0))
        await world.run()
        assert (await world.audience()).state == "ACTIVE"
        assert await world.value("select blocked_reason from ad_account") is None


async def test_words_of_facebook_that_postgres_cannot_store_block_all_the_same(
    database_url: str,
) -> None:
    async with a_world(database_url) as world:
        await with_people(world, "ann")
        await world.update(bob=mail("bob"))
        refusal = {"status": 400, "body": {"error": {"message": "a\x00b", "code": 190}}}
        world.arm(match={"operation": "add"}, effect={"json": refusal})
        await world.sync()
        assert (await world.audience()).blocked_reason == "TOKEN_INVALID"


async def test_a_refresh_that_was_paused_away_is_not_taken_up_in_its_middle_by_the_next(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(refresh, "PAGE_ROWS_MAX", 1)
    send_again = SyncRun.send_again

    async def pause_and_send(self: SyncRun, *args: object, **kwargs: object) -> None:
        await pause(world)
        await send_again(self, *args, **kwargs)  # type: ignore[arg-type]

    async with a_world(database_url) as world:
        await with_people(world, "ann", "bob", "cat")
        await world.ask("REFRESH")
        with monkeypatch.context() as patch:
            patch.setattr(SyncRun, "send_again", pause_and_send)
            await world.run()
        await wish(world, paused=False)
        await world.update(dan=mail("dan"))
        ended = await world.sync("REFRESH")
        assert (ended.state, ended.rows_added) == ("SUCCEEDED", 5), "dan as a change, then all four"


async def test_a_former_custom_audience_is_not_found_again_by_its_marker(
    database_url: str,
) -> None:
    async with a_world(database_url) as world:
        await with_people(world, "ann")
        await wish(world, disconnect="ABANDON")
        await world.run()
        world.arm(match={"operation": "create", "times": 1}, effect=FACEBOOK_IS_DOWN)
        await world.connect()
        await world.run()
        await world.execute(
            "update audience_work set due_at = now(), create_attempted_at = now() - interval '1 min'"
            " where create_attempted_at is not null"
        )
        await world.run()
        former, made = world.fake.state.audiences.by_id
        assert (await world.audience()).custom_audience_id == made != former


def real_time(world: SyncWorld) -> None:
    clock = Clock()
    object.__setattr__(world.context, "clock", clock)
    object.__setattr__(world.context, "gates", AccountGates(calls_max=8, clock=clock))


async def test_a_drain_gives_back_the_lease_of_a_run_that_only_waits(database_url: str) -> None:
    async with a_world(database_url) as world:
        await with_people(world, "ann")
        await world.update(bob=mail("bob"))
        await world.ask()
        real_time(world)
        world.context.gates.of(AD_ACCOUNT_ID).throttled(60)
        async with a_worker(world, database_url, drain_s=0.2) as (worker, working):
            while await world.value("select lease_holder is null from audience_work"):
                await asyncio.sleep(0.02)
            worker.drain()
            await working
        assert await world.value("select lease_holder is null from audience_work")


async def test_a_drain_does_not_wait_for_a_database_that_hangs(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = asyncio.Event()

    async def hang(*_: object, **__: object) -> None:
        asked.set()
        await asyncio.Event().wait()

    async with a_world(database_url) as world:
        real_time(world)
        monkeypatch.setattr(leases, "claim_due", hang)
        async with a_worker(world, database_url, drain_s=0.2) as (worker, working):
            await asked.wait()
            worker.drain()
            await asyncio.wait_for(working, timeout=5)


async def test_a_run_that_fails_oddly_fails_alone(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    failed = asyncio.Event()

    async def broken(*_: object) -> None:
        failed.set()
        raise asyncpg.UndefinedTableError("no such table")

    async with a_world(database_url) as world:
        await with_people(world, "ann")
        await world.ask()
        real_time(world)
        monkeypatch.setattr(worker_module, "run_audience", broken)
        monkeypatch.setattr(HeldAudience, "waiting_syncs", broken)
        async with a_worker(world, database_url, drain_s=0.2) as (worker, working):
            await failed.wait()
            assert not working.done()
            worker.drain()
            await working


class a_worker:  # noqa: N801 (reads as a phrase)
    """A worker at work, on real time; the test drains it."""

    def __init__(self, world: SyncWorld, database_url: str, *, drain_s: float) -> None:
        self._url = database_url
        self._notifications = Notifications()
        self._worker = Worker(
            context=world.context,
            notifications=self._notifications,
            holder="us",
            poll_s=0.1,
            drain_s=drain_s,
        )

    async def __aenter__(self) -> tuple[Worker, "asyncio.Task[None]"]:
        await self._notifications.start(self._url)
        self._working = asyncio.create_task(self._worker.work())
        return self._worker, self._working

    async def __aexit__(self, *_: object) -> None:
        self._working.cancel()
        await asyncio.wait([self._working])
        await self._notifications.close()
