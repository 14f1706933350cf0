"""Each judgement on an answer of Facebook's reaches its end; what stops accounts is in test_sync_blocks."""

from datetime import timedelta

import pytest

from service.store.history_rows import Sync
from service.sync import upload
from service.sync.upload import RETRY_MOST_S, TRIES_MAX
from tests.integration.sync_world import SyncWorld, a_world, mail
from tests.integration.test_sync_changes import people, with_people

IN_PASSING = {"graph_error": {"code": 2, "http_status": 500, "is_transient": True}}
NOT_THERE_YET = {"graph_error": {"code": 803}}
TOO_SMALL = {"graph_error": {"code": 200, "subcode": 1870047}}
REPLACING = {"graph_error": {"code": 2650, "subcode": 1870145}}


async def with_a_change(world: SyncWorld) -> None:
    await with_people(world, "ann")
    await world.update(bob=mail("bob"))
    world.fake.state.journal.clear()


async def run_all(world: SyncWorld) -> int:
    runs = 0
    while runs < 20 and await world.run():
        runs += 1
    return runs


async def due_in_s(world: SyncWorld) -> float:
    seconds = await world.value("select extract(epoch from due_at - now()) from audience_work")
    return float(seconds)


async def test_what_fails_in_passing_is_sent_again_with_growing_waits_inside_the_lease(
    database_url: str,
) -> None:
    async with a_world(database_url) as world:
        await with_a_change(world)
        world.arm(match={"operation": "add", "times": TRIES_MAX - 1}, effect=IN_PASSING)
        world.clock.waits.clear()
        sync = await world.sync()
        assert (sync.state, sync.calls) == ("SUCCEEDED", TRIES_MAX)
        assert world.inside() == people("ann", "bob")
        assert (
            len([wait for wait in world.clock.waits if 0 < wait <= RETRY_MOST_S]) >= TRIES_MAX - 1
        )


async def test_a_name_that_cannot_be_told_is_tried_ever_more_rarely(database_url: str) -> None:
    async with a_world(database_url) as world:
        await with_people(world)
        await world.execute("update audience set name = 'Fans'")
        world.arm(match={"operation": "update"}, effect=IN_PASSING)
        waits = []
        for _ in range(12):
            await world.make_due()
            await world.run()
            waits.append(await due_in_s(world))
        assert all(0 < wait <= 900 for wait in waits)
        assert max(waits[6:]) > 60 >= max(waits[:2]), "capped, but no hot loop"

        world.fake.state.faults.arm([])
        await world.make_due()
        await world.run()
        assert await world.value("select failed_calls_in_a_row from audience_work") == 0
        assert [one.name for one in world.fake.state.audiences.by_id.values()] == ["Fans"]


@pytest.mark.parametrize("effect", [{"html": {"status": 502}}, {"truncate_body": True}])
async def test_a_page_or_half_an_answer_has_the_window_sent_again_and_checked_an_hour_later(
    database_url: str, effect: dict[str, object]
) -> None:
    async with a_world(database_url) as world:
        await with_a_change(world)
        world.arm(match={"operation": "add", "times": 1}, effect=effect)
        sync = await world.sync()
        assert (sync.state, sync.rows_added, sync.calls) == ("SUCCEEDED", 1, 2)
        assert await world.value("select recheck_at > now() from audience_work")
        assert world.inside() == people("ann", "bob")


async def test_a_replace_by_somebody_else_is_waited_for_and_the_same_sync_goes_on(
    database_url: str,
) -> None:
    async with a_world(database_url) as world:
        await with_a_change(world)
        world.arm(match={"operation": "add"}, effect=REPLACING)
        held_up = await world.sync()
        assert (held_up.state, held_up.error_reason) == ("RUNNING", "BUSY")
        assert 200 < await due_in_s(world) <= 310
        assert await run_all(world) == 0
        assert len(world.calls("add")) == 1

        world.fake.state.faults.arm([])
        await world.make_due()
        await world.run()
        assert (await world.look(held_up)).state == "SUCCEEDED"
        assert world.inside() == people("ann", "bob")


async def test_an_audience_that_facebook_does_not_know_everywhere_yet_is_waited_for(
    database_url: str,
) -> None:
    async with a_world(database_url) as world:
        world.know(mail("ann"))
        world.fake.state.settings = world.fake.state.settings.model_copy(
            update={"new_audience_lag_calls": TRIES_MAX + 1}
        )
        await world.connect()
        await world.update(ann=mail("ann"))
        first = await world.sync()
        assert (first.state, first.error_reason) == ("FAILED", "NOT_READY")
        assert (await world.audience()).state == "ACTIVE"
        assert (await world.sync()).state == "SUCCEEDED"
        assert world.inside() == people("ann")


@pytest.mark.parametrize("operation", ["add", "update"])
async def test_not_there_long_after_it_was_made_is_gone(database_url: str, operation: str) -> None:
    async with a_world(database_url) as world:
        await with_a_change(world)
        if operation == "update":
            await world.execute("update audience set name = 'Fans'")
        await world.execute(
            "update audience_work set custom_audience_since = now() - interval '11 minutes'"
        )
        world.arm(match={"operation": operation}, effect=NOT_THERE_YET)
        await world.sync()
        audience = await world.audience()
        assert (audience.state, audience.blocked_reason) == ("BLOCKED", "AUDIENCE_GONE")
        assert len(world.calls(operation)) <= TRIES_MAX
        assert await run_all(world) == 0


async def test_removals_that_are_too_many_are_counted_and_tried_at_the_next_syncs_only(
    database_url: str,
) -> None:
    async with a_world(database_url) as world:
        await with_people(world, "ann", "bob")
        world.arm(match={"operation": "remove"}, effect=TOO_SMALL)
        await world.update(ann=None)
        for _ in range(3):
            sync = await world.sync()
            assert (sync.state, sync.rows_carried_over) == ("PARTIALLY_SUCCEEDED", 1)
            assert await run_all(world) == 0, "no hot loop"
            assert await due_in_s(world) > 3000
            assert (await world.audience()).pending_change_count == 1
        assert len(world.calls("remove")) == 3

        world.fake.state.faults.arm([])
        await world.update(cat=mail("cat"), dan=mail("dan"))
        grown = await world.sync()
        assert (grown.state, grown.rows_removed, grown.rows_carried_over) == ("SUCCEEDED", 1, 0)
        assert world.inside() == people("bob", "cat", "dan")
        assert (await world.audience()).pending_change_count == 0


async def test_who_comes_back_after_a_removal_was_put_off_stays_inside(database_url: str) -> None:
    async with a_world(database_url) as world:
        await with_people(world, "ann", "bob")
        world.arm(match={"operation": "remove", "times": 1}, effect=TOO_SMALL)
        await world.update(ann=None)
        await world.sync()
        await world.update(ann=mail("ann"))
        assert (await world.sync()).state == "SUCCEEDED"
        assert world.inside() == people("ann", "bob")


async def test_an_audience_of_single_key_uploads_is_refused_with_what_to_do(
    database_url: str,
) -> None:
    async with a_world(database_url) as world:
        await with_a_change(world)
        (audience,) = world.fake.state.audiences.by_id.values()
        setattr(audience, "upload_kind", "HASHES_OR_USER_IDS")  # noqa: B010 - a type of the fake
        sync = await world.sync()
        assert (sync.state, sync.error_reason, sync.error_code) == ("FAILED", "MODE_LOCKED", 2650)
        blocked = await world.audience()
        assert "single-key" in blocked.blocked_message
        assert "connect a new one" in blocked.blocked_message
        assert await run_all(world) == 0


async def rows_that_are_sent(world: SyncWorld, *, at_most: int) -> Sync:
    await world.connect()
    await world.run()
    world.fake.state.journal.clear()
    await world.update(**{f"m{n}": mail(f"m{n}") for n in range(at_most)})
    return await world.sync()


async def test_a_batch_that_is_too_large_is_halved_and_nothing_is_lost(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(upload, "HALVED_ROWS_MIN", 2)
    async with a_world(database_url) as world:
        too_large = {"graph_error": {"code": 1, "subcode": 99, "http_status": 500}}
        world.arm(match={"operation": "add", "times": 3}, effect=too_large)
        sync = await rows_that_are_sent(world, at_most=16)
        assert (sync.state, sync.rows_added, sync.rows_invalid) == ("SUCCEEDED", 16, 0)
        assert sync.calls == 3 + 4


async def test_what_is_called_too_large_but_is_small_is_trouble_that_passes(
    database_url: str,
) -> None:
    async with a_world(database_url) as world:
        too_large = {"graph_error": {"code": 1, "subcode": 99, "http_status": 500}}
        world.arm(match={"operation": "add"}, effect=too_large)
        sync = await rows_that_are_sent(world, at_most=2)
        assert (sync.state, sync.error_reason) == ("FAILED", "TOO_LARGE")
        assert len(world.calls("add")) == TRIES_MAX
        world.fake.state.faults.arm([])
        assert (await world.sync()).rows_added == 2


async def lose_the_custom_audience(world: SyncWorld) -> None:
    state = world.fake.state.audiences
    state.drop(next(iter(state.by_id.values())))
    await world.execute("update audience_work set custom_audience_since = now() - interval '2 d'")


async def test_a_lost_custom_audience_is_made_anew_and_filled_where_that_is_wished(
    database_url: str,
) -> None:
    async with a_world(database_url, recreate_gone_audiences=True) as world:
        await with_a_change(world)
        lost = (await world.audience()).custom_audience_id
        await lose_the_custom_audience(world)
        await world.update(ann=mail("ann"), cat=mail("cat"), bob=None)
        failed = await world.sync()
        assert (failed.state, failed.error_reason) == ("FAILED", "AUDIENCE_GONE")
        await run_all(world)
        audience = await world.audience()
        assert audience.state == "ACTIVE"
        assert audience.custom_audience_id != lost
        assert world.inside() == people("ann", "cat")
        assert await world.value("select former_custom_audience_id from audience_work") == lost
        assert await world.value("select mode from sync order by sync_no desc limit 1") == "REFRESH"


@pytest.mark.parametrize("because", ["by default", "adopted", "lost again within a day", "listed"])
async def test_a_lost_custom_audience_is_not_made_anew(database_url: str, because: str) -> None:
    async with a_world(database_url, recreate_gone_audiences=because != "by default") as world:
        await with_a_change(world)
        if because == "listed":
            gone = {"graph_error": {"code": 100, "subcode": 33}}
            world.arm(match={"operation": "add"}, effect=gone)
        else:
            await lose_the_custom_audience(world)
        if because == "adopted":
            await world.execute("update audience_work set adopted = true")
        if because == "lost again within a day":
            await world.execute("update audience_work set custom_audience_since = now()")
        else:
            await world.execute(
                "update audience_work set custom_audience_since = now() - interval '2 d'"
            )
        await world.sync()
        await run_all(world)
        audience = await world.audience()
        assert (audience.state, audience.blocked_reason) == ("BLOCKED", "AUDIENCE_GONE")
        assert not world.calls("create")

        await world.make_due(probe_at=timedelta(0))
        await run_all(world)
        assert (await world.audience()).blocked_reason == "AUDIENCE_GONE"
