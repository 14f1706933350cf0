"""A long pause or block does not let the log grow: it is compacted by row."""

import asyncio
from datetime import timedelta

import pytest

from service.store import audiences, change_log, monitoring
from service.sync import compaction
from service.sync.compaction import COMPACT_FROM_ROWS, keep_log_short
from service.sync.stops import LeaseLost
from tests.integration.sync_world import SyncWorld, a_world, mail
from tests.integration.test_sync_changes import people, with_people

MEMBERS = 120


async def pause(world: SyncWorld, *, paused: bool = True) -> None:
    await world.execute("update audience set paused = $1", paused)
    await world.make_due()


async def pending(world: SyncWorld) -> int:
    """Rows pending by the counters, which are the rows of the log."""
    counted = (await world.audience()).pending_change_count
    logged = await world.value(
        "select coalesce(sum(row_count), 0) from change_chunk c join audience_work w"
        " using (audience_no) where c.revision > w.synced_revision"
    )
    assert counted == logged
    return counted


def everybody(generation: int) -> dict[str, list[str]]:
    return {f"m{n}": [f"m{n}.{generation % 3}@mail.example"] for n in range(MEMBERS)}


async def test_two_hundred_cycles_of_change_while_paused_keep_the_log_bounded(
    database_url: str,
) -> None:
    async with a_world(database_url) as world:
        world.know(*([f"m{n}.{g}@mail.example"] for n in range(MEMBERS) for g in range(3)))
        await world.connect()
        await world.update(**everybody(0))
        await world.sync()
        await pause(world)
        most = 0
        for cycle in range(1, 201):
            await world.update(**everybody(cycle))
            if cycle % 20 == 0:
                await world.make_due()
                await world.run()
                most = max(most, await pending(world))
        assert most <= COMPACT_FROM_ROWS < 200 * 2 * MEMBERS

        await pause(world, paused=False)
        await world.sync()
        assert world.inside() == {f"m{n}.2@mail.example" for n in range(MEMBERS)}
        assert await pending(world) == 0


@pytest.fixture
def every_log_is_long(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(compaction, "COMPACT_FROM_ROWS", 1)
    monkeypatch.setattr(compaction, "PENDING_PER_MEMBER", 0)


@pytest.mark.usefixtures("every_log_is_long")
@pytest.mark.parametrize(("waited", "told"), [(timedelta(hours=5), 5), (timedelta(days=3), 24)])
async def test_a_compacted_log_is_not_taken_for_fresh(
    database_url: str, waited: timedelta, told: int
) -> None:
    async with a_world(database_url) as world:
        await with_people(world, "ann", "bob")
        await pause(world)
        await world.update(cat=mail("cat"), ann=None)
        await world.execute("update change_chunk set logged_at = logged_at - $1::interval", waited)
        for _ in range(5):
            await world.update(cat=None)
            await world.update(cat=mail("cat"))
        before = await pending(world)
        await world.make_due()
        await world.run()
        assert await pending(world) < before
        async with world.context.pool.acquire() as connection:
            (sample,) = await monitoring.sample_audiences(connection, named_max=1)
        assert sample.oldest_unsent_s == pytest.approx(told * 3600, abs=300)


@pytest.mark.usefixtures("every_log_is_long")
async def test_a_blocked_audience_is_looked_after_hourly_and_resumes_exactly(
    database_url: str,
) -> None:
    async with a_world(database_url) as world:
        await with_people(world, "ann", "bob")
        await world.execute(
            "update audience_work set blocked_reason = 'AUDIENCE_FLAGGED',"
            " probe_at = now() + interval '1 day'"
        )
        for _ in range(10):
            await world.update(ann=None, cat=mail("cat"))
            await world.update(ann=mail("ann"), cat=None)
        await world.make_due()
        await world.run()
        assert await pending(world) == 3, "ann and cat removed, ann added"
        in_an_hour = "select due_at between now() + interval '59 m' and now() + interval '61 m'"
        assert await world.value(f"{in_an_hour} from audience_work")

        await world.make_due(probe_at=timedelta(0))
        await world.run()
        assert world.inside() == people("ann", "bob")
        assert await pending(world) == 0


@pytest.mark.usefixtures("every_log_is_long")
async def test_who_shares_an_email_with_a_leaver_stays_inside_after_a_compaction(
    database_url: str,
) -> None:
    async with a_world(database_url) as world:
        world.know(["own@mail.example", "home@mail.example"], mail("bob"))
        await world.connect()
        await world.update(
            leaver=["own@mail.example", "home@mail.example"], stayer=["home@mail.example"]
        )
        await world.sync()
        await pause(world)
        for _ in range(5):
            await world.update(leaver=None, bob=mail("bob"))
            await world.update(leaver=["own@mail.example", "home@mail.example"], bob=None)
        await world.update(leaver=None)
        await world.make_due()
        await world.run()

        await pause(world, paused=False)
        await world.sync()
        assert world.inside() == {"own@mail.example"}, "the stayer, known by the shared e-mail"


@pytest.mark.usefixtures("every_log_is_long")
async def test_a_log_longer_than_a_place_is_compacted_place_by_place(database_url: str) -> None:
    async with a_world(database_url, window_rows_max=8) as world:
        await with_people(world, "ann")
        await pause(world)
        for _ in range(20):
            await world.update(ann=None, bob=mail("bob"))
            await world.update(ann=mail("ann"), bob=None)
        await world.make_due()
        await world.run()
        assert await pending(world) <= 8

        await pause(world, paused=False)
        await world.sync()
        assert world.inside() == people("ann")


@pytest.mark.usefixtures("every_log_is_long")
async def test_what_is_to_be_checked_again_is_not_touched(database_url: str) -> None:
    async with a_world(database_url, call_timeout_s=0.5) as world:
        await with_people(world, "ann")
        world.arm(match={"operation": "add", "times": 1}, effect={"lost_answer": True})
        await world.update(bob=mail("bob"))
        await world.sync()
        checked_again = "select array_agg(revision) from change_chunk where revision <= 2"
        before = await world.value(checked_again)
        await pause(world)
        for _ in range(3):
            await world.update(cat=mail("cat"))
            await world.update(cat=None)
        await world.make_due()
        await world.run()
        assert await world.value(checked_again) == before
        assert await pending(world) == 1

        await world.execute("update audience set paused = false")
        await world.make_due(recheck_at=timedelta(0), next_sync_at=timedelta(0))
        await world.run()
        assert world.inside() == people("ann", "bob")


@pytest.mark.usefixtures("every_log_is_long")
async def test_changes_that_come_during_a_compaction_are_kept(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with a_world(database_url) as world:
        await with_people(world, "ann")
        await pause(world)
        for _ in range(3):
            await world.update(bob=mail("bob"))
            await world.update(bob=None)
        replace_chunks = change_log.replace_chunks
        merging: list[asyncio.Task[None]] = []

        async def and_meanwhile(*args: object, **kwargs: object) -> bool:
            merging.append(asyncio.create_task(world.update(cat=mail("cat"))))
            await asyncio.sleep(0.05)
            assert not merging[0].done(), "the audience's lock is held"
            return await replace_chunks(*args, **kwargs)  # type: ignore[arg-type]

        monkeypatch.setattr(change_log, "replace_chunks", and_meanwhile)
        await world.make_due()
        await world.run()
        await asyncio.gather(*merging)
        assert await pending(world) == 2, "bob removed, cat added"

        await pause(world, paused=False)
        await world.sync()
        assert world.inside() == people("ann", "cat")


@pytest.mark.usefixtures("every_log_is_long")
async def test_a_holder_whose_lease_is_lost_leaves_the_log_alone(database_url: str) -> None:
    async with a_world(database_url) as world:
        await with_people(world, "ann")
        await pause(world)
        for _ in range(3):
            await world.update(bob=mail("bob"))
            await world.update(bob=None)
        await world.make_due()
        late = await world.claim(lease_s=0)
        assert late is not None
        assert await world.claim(holder="heir") is not None
        with pytest.raises(LeaseLost):
            await keep_log_short(world.held(late))
        assert await pending(world) == 6


async def test_chunks_are_not_replaced_by_who_read_others(database_url: str) -> None:
    async with a_world(database_url) as world:
        await world.connect()
        await world.update(ann=mail("ann"))
        number = (await world.audience()).audience_no
        async with world.context.pool.acquire() as connection:
            chunks = await change_log.read_window(connection, number, after=0, up_to=9, rows_max=9)
            await world.execute("delete from change_chunk")
            async with connection.transaction():
                await audiences.lock_audience(connection, world.audience_id)
                assert not await change_log.replace_chunks(
                    connection,
                    number,
                    after=0,
                    chunks=chunks,
                    shorter=[],
                    now=world.context.clock.now(),
                )
