"""Creating, adopting, renaming and disconnecting a Custom Audience."""

from datetime import timedelta

import pytest

from service.store import audit_events
from service.store.audit_events import (
    AuditAction,
    AuditClient,
    AuditEvent,
    AuditFilter,
    AuditOrigin,
    AuditSubject,
    NewAuditEvent,
    PeerKind,
)
from service.store.rows import Audience
from tests.integration.sync_world import SyncWorld, a_world, mail
from tests.integration.test_sync_changes import people, with_people


def made(world: SyncWorld) -> list[str]:
    return list(world.fake.state.audiences.by_id)


async def test_a_create_without_answer_is_found_by_its_marker_and_not_made_twice(
    database_url: str,
) -> None:
    async with a_world(database_url, call_timeout_s=0.5) as world:
        world.arm(match={"operation": "create", "times": 1}, effect={"lost_answer": True})
        await world.connect()
        await world.run()
        assert (await world.audience()).state == "CONNECTING"
        assert len(made(world)) == 1

        await world.make_due(create_attempted_at=timedelta(minutes=-1))
        await world.run()
        audience = await world.audience()
        assert audience.state == "ACTIVE"
        assert made(world) == [audience.custom_audience_id]


async def test_a_create_that_was_never_made_is_made_once_after_the_list_was_searched(
    database_url: str,
) -> None:
    async with a_world(database_url) as world:
        world.arm(match={"operation": "create", "times": 1}, effect={"reset": "before"})
        await world.connect()
        await world.run()
        await world.make_due(create_attempted_at=timedelta(minutes=-1))
        await world.run()
        assert len(made(world)) == 1
        assert len(world.calls("list")) == 2, "before each create"


async def test_terms_that_are_not_accepted_block_while_connecting_and_it_goes_on_by_itself(
    database_url: str,
) -> None:
    async with a_world(database_url) as world:
        world.fake.state.ad_accounts["act_1000000001"].tos_accepted = False
        await world.connect()
        await world.run()
        audience = await world.audience()
        assert (audience.state, audience.blocked_reason) == ("CONNECTING", "TERMS_NOT_ACCEPTED")

        world.fake.state.ad_accounts["act_1000000001"].tos_accepted = True
        await world.make_due(probe_at=timedelta(0))
        await world.run()
        audience = await world.audience()
        assert (audience.state, audience.blocked_reason) == ("ACTIVE", None)


async def an_orphan(world: SyncWorld) -> str:
    """A Custom Audience that somebody else made, with one person inside."""
    await with_people(world, "dan")
    (custom_audience_id,) = made(world)
    audience = world.fake.state.audiences.by_id[custom_audience_id]
    audience.name, audience.description = "Old list", "by hand"
    await world.execute("update audience_work set custom_audience_id = null")
    await world.execute("update audience set disconnected_at = now()")
    return custom_audience_id


async def test_an_adopted_audience_keeps_its_people_and_gets_name_and_marker(
    database_url: str,
) -> None:
    async with a_world(database_url) as world:
        custom_audience_id = await an_orphan(world)
        await world.connect(existing=custom_audience_id, name="Buyers")
        await world.run()
        await world.update(ann=mail("ann"))
        await world.sync()

        audience = await world.audience()
        assert (audience.state, audience.adopted) == ("ACTIVE", True)
        assert world.inside() == people("ann", "dan")
        adopted = world.fake.state.audiences.by_id[custom_audience_id]
        assert adopted.name == "Buyers"
        assert adopted.description.startswith("[audience-sync:buyers@")


@pytest.mark.parametrize(
    ("changes", "refusal"),
    [
        ({"is_value_based": True}, "value-based"),
        ({"upload_kind": "HASHES_OR_USER_IDS"}, "single-key"),
        ({"description": "[audience-sync:other@elsewhere]"}, "another audience or installation"),
    ],
)
async def test_what_cannot_be_kept_in_step_is_not_adopted(
    database_url: str, changes: dict[str, object], refusal: str
) -> None:
    async with a_world(database_url) as world:
        custom_audience_id = await an_orphan(world)
        for name, value in changes.items():
            setattr(world.fake.state.audiences.by_id[custom_audience_id], name, value)
        await world.connect(existing=custom_audience_id)
        await world.run()
        audience = await world.audience()
        assert (audience.state, audience.blocked_reason) == ("CONNECTING", "ADOPTION_REFUSED")
        assert refusal in audience.blocked_message


async def test_a_new_name_reaches_facebook_with_the_marker_kept(database_url: str) -> None:
    async with a_world(database_url) as world:
        await with_people(world)
        await world.execute("update audience set name = 'Fans', description = 'of May'")
        await world.make_due()
        await world.run()
        (audience,) = world.fake.state.audiences.by_id.values()
        assert audience.name == "Fans"
        assert audience.description.startswith("of May [audience-sync:buyers@")


async def disconnect(world: SyncWorld, mode: str) -> Audience:
    await world.execute("update audience set disconnect_mode = $1", mode)
    await world.make_due()
    await world.run()
    return await world.audience()


async def nothing_is_kept(world: SyncWorld) -> bool:
    tables = ("member", "tombstone", "change_chunk")
    counts = [await world.value(f"select count(*) from {name}") for name in tables]  # noqa: S608
    return counts == [0, 0, 0]


async def test_flushing_sends_what_is_pending_and_leaves_the_custom_audience(
    database_url: str,
) -> None:
    async with a_world(database_url) as world:
        await with_people(world, "ann")
        await world.update(bob=mail("bob"), ann=None)
        audience = await disconnect(world, "FLUSH")
        assert audience.state == "DISCONNECTED"
        assert world.inside() == people("bob")
        assert await nothing_is_kept(world)


async def test_deleting_takes_the_custom_audience_away(database_url: str) -> None:
    async with a_world(database_url) as world:
        await with_people(world, "ann")
        audience = await disconnect(world, "DELETE_ON_FACEBOOK")
        assert audience.state == "DISCONNECTED"
        assert made(world) == []
        assert await nothing_is_kept(world)


@pytest.mark.parametrize("mode", ["FLUSH", "DELETE_ON_FACEBOOK", "ABANDON"])
async def test_what_is_erased_is_recorded_once_of_who_asked_last(
    database_url: str, mode: str
) -> None:
    async with a_world(database_url) as world:
        await with_people(world, "ann")
        audience = await world.audience()
        for caller in ("shop", "crm"):
            await ask_to_disconnect(world, audience, caller)
        await disconnect(world, mode)
        (event,) = await erasures(world)
        assert (event.caller, event.client, event.peer_kind) == ("crm", "COMMAND_LINE", "NETWORK")
        assert (event.audience_id, event.ad_account_id) == (
            audience.audience_id,
            audience.ad_account_id,
        )
        assert event.details == ["mode", mode]


async def test_what_is_erased_is_recorded_although_nobody_is_known_to_have_asked(
    database_url: str,
) -> None:
    async with a_world(database_url) as world:
        await with_people(world, "ann")
        await disconnect(world, "FLUSH")
        (event,) = await erasures(world)
        assert (event.caller, event.peer_kind) == ("", "NONE")


async def ask_to_disconnect(world: SyncWorld, audience: Audience, caller: str) -> None:
    asked = NewAuditEvent(
        action=AuditAction.DISCONNECT_AUDIENCE,
        occurred_at=audience.created_at,
        origin=AuditOrigin(
            caller=caller, client=AuditClient.COMMAND_LINE, peer_kind=PeerKind.NETWORK
        ),
        subject=AuditSubject(
            audience_no=audience.audience_no,
            audience_id=audience.audience_id,
            ad_account_id=audience.ad_account_id,
        ),
    )
    async with world.context.pool.acquire() as connection:
        await audit_events.record(connection, asked)


async def erasures(world: SyncWorld) -> list[AuditEvent]:
    erased = AuditFilter(actions=[AuditAction.ERASE_AUDIENCE])
    async with world.context.pool.acquire() as connection:
        return await audit_events.list_events(connection, erased, after=None, limit=9)


async def test_abandoning_sends_nothing_and_ends_waiting_syncs(database_url: str) -> None:
    async with a_world(database_url) as world:
        await with_people(world, "ann")
        await world.update(bob=mail("bob"))
        asked = await world.ask()
        audience = await disconnect(world, "ABANDON")
        assert audience.state == "DISCONNECTED"
        assert (await world.look(asked)).state == "CANCELLED"
        assert world.inside() == people("ann")
        assert await nothing_is_kept(world)


async def test_a_custom_audience_that_is_gone_blocks_and_counts_as_deleted(
    database_url: str,
) -> None:
    async with a_world(database_url) as world:
        await with_people(world, "ann")
        state = world.fake.state.audiences
        state.drop(next(iter(state.by_id.values())))
        await world.update(bob=mail("bob"))
        await world.sync()
        assert (await world.audience()).blocked_reason == "AUDIENCE_GONE"
        assert (await disconnect(world, "DELETE_ON_FACEBOOK")).state == "DISCONNECTED"
