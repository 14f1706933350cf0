"""What a sync of changes does, on a real database against a real fake Facebook."""

from datetime import timedelta

import pytest

from tests.integration.sync_world import SyncWorld, a_world, mail

PEOPLE = ("ann", "bob", "cat", "dan")


async def with_people(world: SyncWorld, *names: str) -> None:
    """Facebook knows everybody; these are members, and synced."""
    world.know(*(mail(name) for name in PEOPLE))
    await world.connect()
    await world.update(**{name: mail(name) for name in names})
    assert (await world.sync()).state == "SUCCEEDED"


def people(*names: str) -> set[str]:
    return {mail(name)[0] for name in names}


async def test_the_first_list_goes_to_a_custom_audience_made_for_it(database_url: str) -> None:
    async with a_world(database_url) as world:
        world.know(*(mail(name) for name in PEOPLE))
        await world.connect(description="Bought in May")
        await world.update(ann=mail("ann"), bob=mail("bob"), eve=["nobody@knows.example"])
        sync = await world.sync()

        assert world.inside() == people("ann", "bob")
        assert (sync.state, sync.rows_to_add, sync.rows_added, sync.calls) == ("SUCCEEDED", 3, 3, 1)
        (made,) = world.fake.state.audiences.by_id.values()
        installation = await world.value("select installation_id from installation")
        assert made.description == f"Bought in May [audience-sync:buyers@{installation}]"
        audience = await world.audience()
        assert audience.custom_audience_id == made.custom_audience_id
        assert audience.pending_change_count == 0
        assert audience.operation_status is not None


async def test_a_second_sync_sends_only_the_difference(database_url: str) -> None:
    async with a_world(database_url) as world:
        await with_people(world, "ann", "bob", "cat")
        await world.update(ann=None, bob=mail("bob"), dan=mail("dan"))
        sync = await world.sync()

        assert world.inside() == people("bob", "cat", "dan")
        assert (sync.rows_to_add, sync.rows_to_remove, sync.calls) == (1, 1, 2)


async def test_a_sync_with_nothing_to_send_makes_no_call(database_url: str) -> None:
    async with a_world(database_url) as world:
        await with_people(world, "ann")
        sync = await world.sync()
        assert (sync.state, sync.calls) == ("SUCCEEDED", 0)


async def test_a_shared_email_keeps_the_one_who_stays_inside(database_url: str) -> None:
    async with a_world(database_url) as world:
        world.know(["ann@home.example", "home@home.example"], mail("bob"))
        await world.connect()
        await world.update(
            ann=["ann@home.example", "home@home.example"], bob=["home@home.example", *mail("bob")]
        )
        await world.sync()
        await world.update(ann=None)
        await world.sync()
        assert world.inside() == {"ann@home.example", *people("bob")}, "found by the shared e-mail"


async def test_an_old_email_leaves_when_it_changes(database_url: str) -> None:
    async with a_world(database_url) as world:
        await with_people(world, "ann")
        await world.update(ann=mail("bob"))
        await world.sync()
        assert world.inside() == people("bob")


async def test_all_removals_are_answered_before_the_first_addition_goes_out(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("service.sync.upload.BATCH_ROWS_MAX", 3)
    async with a_world(database_url) as world:
        await world.connect()
        await world.update(**{f"old{n}": mail(f"old{n}") for n in range(10)})
        await world.sync()
        await world.update(**{f"old{n}": None for n in range(10)})
        await world.update(**{f"new{n}": mail(f"new{n}") for n in range(10)})
        world.fake.state.journal.clear()
        sync = await world.sync()

        removals, additions = world.calls("remove"), world.calls("add")
        assert (len(removals), len(additions), sync.calls) == (4, 4, 8)
        assert max(call.ended or 0 for call in removals) < min(call.started for call in additions)


async def test_a_list_longer_than_a_window_goes_through_several(database_url: str) -> None:
    async with a_world(database_url, window_rows_max=10) as world:
        world.know(*(mail(f"m{n}") for n in range(30)))
        await world.connect()
        for start in range(0, 30, 10):
            await world.update(**{f"m{n}": mail(f"m{n}") for n in range(start, start + 10)})
        sync = await world.sync()
        assert len(world.inside()) == 30
        assert (sync.rows_added, sync.calls) == (30, 3)


async def test_settled_additions_are_forgotten_and_removals_kept(database_url: str) -> None:
    async with a_world(database_url) as world:
        await with_people(world, "ann", "bob")
        await world.update(ann=None)
        await world.sync()
        assert await world.value("select string_agg(operation, ',') from change_chunk") == "REMOVE"
        await world.execute("update change_chunk set logged_at = now() - interval '32 days'")
        await world.sync()
        await world.update(bob=None)
        await world.sync()
        assert await world.value("select count(*) from change_chunk") == 1


async def test_removals_of_an_audience_too_small_to_shrink_are_carried_over_and_tried_again(
    database_url: str,
) -> None:
    async with a_world(database_url) as world:
        await with_people(world, "ann", "bob")
        world.arm(
            match={"operation": "remove", "times": 1},
            effect={"graph_error": {"code": 200, "subcode": 1870047, "http_status": 400}},
        )
        await world.update(ann=None)
        first = await world.sync()
        assert (first.state, first.rows_carried_over) == ("PARTIALLY_SUCCEEDED", 1)
        assert world.inside() == people("ann", "bob")
        assert (await world.audience()).pending_change_count == 1
        second = await world.sync()
        assert (second.state, second.rows_removed) == ("SUCCEEDED", 1)
        assert world.inside() == people("bob")


async def test_an_expired_token_blocks_and_a_new_one_cures(database_url: str) -> None:
    async with a_world(database_url) as world:
        await with_people(world, "ann")
        world.fake.state.tokens.by_text["fake-token"].revoked = True
        await world.update(bob=mail("bob"))
        sync = await world.sync()

        assert (sync.state, sync.error_reason) == ("FAILED", "TOKEN_INVALID")
        blocked = await world.audience()
        assert (blocked.state, blocked.blocked_reason) == ("BLOCKED", "TOKEN_INVALID")
        assert "ConnectAdAccount" in blocked.blocked_message
        assert not await world.run(), "nothing more is tried for an hour"

        world.fake.state.tokens.by_text["fake-token"].revoked = False
        await world.renew_token()
        while await world.run():
            pass
        assert (await world.audience()).state == "ACTIVE"
        assert world.inside() == people("ann", "bob")


async def test_a_blocked_audience_is_probed_after_an_hour_and_resumes_by_itself(
    database_url: str,
) -> None:
    async with a_world(database_url) as world:
        await with_people(world, "ann")
        world.arm(
            match={"operation": "add", "times": 1},
            effect={"graph_error": {"code": 200, "subcode": 1870034, "http_status": 403}},
        )
        await world.update(bob=mail("bob"))
        await world.sync()
        assert (await world.audience()).blocked_reason == "TERMS_NOT_ACCEPTED"

        await world.make_due(probe_at=timedelta(0))
        await world.run()
        assert (await world.audience()).state == "ACTIVE"
        assert world.inside() == people("ann", "bob")


async def test_a_throttled_account_suspends_the_sync_for_everybody_until_it_is_regained(
    database_url: str,
) -> None:
    async with a_world(database_url) as world:
        await with_people(world, "ann")
        world.fake.state.ad_accounts["act_1000000001"].calls_per_hour = 0
        await world.update(bob=mail("bob"))
        held_up = await world.sync()
        calls = len(world.calls("add"))

        assert (held_up.state, held_up.error_reason) == ("RUNNING", "LIMITED")
        assert await world.value("select throttled_until > now() from ad_account")
        await world.make_due()
        await world.run()
        assert len(world.calls("add")) == calls, "no call while the account is in penalty"

        world.fake.state.ad_accounts["act_1000000001"].calls_per_hour = None
        await world.execute("update ad_account set throttled_until = null")
        world.clock.ahead_s += 7200
        await world.make_due()
        await world.run()
        assert (await world.look(held_up)).state == "SUCCEEDED"
        assert world.inside() == people("ann", "bob")


async def test_who_asks_while_a_sync_waits_joins_it_and_what_came_before_is_covered(
    database_url: str,
) -> None:
    async with a_world(database_url) as world:
        await with_people(world)
        first = await world.ask()
        await world.update(ann=mail("ann"))
        second = await world.ask()
        assert first.sync_no == second.sync_no
        await world.run()
        ended = await world.look(second)
        assert ended.state == "SUCCEEDED"
        assert ended.target_revision == (await world.audience()).revision


async def test_a_pause_ends_the_waiting_sync_and_resuming_sends_what_waited(
    database_url: str,
) -> None:
    async with a_world(database_url) as world:
        await with_people(world, "ann")
        await world.update(bob=mail("bob"))
        asked = await world.ask()
        await world.execute("update audience set paused = true")
        await world.run()
        assert (await world.look(asked)).state == "CANCELLED"
        assert world.inside() == people("ann")

        await world.execute("update audience set paused = false")
        await world.sync()
        assert world.inside() == people("ann", "bob")


async def test_a_draining_service_stops_at_a_windows_end_and_another_goes_on(
    database_url: str,
) -> None:
    async with a_world(database_url, window_rows_max=10) as world:
        world.know(*(mail(f"m{n}") for n in range(20)))
        await world.connect()
        await world.run()
        for start in (0, 10):
            await world.update(**{f"m{n}": mail(f"m{n}") for n in range(start, start + 10)})
        asked = await world.ask()
        work = await world.claim()
        assert work is not None
        held = world.held(work)
        world.fake.state.faults.arm([])

        await drain_after_first_call(world, held)
        half = await world.look(asked)
        assert (half.state, half.rows_added) == ("RUNNING", 10)
        assert await world.value("select lease_holder is null from audience_work")

        world.draining.clear()
        await world.run()
        ended = await world.look(asked)
        assert (ended.state, ended.rows_added, ended.calls) == ("SUCCEEDED", 20, 2)


async def drain_after_first_call(world: SyncWorld, held: object) -> None:
    from service.sync import upload
    from service.sync.held import HeldAudience
    from service.sync.run import run_audience

    assert isinstance(held, HeldAudience)
    call = upload.Uplink.call

    async def call_and_drain(*args: object, **kwargs: object) -> object:
        world.draining.set()
        return await call(*args, **kwargs)  # type: ignore[arg-type]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(upload.Uplink, "call", call_and_drain)
        await run_audience(held, world.draining)
