"""What the record of a sync tells afterwards: waits, upload sessions, and whom Facebook found."""

from datetime import timedelta

import pytest

from service.store import syncs
from service.sync import upload
from tests.integration.sync_world import SyncWorld, a_world, mail
from tests.integration.test_sync_changes import people, with_people

THROTTLED = {"graph_error": {"code": 80003, "subcode": 2446079}}


async def newest(world: SyncWorld) -> syncs.Sync:
    audience = await world.audience()
    async with world.context.pool.acquire() as connection:
        (sync,) = await syncs.list_syncs(connection, audience.audience_no, before_no=None, limit=1)
    return sync


async def test_a_sync_tells_its_upload_sessions_by_direction_and_whom_facebook_found(
    database_url: str,
) -> None:
    async with a_world(database_url) as world:
        await with_people(world, "ann", "bob")
        await world.update(ann=None, cat=mail("cat"), nobody=mail("nobody"))
        await world.sync()

        sync = await newest(world)
        (added,), (removed,) = sync.addition_session_ids, sync.removal_session_ids
        assert [str(added)] == [call.session_id for call in world.calls("add")[-1:]]
        assert [str(removed)] == [call.session_id for call in world.calls("remove")]
        assert sync.matched_count == 1, "cat; nobody is nobody that Facebook knows"
        assert sync.throttled_ms == 0


async def test_a_match_count_that_comes_later_is_learned_with_a_later_sync(
    database_url: str,
) -> None:
    async with a_world(database_url) as world:
        settings = world.fake.state.settings
        world.fake.state.settings = settings.model_copy(update={"count_delay_minutes": 30})
        await with_people(world, "ann", "bob")
        first = await newest(world)
        assert first.matched_count is None

        world.fake.state.clock.advance(31 * 60)
        await world.update(ann=None)
        await world.sync()
        first = await world.look(first)
        assert first.matched_count == 2
        asked = [call for call in world.fake.state.journal.entries if "/sessions" in call.path]
        assert len(asked) == 2, "once in vain; a sync without additions asks for the earlier one"
        await world.sync()
        assert asked == [
            call for call in world.fake.state.journal.entries if "/sessions" in call.path
        ]


async def test_counts_that_cannot_be_read_are_no_failure_of_the_sync(database_url: str) -> None:
    async with a_world(database_url) as world:
        world.arm(match={"path": "/sessions"}, effect={"html": {"status": 502}})
        await with_people(world, "ann")
        sync = await newest(world)
        assert (sync.state, sync.matched_count) == ("SUCCEEDED", None)


async def test_a_wait_within_a_run_for_the_accounts_limit_is_told_once(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(upload, "BATCH_ROWS_MAX", 1)
    async with a_world(database_url, calls_in_flight=1) as world:
        await with_people(world, "ann")
        await world.update(bob=mail("bob"), cat=mail("cat"), dan=mail("dan"))
        world.arm(match={"operation": "add", "times": 1}, effect=THROTTLED)
        asked = await world.ask()
        await world.run()
        assert (await world.look(asked)).state == "RUNNING", "the database's clock stood still"
        await world.execute("update ad_account set throttled_until = null")
        await world.make_due()
        await world.run()
        sync = await world.look(asked)
        assert sync.state == "SUCCEEDED"
        assert 55_000 <= sync.throttled_ms <= 75_000
        assert world.inside() == people("ann", "bob", "cat", "dan")


async def test_a_suspension_for_the_accounts_limit_is_told_while_it_lasts_and_after(
    database_url: str,
) -> None:
    async with a_world(database_url) as world:
        await with_people(world, "ann")
        await world.update(bob=mail("bob"))
        await world.execute("update ad_account set throttled_until = now() + interval '10 min'")
        asked = await world.ask()
        await world.run()
        await world.execute(
            "update sync set throttled_since = throttled_since - $1::interval", timedelta(minutes=9)
        )
        waiting = await world.look(asked)
        assert (waiting.state, waiting.throttled_ms // 60_000) == ("PENDING", 9)

        await world.execute("update ad_account set throttled_until = null")
        await world.make_due()
        await world.run()
        ended = await world.look(asked)
        assert (ended.state, ended.throttled_ms // 60_000) == ("SUCCEEDED", 9)
        assert await world.value("select bool_and(throttled_since is null) from sync")
