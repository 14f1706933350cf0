"""What happens after calls of unknown outcome, lost leases and losses on Facebook's side."""

import asyncio
from datetime import timedelta

import pytest

from service.sync import upload
from service.sync.run import run_audience
from tests.integration.sync_world import SyncWorld, a_world, mail
from tests.integration.test_sync_changes import people, with_people


async def test_a_call_without_answer_is_sent_again_and_planned_once_more_an_hour_later(
    database_url: str,
) -> None:
    async with a_world(database_url, call_timeout_s=0.5) as world:
        await with_people(world, "ann")
        world.arm(match={"operation": "add", "times": 1}, effect={"lost_answer": True})
        await world.update(bob=mail("bob"))
        sync = await world.sync()

        assert (sync.state, sync.rows_added, sync.calls) == ("SUCCEEDED", 1, 2)
        assert await world.value(
            "select recheck_at > now() + interval '50 minutes' from audience_work"
        )
        assert await world.value("select recheck_from from audience_work") == 1

        await world.make_due(recheck_at=timedelta(0))
        await world.run()
        assert await world.value("select recheck_at is null from audience_work")
        assert await world.value("select trigger from sync order by sync_no desc") == "RECHECK"
        assert len(world.calls("add")) == 4


async def test_nothing_opposite_is_sent_for_two_call_timeouts_after_an_unknown_outcome(
    database_url: str,
) -> None:
    async with a_world(database_url, call_timeout_s=0.5) as world:
        await with_people(world, "ann")
        world.arm(match={"operation": "remove", "times": 1}, effect={"lost_answer": True})
        await world.update(ann=None, bob=mail("bob"))
        world.clock.waits.clear()
        await world.sync()
        assert max(world.clock.waits) > 0.5, "additions waited for removals that may land late"
        assert world.inside() == people("bob")


async def test_a_removal_that_lands_after_everything_is_healed_by_the_recheck(
    database_url: str,
) -> None:
    async with a_world(database_url, call_timeout_s=0.5) as world:
        await with_people(world, "ann")
        world.arm(match={"operation": "remove", "times": 1}, effect={"apply_late_ms": 1500})
        await world.update(ann=None)
        await world.sync()
        await world.update(ann=mail("ann"))
        await world.sync()
        assert world.inside() == people("ann")
        while world.inside():  # the late removal lands, as it may where time-outs are short
            await asyncio.sleep(0.05)

        await world.make_due(recheck_at=timedelta(0))
        await world.run()
        assert world.inside() == people("ann")


async def test_a_lease_that_ran_out_is_taken_over_with_quiet_and_a_recheck(
    database_url: str,
) -> None:
    async with a_world(database_url) as world:
        await with_people(world, "ann")
        await world.update(bob=mail("bob"))
        await world.ask()
        dead = await world.claim(holder="dead", lease_s=0)
        assert dead is not None
        work = await world.claim(holder="heir")

        assert work is not None
        assert work.lease_token > dead.lease_token
        assert work.hold_additions_until is not None
        assert work.hold_removals_until is not None
        assert (work.hold_additions_until - work.now).total_seconds() > 3.9
        assert work.recheck_from == work.synced_revision
        await run_audience(world.held(work), world.draining)
        assert world.inside() == people("ann", "bob")
        assert max(world.clock.waits) > 3.5


async def test_a_late_holder_writes_nothing_once_another_has_the_lease(database_url: str) -> None:
    async with a_world(database_url) as world:
        await with_people(world, "ann")
        await world.update(bob=mail("bob"))
        await world.ask()
        late = await world.claim(holder="late", lease_s=0)
        assert late is not None
        heir = await world.claim(holder="heir")
        assert heir is not None
        before = await world.value("select audience_work::text from audience_work")

        await run_audience(world.held(late), world.draining)
        assert await world.value("select audience_work::text from audience_work") == before
        assert not world.calls("add")[1:], "and sends nothing"


async def test_what_was_not_settled_is_sent_again_by_the_heir(database_url: str) -> None:
    async with a_world(database_url) as world:
        await with_people(world, "ann")
        await world.update(bob=mail("bob"))
        asked = await world.ask()
        world.arm(match={"operation": "add"}, effect={"delay_ms": 60_000})
        work = await world.claim(lease_s=0)
        assert work is not None
        run = asyncio.create_task(run_audience(world.held(work), world.draining))
        while len(world.calls("add")) < 2:
            await asyncio.sleep(0.01)
        run.cancel()
        await asyncio.wait([run])
        world.fake.state.faults.arm([])

        assert (await world.look(asked)).state == "RUNNING"
        await world.run()
        ended = await world.look(asked)
        assert (ended.state, ended.rows_added) == ("SUCCEEDED", 1)
        assert world.inside() == people("ann", "bob")


async def test_a_sync_gives_up_after_some_tries_and_the_next_one_comes_sooner(
    database_url: str,
) -> None:
    async with a_world(database_url) as world:
        await with_people(world, "ann")
        world.arm(match={"operation": "add"}, effect={"html": {"status": 502}})
        await world.update(bob=mail("bob"))
        failed = await world.sync()

        assert (failed.state, failed.error_reason) == ("FAILED", "UNKNOWN_OUTCOME")
        assert (failed.rows_unknown, failed.rows_added) == (1, 0)
        assert await world.value(
            "select next_sync_at - now() between '20 s' and '130 s' from audience_work"
        )
        world.fake.state.faults.arm([])
        again = await world.sync()
        assert (again.state, again.rows_added) == ("SUCCEEDED", 1)


async def test_a_refresh_heals_losses_on_facebooks_side(database_url: str) -> None:
    async with a_world(database_url) as world:
        await with_people(world, "ann", "bob", "cat")
        await world.update(cat=None)
        await world.sync()
        (audience,) = world.fake.state.audiences.by_id.values()
        population = world.fake.state.population
        numbers = {person.person_id: n for n, person in enumerate(population.people)}
        audience.membership.remove({"lost": (numbers[mail("ann")[0]],)})
        audience.membership.add({"landed late": (numbers[mail("cat")[0]],)})
        assert world.inside() == people("bob", "cat")

        sync = await world.sync("REFRESH")
        assert (sync.mode, sync.state) == ("REFRESH", "SUCCEEDED")
        assert (sync.rows_removed, sync.rows_added) == (1, 2)
        assert world.inside() == people("ann", "bob")
        assert await world.value("select refresh_phase is null from audience_work")
        assert await world.value(
            "select refresh_due_at > now() + interval '20 d' from audience_work"
        )


async def test_a_refresh_goes_on_where_it_was_interrupted(database_url: str) -> None:
    async with a_world(database_url) as world:
        await with_people(world)
        await world.update(**{f"m{n}": mail(f"m{n}") for n in range(10)})
        await world.sync()
        await stop_after_first_page(world)
        half = await world.value("select rows_added from sync where mode = 'REFRESH'")
        assert 0 < half < 10

        world.draining.clear()
        await world.run()
        assert await world.value("select rows_added from sync where mode = 'REFRESH'") == 10
        assert await world.value("select state from sync where mode = 'REFRESH'") == "SUCCEEDED"


async def stop_after_first_page(world: SyncWorld) -> None:
    import pytest

    from service.sync import refresh, upload

    call = upload.Uplink.call

    async def call_and_drain(*args: object, **kwargs: object) -> object:
        world.draining.set()
        return await call(*args, **kwargs)  # type: ignore[arg-type]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(refresh, "PAGE_ROWS_MAX", 3)
        patch.setattr(refresh, "PART_ROWS_MAX", 2)
        patch.setattr(upload.Uplink, "call", call_and_drain)
        await world.ask("REFRESH")
        await world.run()


async def test_a_gap_in_the_log_is_jumped_over_and_healed_by_a_refresh(database_url: str) -> None:
    async with a_world(database_url) as world:
        await with_people(world, "ann")
        await world.update(bob=mail("bob"))
        await world.execute("delete from change_chunk")
        await world.ask()
        await world.run()
        assert world.inside() == people("ann", "bob")
        assert (await world.audience()).pending_change_count >= 0


async def until_nobody_is_inside(world: SyncWorld) -> None:
    """Until a removal that was answered by a time-out lands."""
    while world.inside():
        await asyncio.sleep(0.05)


async def with_a_shared_email(world: SyncWorld) -> None:
    """One person known by two e-mails; two members share the second."""
    world.know(["own@mail.example", "home@mail.example"])
    await world.connect()
    await world.update(
        leaver=["own@mail.example", "home@mail.example"], stayer=["home@mail.example"]
    )
    await world.sync()


async def test_a_removal_of_a_refresh_that_lands_late_is_healed_by_the_recheck(
    database_url: str,
) -> None:
    async with a_world(database_url, call_timeout_s=0.5) as world:
        await with_a_shared_email(world)
        await world.update(leaver=None)
        await world.sync()
        world.arm(match={"operation": "remove", "times": 1}, effect={"apply_late_ms": 1500})
        await world.sync("REFRESH")
        await until_nobody_is_inside(world)
        await world.make_due(recheck_at=timedelta(0))
        await world.run()
        assert world.inside() == {"own@mail.example"}


async def test_a_removal_of_a_recheck_that_lands_late_is_healed_by_the_next_recheck(
    database_url: str,
) -> None:
    async with a_world(database_url, call_timeout_s=0.5) as world:
        await with_a_shared_email(world)
        world.arm(match={"operation": "remove", "times": 1}, effect={"lost_answer": True})
        await world.update(leaver=None)
        await world.sync()
        world.arm(match={"operation": "remove", "times": 1}, effect={"apply_late_ms": 1500})
        await world.make_due(recheck_at=timedelta(0))
        await world.run()
        await until_nobody_is_inside(world)
        await world.make_due(recheck_at=timedelta(0))
        await world.run()
        assert world.inside() == {"own@mail.example"}


async def test_a_recheck_that_is_suspended_after_an_unknown_call_keeps_its_window(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with a_world(database_url, call_timeout_s=0.5) as world:
        await with_people(world, "ann")
        world.arm(match={"operation": "add", "times": 1}, effect={"lost_answer": True})
        await world.update(bob=mail("bob"))
        await world.sync()
        await world.make_due(recheck_at=timedelta(0))
        world.arm(match={"operation": "add", "times": 1}, effect={"lost_answer": True})
        call = upload.Uplink.call

        async def call_and_drain(*args: object, **kwargs: object) -> object:
            world.draining.set()
            return await call(*args, **kwargs)  # type: ignore[arg-type]

        monkeypatch.setattr(upload.Uplink, "call", call_and_drain)
        await world.run()
        assert await world.value("select recheck_from from audience_work") == 1


async def test_a_run_cancelled_in_a_back_off_after_an_unknown_call_leaves_its_lease_to_run_out(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with a_world(database_url, call_timeout_s=0.5) as world:
        await with_people(world, "ann")
        world.arm(match={"operation": "add"}, effect={"lost_answer": True})
        await world.update(bob=mail("bob"))
        await world.ask()
        work = await world.claim()
        assert work is not None
        backing_off = asyncio.Event()

        async def back_off(_: float) -> None:
            backing_off.set()
            await asyncio.Event().wait()

        monkeypatch.setattr(world.clock, "sleep", back_off)
        run = asyncio.create_task(run_audience(world.held(work), world.draining))
        await backing_off.wait()
        run.cancel()
        await asyncio.wait([run])
        assert await world.value("select lease_holder is not null from audience_work")
