"""What is kept for a time goes in bounded slices, of audiences that are not synced too."""

import asyncio
from datetime import datetime

import pytest

from service.store import audiences
from service.store.connection import Connection
from service.sync import housekeeping
from service.sync.housekeeping import SLICE_ROWS
from tests.integration.sync_world import SyncWorld, a_world, mail
from tests.integration.test_sync_changes import with_people

OLD_ANSWERS = """
insert into request (audience_no, method, request_id, request_digest, answer, answered_at)
select audience_no, 'UpdateMembership', 'r' || n, '', '', now() - interval '25 hours'
from audience, generate_series(1, $1) as n
"""
NEW_ANSWER = """
insert into request (audience_no, method, request_id, request_digest, answer, answered_at)
select audience_no, 'UpdateMembership', 'new', '', '', now() - interval '23 hours' from audience
"""
OLD_TOMBSTONES = """
insert into tombstone (audience_no, member_key, changed_at)
select audience_no, md5(n::text)::uuid, now() - interval '31 days'
from audience, generate_series(1, $1) as n
"""
OLD_SYNCS = """
insert into sync (audience_no, sync_no, trigger, mode, state, requested_at, started_at, ended_at)
select audience_no, -n, 'SCHEDULE', 'CHANGES', 'SUCCEEDED', at, at, at
from audience, generate_series(1, $1) as n, lateral (select now() - interval '91 days' as at) as t
"""
OLD_REJECTED = """
insert into rejected_row (audience_no, sync_no, key_mask, reason, row_count)
select audience_no, sync_no, 1, 'no', 1 from sync where sync_no < 0
"""
COUNTS = """
select (select count(*) from request), (select count(*) from tombstone),
    (select count(*) from sync where sync_no < 0), (select count(*) from rejected_row)
"""
LOCKED_OUT_S_MAX = 5.0
"""Seconds that a change may wait beside the forgetting: it waits for no lock of it."""


async def counts(world: SyncWorld) -> list[int]:
    async with world.context.pool.acquire() as connection:
        found = await connection.fetchrow(COUNTS)
    return list(found or ())


def noting(forget: housekeeping.Forgetting, sizes: list[int]) -> housekeeping.Forgetting:
    async def forget_and_note(connection: Connection, audience_no: int, before: datetime) -> int:
        forgotten = await forget(connection, audience_no, before)
        sizes.append(forgotten)
        return forgotten

    return forget_and_note


def slices_seen(monkeypatch: pytest.MonkeyPatch) -> dict[str, list[int]]:
    """How many records each slice forgot, by what they are."""
    seen: dict[str, list[int]] = {}
    for name in ("_answers", "_tombstones", "_history"):
        forget, sizes = getattr(housekeeping, name), seen.setdefault(name, [])
        monkeypatch.setattr(housekeeping, name, noting(forget, sizes))
    return seen


@pytest.mark.timeout(60)
async def test_a_hundred_thousand_old_records_go_in_slices_while_changes_come_in(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with a_world(database_url) as world:
        await with_people(world, "ann")
        for insert in (OLD_ANSWERS, OLD_TOMBSTONES, OLD_SYNCS):
            await world.execute(insert, 35_000)
        await world.execute(OLD_REJECTED)
        await world.execute(NEW_ANSWER)
        seen = slices_seen(monkeypatch)
        await world.make_due()
        running = asyncio.create_task(world.run())
        async with asyncio.timeout(LOCKED_OUT_S_MAX):
            await world.update(bob=mail("bob"))
        await running

        assert await counts(world) == [1, 0, 0, 0]
        for name, sizes in seen.items():
            assert sizes == [SLICE_ROWS] * 3 + [5_000], name


PAUSED = "update audience set paused = true"
BLOCKED = """
update audience_work set blocked_reason = 'TOKEN_INVALID', probe_at = now() + interval '1 hour'
"""


@pytest.mark.parametrize("held_up", [PAUSED, BLOCKED])
async def test_what_is_old_goes_also_while_an_audience_is_held_up(
    database_url: str, held_up: str
) -> None:
    async with a_world(database_url) as world:
        await with_people(world, "ann")
        await world.execute(OLD_ANSWERS, 3)
        await world.execute(OLD_TOMBSTONES, 3)
        await world.execute(held_up)
        await world.make_due()
        await world.run()
        assert (await counts(world))[:2] == [0, 0]


async def test_removals_that_nobody_needs_go_without_a_new_change(database_url: str) -> None:
    async with a_world(database_url) as world:
        await with_people(world, "ann", "bob")
        await world.update(ann=None)
        await world.sync()
        count = "select count(*) from change_chunk where operation = 'REMOVE'"
        assert await world.value(count) == 1
        await world.execute("update change_chunk set logged_at = logged_at - interval '32 days'")
        await world.make_due()
        await world.run()
        assert await world.value(count) == 0


async def test_the_history_of_a_disconnected_audience_is_forgotten_when_it_is_old(
    database_url: str,
) -> None:
    async with a_world(database_url) as world:
        await with_people(world, "ann")
        await world.update(bob=mail("bob"))
        await world.sync()
        await world.execute(NEW_ANSWER)
        await world.execute(OLD_SYNCS, 3)
        audience = await world.audience()
        async with world.context.pool.acquire() as connection, connection.transaction():
            await audiences.request_disconnect(connection, audience.audience_no, "ABANDON")
        await world.run()
        assert (await counts(world))[0] == 0, "no call of it can be repeated any more"
        assert (await counts(world))[2] == 0
        kept = await world.value("select count(*) from sync")
        due_in = "select extract(day from due_at - now())::integer from audience_work"
        assert (kept > 1, await world.value(due_in)) == (True, 89)

        await world.execute(
            "update audience set disconnected_at = disconnected_at - interval '91 days'"
        )
        await world.execute(
            "update sync set requested_at = requested_at - interval '91 days',"
            " ended_at = ended_at - interval '91 days'"
        )
        await world.execute("update audience_work set due_at = now()")
        await world.run()
        assert await world.value("select count(*) from sync") == 1, "the newest"
        assert await world.value("select due_at = 'infinity' from audience_work")
