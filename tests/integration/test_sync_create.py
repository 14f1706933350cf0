"""One wish makes one Custom Audience, and one Custom Audience is kept by one audience, under every fault."""

from datetime import timedelta

import pytest

from fakefb.audiences import Audience as FakeAudience
from service.store import leases
from service.store.rows import Audience
from tests.integration.dying_runs import die_at, let_the_heir_come
from tests.integration.sync_world import SyncWorld, a_world, mail
from tests.integration.test_sync_changes import people, with_people

WAITS_MAX = 400
ANOTHERS = "[audience-sync:buyers@elsewhere]"


def made(world: SyncWorld) -> list[FakeAudience]:
    return list(world.fake.state.audiences.by_id.values())


def made_for(world: SyncWorld, audience_id: str) -> list[str]:
    marker = f"[audience-sync:{audience_id}@"
    return [one.custom_audience_id for one in made(world) if marker in one.description]


async def connect_alone(world: SyncWorld, audience_id: str) -> None:
    """Connect one more; the others are not due."""
    world.audience_id = audience_id
    audience = await world.connect()
    await world.execute(
        "update audience_work set due_at = 'infinity' where audience_no <> $1", audience.audience_no
    )


@pytest.mark.parametrize("killed", [False, True])
async def test_one_custom_audience_is_made_wherever_the_first_holder_dies(
    database_url: str, *, killed: bool
) -> None:
    async with a_world(database_url) as world:
        deaths_with_one_made, was_kept = 0, False
        for waits in range(1, WAITS_MAX):
            await connect_alone(world, f"a{waits}")
            assert await die_at(world, waits, killed=killed)
            was_kept = (await world.audience()).custom_audience_id is not None
            deaths_with_one_made += bool(made_for(world, world.audience_id))
            await let_the_heir_come(world)

            audience = await world.audience()
            assert audience.state == "ACTIVE", waits
            assert made_for(world, world.audience_id) == [audience.custom_audience_id], waits
            if was_kept:
                break
        assert deaths_with_one_made > 1, "some died between the call and the commit"
        assert was_kept


@pytest.mark.parametrize("killed", [False, True])
async def test_one_custom_audience_takes_the_place_of_a_lost_one_wherever_a_holder_dies(
    database_url: str, *, killed: bool
) -> None:
    async with a_world(database_url, recreate_gone_audiences=True) as world:
        world.know(mail("ann"))
        lost: list[str] = []
        ended = False
        for waits in range(1, WAITS_MAX, 7):
            await connect_alone(world, f"a{waits}")
            await world.update(ann=mail("ann"))
            await world.run()
            (lost_id,) = made_for(world, world.audience_id)
            lost.append(lost_id)
            world.fake.state.audiences.drop(world.fake.state.audiences.by_id[lost_id])
            await world.execute(
                "update audience_work set custom_audience_since = now() - interval '2 d'"
            )
            await world.ask("REFRESH")
            ended = not await die_at(world, waits, killed=killed)
            await world.ask("REFRESH")
            await let_the_heir_come(world)

            audience = await world.audience()
            assert audience.state == "ACTIVE", waits
            assert made_for(world, world.audience_id) == [audience.custom_audience_id], waits
            (kept,) = (one for one in made(world) if one.name == "Buyers")
            names = world.fake.state.population.ids(kept.membership.people())
            assert set(names) == people("ann"), waits
            world.fake.state.audiences.drop(kept)
            if ended:
                break
        assert ended
        assert len(lost) > 5


async def test_a_marker_that_a_person_edits_away_changes_nothing_once_the_id_is_known(
    database_url: str,
) -> None:
    async with a_world(database_url) as world:
        await with_people(world, "ann")
        (custom_audience,) = made(world)
        custom_audience.description = "by hand"
        await world.update(bob=mail("bob"))
        assert (await world.sync()).state == "SUCCEEDED"
        assert world.inside() == people("ann", "bob")
        assert len(world.calls("create")) == 1


async def test_without_its_marker_a_lost_create_is_made_again_and_only_one_is_written_to(
    database_url: str,
) -> None:
    async with a_world(database_url, call_timeout_s=0.5) as world:
        world.know(mail("ann"))
        world.arm(match={"operation": "create", "times": 1}, effect={"lost_answer": True})
        await world.connect()
        await world.update(ann=mail("ann"))
        await world.run()
        (orphan,) = made(world)
        orphan.description = "by hand"
        await world.make_due(create_attempted_at=timedelta(minutes=-1))
        await world.run()

        kept = (await world.audience()).custom_audience_id
        assert kept not in (None, orphan.custom_audience_id)
        assert {call.custom_audience_id for call in world.calls("add")} == {kept}
        assert not orphan.membership.people()
        assert len(world.calls("create")) == 2


async def test_a_create_that_a_restored_backup_forgot_is_found_again(database_url: str) -> None:
    async with a_world(database_url) as world:
        await with_people(world, "ann")
        forgotten = (await world.audience()).custom_audience_id
        await world.execute(
            "update audience_work set custom_audience_id = null, create_attempted_at = null"
        )
        await world.update(bob=mail("bob"))
        await world.sync()
        assert (await world.audience()).custom_audience_id == forgotten
        assert len(world.calls("create")) == 1
        assert world.inside() == people("ann", "bob")


async def test_a_search_for_a_lost_custom_audience_that_fails_in_passing_is_made_again(
    database_url: str,
) -> None:
    async with a_world(database_url, recreate_gone_audiences=True) as world:
        await with_people(world, "ann")
        (lost,) = made(world)
        world.fake.state.audiences.drop(lost)
        await world.execute(
            "update audience_work set custom_audience_since = now() - interval '2 d'"
        )
        world.arm(match={"operation": "list", "times": 1}, effect={"html": {"status": 502}})
        await world.update(bob=mail("bob"))
        await world.make_due(next_sync_at=timedelta(0))
        await world.run()
        assert len(world.calls("list")) == 2, "one before the first create, and the one that failed"
        assert await world.value("select lease_holder is null from audience_work")
        await world.make_due()
        await world.run()
        await world.sync("REFRESH")
        assert world.inside() == people("ann", "bob")


async def blocked(world: SyncWorld) -> Audience:
    audience = await world.audience()
    assert (audience.state, audience.blocked_reason) == ("BLOCKED", "ADOPTION_REFUSED")
    assert "Another audience or installation" in audience.blocked_message
    return audience


async def test_who_finds_anothers_marker_stops_and_goes_on_when_it_is_taken_away(
    database_url: str,
) -> None:
    async with a_world(database_url) as world:
        await with_people(world, "ann")
        (custom_audience,) = made(world)
        ours, custom_audience.description = custom_audience.description, ANOTHERS
        await world.sync()
        await blocked(world)
        await world.update(bob=mail("bob"))
        await world.make_due(probe_at=timedelta(0))
        await world.run()
        await blocked(world)
        assert world.inside() == people("ann")

        custom_audience.description = ours
        await world.make_due(probe_at=timedelta(0))
        await world.run()
        assert (await world.audience()).state == "ACTIVE"
        assert world.inside() == people("ann", "bob")


async def test_of_two_installations_that_adopt_at_once_the_one_overwritten_sends_nothing(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with a_world(database_url) as world:
        await with_people(world, "dan")
        (custom_audience,) = made(world)
        custom_audience.description = "by hand"
        await world.execute("update audience_work set custom_audience_id = null")
        await world.execute("update audience set disconnected_at = now()")
        update = world.context.graph.update_custom_audience

        async def update_and_be_overwritten(*args: object, **kwargs: object) -> None:
            await update(*args, **kwargs)  # type: ignore[arg-type]
            custom_audience.description = ANOTHERS

        monkeypatch.setattr(
            world.context.graph, "update_custom_audience", update_and_be_overwritten
        )
        await world.connect(existing=custom_audience.custom_audience_id)
        await world.update(ann=mail("ann"))
        world.fake.state.journal.clear()
        await world.run()
        await blocked(world)
        assert not world.calls("add")
        assert world.inside() == people("dan")


async def test_every_custom_audience_that_was_given_up_stays_known(database_url: str) -> None:
    async with a_world(database_url) as world:
        await world.connect()
        work = await world.claim()
        assert work is not None
        async with world.context.pool.acquire() as connection:
            lease = work.audience_no, work.lease_token
            for number in ("11", "12", "13"):
                await leases.set_custom_audience(
                    connection,
                    *lease,
                    custom_audience_id=number,
                    adopted=False,
                    told_name=None,
                    told_description=None,
                )
                assert await leases.forget_custom_audience(
                    connection, *lease, custom_audience_id=number
                )
                assert not await leases.forget_custom_audience(
                    connection, *lease, custom_audience_id=number
                )
            given_up = [await leases.was_given_up(connection, n) for n in ("11", "12", "13", "14")]
        assert given_up == [True, True, True, False]
