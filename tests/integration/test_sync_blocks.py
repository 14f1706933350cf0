"""What stops an ad account stops all its audiences, is tried by one of them, and passes by itself."""

import json
from collections.abc import Mapping
from datetime import timedelta

import pytest

from service.store.rows import Audience
from service.sync.blocking import block
from service.sync.run import run_audience
from service.sync.schedule import PROBE_INTERVAL_MAX
from service.sync.stops import AccountBlocked
from tests.integration.sync_world import AD_ACCOUNT_ID, SyncWorld, a_world, mail
from tests.integration.test_sync_changes import people, with_people

TOKEN_EXPIRED = {"graph_error": {"code": 190, "subcode": 463}}
NO_PERMISSION = {"graph_error": {"code": 200, "http_status": 403}}
BANNED = {"graph_error": {"code": 368}}


async def run_all(world: SyncWorld) -> int:
    """Run whatever is due; how many runs that were."""
    runs = 0
    while runs < 20 and await world.run():
        runs += 1
    return runs


async def with_two_audiences(world: SyncWorld) -> None:
    """Buyers with ann, fans with bob, both synced, each with a change that waits."""
    await with_people(world, "ann")
    world.audience_id = "fans"
    await world.connect(name="Fans")
    await world.update(bob=mail("bob"))
    asked = await world.ask()
    await run_all(world)
    assert (await world.look(asked)).state == "SUCCEEDED"
    await world.update(cat=mail("cat"))
    world.audience_id = "buyers"
    await world.update(dan=mail("dan"))
    world.fake.state.journal.clear()


async def with_a_refused_account(world: SyncWorld, effect: Mapping[str, object]) -> None:
    """Two audiences; a call of one was refused, and every further one would be."""
    await with_two_audiences(world)
    world.arm(match={}, effect=effect)
    await make_due(world)
    await run_all(world)


async def of(world: SyncWorld, audience_id: str) -> Audience:
    world.audience_id = audience_id
    return await world.audience()


async def make_due(world: SyncWorld) -> None:
    """Let everything be due that is not put off to a probe."""
    await world.make_due(next_sync_at=timedelta(0))


async def pass_time(world: SyncWorld, time: timedelta) -> None:
    await world.execute(
        "update audience_work set probe_at = probe_at - $1::interval, due_at = due_at - $1", time
    )
    await world.execute("update ad_account set probe_at = probe_at - $1::interval", time)


def calls(world: SyncWorld) -> int:
    return len(world.fake.state.journal.entries)


async def everybody_is_inside(world: SyncWorld) -> bool:
    inside = {
        audience.name: set(world.fake.state.population.ids(audience.membership.people()))
        for audience in world.fake.state.audiences.by_id.values()
    }
    return inside == {"Buyers": people("ann", "dan"), "Fans": people("bob", "cat")}


@pytest.mark.parametrize(
    ("effect", "reason"),
    [
        (TOKEN_EXPIRED, "TOKEN_INVALID"),
        (NO_PERMISSION, "PERMISSION_MISSING"),
        (BANNED, "POLICY"),
    ],
)
async def test_one_refused_call_stops_every_audience_of_the_account_and_it_resumes_by_itself(
    database_url: str, effect: dict[str, object], reason: str
) -> None:
    async with a_world(database_url) as world:
        await with_a_refused_account(world, effect)
        assert calls(world) == 1, "the other audience asks nothing"
        for audience_id in ("buyers", "fans"):
            audience = await of(world, audience_id)
            assert (audience.state, audience.blocked_reason) == ("BLOCKED", reason)
            assert audience.blocked_message
        assert await world.value("select blocked_reason from ad_account") == reason
        await world.update(eve=mail("eve"))
        assert (await world.audience()).pending_change_count == 2, "changes go on accumulating"

        await make_due(world)
        await run_all(world)
        assert calls(world) == 1, "and nothing is asked until it is time"
        await world.make_due(probe_at=timedelta(0))
        await run_all(world)
        assert calls(world) == 2, "one asks for all"

        world.fake.state.faults.arm([])
        await world.update(eve=None)
        await world.make_due(probe_at=timedelta(0))
        await run_all(world)
        assert {(await of(world, name)).state for name in ("buyers", "fans")} == {"ACTIVE"}
        assert await everybody_is_inside(world)
        assert await world.value(
            "select blocked_reason is null and probe_at is null from ad_account"
        )


async def test_a_new_token_cures_every_audience_at_once(database_url: str) -> None:
    async with a_world(database_url) as world:
        await with_a_refused_account(world, TOKEN_EXPIRED)
        world.fake.state.faults.arm([])
        await world.renew_token()
        await run_all(world)
        assert {(await of(world, name)).state for name in ("buyers", "fans")} == {"ACTIVE"}
        assert await everybody_is_inside(world)


async def test_an_audience_that_is_connected_while_its_account_is_blocked_asks_nothing(
    database_url: str,
) -> None:
    async with a_world(database_url) as world:
        await with_people(world, "ann")
        await world.update(bob=mail("bob"))
        world.arm(match={}, effect=BANNED)
        await world.sync()
        world.fake.state.journal.clear()
        world.audience_id = "fans"
        await world.connect()
        await run_all(world)
        audience = await world.audience()
        assert (audience.state, audience.blocked_reason) == ("CONNECTING", "POLICY")
        assert calls(world) == 0


async def test_who_waits_for_a_sync_of_another_audience_of_the_account_learns_why(
    database_url: str,
) -> None:
    async with a_world(database_url) as world:
        await with_two_audiences(world)
        world.arm(match={}, effect=TOKEN_EXPIRED)
        first = await world.ask()
        assert await world.run()
        world.audience_id = "fans"
        world.arm(match={}, effect=TOKEN_EXPIRED)
        waiting = await world.ask()
        await run_all(world)
        for sync in (first, waiting):
            told = await world.look(sync)
            assert (told.state, told.error_reason) == ("FAILED", "TOKEN_INVALID")
            assert told.error_message
            assert "ConnectAdAccount" in told.error_message


async def test_a_permission_missing_for_one_audience_alone_stops_that_one_in_the_end(
    database_url: str,
) -> None:
    async with a_world(database_url) as world:
        await with_two_audiences(world)
        custom_audience_id = (await of(world, "buyers")).custom_audience_id
        world.arm(match={"custom_audience_id": custom_audience_id}, effect=NO_PERMISSION)
        await make_due(world)
        await run_all(world)
        await pass_time(world, timedelta(hours=1, seconds=30))
        await run_all(world)
        assert (await of(world, "fans")).state == "ACTIVE"
        assert (await of(world, "buyers")).blocked_reason == "PERMISSION_MISSING"
        assert await world.value("select blocked_reason is null from ad_account")


async def test_an_old_token_that_is_refused_does_not_block_the_account_of_a_new_one(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with a_world(database_url) as world:
        await with_two_audiences(world)
        world.arm(match={"operation": "add", "times": 1}, effect=TOKEN_EXPIRED)
        add_users = world.context.graph.add_users

        async def add_and_meanwhile(*args: object, **kwargs: object) -> object:
            await world.renew_token()
            return await add_users(*args, **kwargs)  # type: ignore[arg-type]

        with monkeypatch.context() as patch:
            patch.setattr(world.context.graph, "add_users", add_and_meanwhile)
            await world.sync()
        assert await world.value("select blocked_reason is null from ad_account")
        await make_due(world)
        await run_all(world)
        assert await everybody_is_inside(world)


async def test_a_block_that_was_read_before_a_new_token_came_is_not_written_after_it(
    database_url: str,
) -> None:
    async with a_world(database_url) as world:
        await with_a_refused_account(world, TOKEN_EXPIRED)
        world.fake.state.faults.arm([])
        await world.make_due()
        work = await world.claim()
        assert work is not None
        held = world.held(work)
        await world.execute("update ad_account set probe_at = now() + interval '1 hour'")
        with pytest.raises(AccountBlocked) as stop:
            await held.credentials()

        await world.renew_token()
        await block(held, stop.value)
        audience = await of(world, work.audience_id)
        assert audience.blocked_reason is None
        await run_audience(held, world.draining)
        await run_all(world)
        assert await everybody_is_inside(world)


async def test_a_ban_is_tried_ever_more_rarely_up_to_once_a_day(database_url: str) -> None:
    async with a_world(database_url) as world:
        await with_people(world, "ann")
        await world.update(bob=mail("bob"))
        world.arm(match={}, effect=BANNED)
        await world.sync()
        waits = []
        for hours in (0, 3, 10, 100):
            await world.execute(
                "update ad_account set blocked_at = now() - $1::interval", timedelta(hours=hours)
            )
            await world.make_due(probe_at=timedelta(0))
            await run_all(world)
            wait = await world.value("select probe_at - now() from ad_account")
            waits.append(round(wait / timedelta(hours=1)))
        assert waits == [1, 3, 10, 24]
        assert waits[-1] == PROBE_INTERVAL_MAX / timedelta(hours=1)


async def test_a_new_token_does_not_end_a_ban(database_url: str) -> None:
    async with a_world(database_url) as world:
        await with_people(world, "ann")
        await world.update(bob=mail("bob"))
        world.arm(match={}, effect=BANNED)
        await world.sync()
        world.fake.state.journal.clear()
        await world.renew_token()
        await run_all(world)
        assert calls(world) == 0
        assert (await world.audience()).blocked_reason == "POLICY"


async def test_a_run_under_way_stops_at_its_windows_end_when_its_account_is_blocked(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with a_world(database_url, window_rows_max=1) as world:
        await with_two_audiences(world)
        await world.update(eve=mail("eve"))
        asked = await world.ask()
        add_users = world.context.graph.add_users

        async def add_and_block(*args: object, **kwargs: object) -> object:
            await world.execute(
                "update audience_work set blocked_reason = 'TOKEN_INVALID',"
                " blocked_message = 'why', probe_at = now() + interval '1 h'"
            )
            return await add_users(*args, **kwargs)  # type: ignore[arg-type]

        monkeypatch.setattr(world.context.graph, "add_users", add_and_block)
        await world.run()
        ended = await world.look(asked)
        assert (ended.state, ended.rows_added, ended.error_message) == ("FAILED", 1, "why")
        assert len(world.calls("add")) == 1


async def test_a_throttled_account_is_left_alone_by_every_audience_until_it_is_regained(
    database_url: str,
) -> None:
    async with a_world(database_url) as world:
        await with_two_audiences(world)
        told = {"type": "custom_audience", "call_count": 100, "estimated_time_to_regain_access": 7}
        header = json.dumps({AD_ACCOUNT_ID.removeprefix("act_"): [told]})
        usage = {"headers": {"X-Business-Use-Case-Usage": header}}
        world.arm(match={"operation": "add", "times": 1}, effect=usage)
        await make_due(world)
        await run_all(world)
        stopped = await world.value("select throttled_until - now() from ad_account")
        assert timedelta(minutes=6) < stopped <= timedelta(minutes=8)
        assert len(world.calls("add")) == 1

        world.clock.ahead_s += 600
        await world.execute("update ad_account set throttled_until = now()")
        await world.execute("update audience_work set due_at = now()")
        await run_all(world)
        assert await everybody_is_inside(world)
