"""Imports that nobody goes on with, results that nobody asks for any more, and lists of who leaves."""

from datetime import UTC, datetime

import pytest

from service.store import imports
from service.sync import disconnect as disconnecting
from tests.integration.sync_world import SyncWorld, a_world, mail
from tests.integration.test_sync_changes import with_people

IMPORT = """
insert into list_import (
    audience_no, import_id, mode, is_dry_run, started_at, touched_at, is_finished, result
)
select audience_no, $1, $2, false, now(), now() - $3::text::interval, $4, '' from audience
"""
ROWS = """
insert into import_row (audience_no, chunk_offset, member_key, row_no, packed_row)
select audience_no, 0, md5(n::text)::uuid, 0, '\\x0000' from audience, generate_series(1, $1) as n
"""

SLOW_TO_DELETE = """
create function wait() returns trigger language plpgsql
    as $$ begin perform pg_sleep(0.3); return old; end $$;
create trigger wait before delete on import_row for each row execute function wait();
"""


async def kept(world: SyncWorld) -> set[str]:
    async with world.context.pool.acquire() as connection:
        rows = await connection.fetch("select import_id from list_import")
    return {row["import_id"] for row in rows}


async def staged(world: SyncWorld) -> int:
    return int(await world.value("select count(*) from import_row"))


async def test_open_imports_are_kept_for_a_day_and_results_for_a_week(database_url: str) -> None:
    async with a_world(database_url) as world:
        await with_people(world, "ann")
        await world.execute(IMPORT, "open", "DELTA", "23 hours", False)
        await world.execute(IMPORT, "left", "DELTA", "25 hours", False)
        await world.execute(IMPORT, "done", "REPLACE", "6 days", True)
        await world.execute(IMPORT, "old", "DELTA", "8 days", True)
        await world.execute(ROWS, 3)
        await world.update(bob=mail("bob"))
        await world.sync()
        assert await kept(world) == {"open", "done"}
        assert await staged(world) == 3, "of whatever import they are: none was given up"


async def test_the_rows_of_a_list_that_nobody_goes_on_with_are_forgotten(database_url: str) -> None:
    async with a_world(database_url) as world:
        await with_people(world, "ann")
        await world.execute(IMPORT, "left", "REPLACE", "25 hours", False)
        await world.execute(ROWS, 3)
        await world.update(bob=mail("bob"))
        await world.sync()
        assert await kept(world) == set()
        assert await staged(world) == 0


async def test_who_is_disconnected_leaves_no_list_behind_however_long(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(disconnecting, "FORGET_ROWS_AT_ONCE", 2)
    async with a_world(database_url) as world:
        await with_people(world, "ann")
        await world.execute(IMPORT, "open", "REPLACE", "1 hour", False)
        await world.execute(ROWS, 7)
        await world.execute("update audience set disconnect_mode = 'ABANDON'")
        await world.make_due()
        await world.run()
        assert (await world.audience()).state == "DISCONNECTED"
        assert await kept(world) == set()
        assert await staged(world) == 0


async def test_a_list_that_takes_long_to_forget_is_not_cut_short_by_the_usual_time(
    database_url: str,
) -> None:
    async with a_world(database_url) as world:
        await with_people(world, "ann")
        await world.execute(IMPORT, "left", "REPLACE", "25 hours", False)
        await world.execute(ROWS, 1)
        await world.execute(SLOW_TO_DELETE)
        audience_no = (await world.audience()).audience_no
        now = datetime.now(UTC)
        async with world.context.pool.acquire() as connection, connection.transaction():
            await connection.execute("set local statement_timeout = '100ms'")
            await imports.prune_imports(
                connection, audience_no, open_before=now, finished_before=now
            )
        assert await staged(world) == 0
