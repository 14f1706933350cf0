import asyncio
import shutil
from pathlib import Path

import asyncpg
import pytest

from service.store import migrations
from service.store.connection import Connection
from service.store.errors import SchemaMismatch, StoreUnavailable
from service.store.migrations import MIGRATIONS_DIR, migrate
from tests.integration.store_builders import connected

KNOWN = len(list(MIGRATIONS_DIR.glob("*.sql")))
LAST_SILENT = 7
"""The last step before there was anybody who reads what steps say."""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A copy of the real migrations that a test may change."""
    return Path(shutil.copytree(MIGRATIONS_DIR, tmp_path / "migrations"))


async def test_an_empty_database_gets_every_table_and_a_repeat_changes_nothing(
    empty_database_url: str,
) -> None:
    assert await migrate(empty_database_url) == KNOWN
    assert await migrate(empty_database_url) == KNOWN
    async with connected(empty_database_url) as connection:
        assert await connection.fetchval("select count(*) from audience") == 0
        assert await connection.fetchval("select count(*) from installation") == 1
        assert await connection.fetchval("select max(version) from schema_migration") == KNOWN


async def test_processes_that_migrate_at_once_wait_for_each_other(empty_database_url: str) -> None:
    assert await asyncio.gather(*(migrate(empty_database_url) for _ in range(4))) == [KNOWN] * 4


async def test_only_what_is_missing_is_applied(empty_database_url: str, folder: Path) -> None:
    await migrate(empty_database_url)
    (folder / f"{KNOWN + 1:04}_more.sql").write_text("create table more (x integer);")
    assert await migrate(empty_database_url, migrations_dir=folder) == KNOWN + 1
    async with connected(empty_database_url) as connection:
        assert await connection.fetchval("select count(*) from more") == 0


async def test_a_failing_step_leaves_nothing_of_itself(
    empty_database_url: str, folder: Path
) -> None:
    (folder / f"{KNOWN + 1:04}_bad.sql").write_text("create table more (x integer); select 1 / 0;")
    with pytest.raises(asyncpg.DivisionByZeroError):
        await migrate(empty_database_url, migrations_dir=folder)
    async with connected(empty_database_url) as connection:
        assert await connection.fetchval("select to_regclass('more')") is None
    assert await migrate(empty_database_url) == KNOWN


async def test_a_step_that_waits_for_a_table_lets_others_use_it_meanwhile(
    empty_database_url: str, folder: Path
) -> None:
    await migrate(empty_database_url)
    (folder / f"{KNOWN + 1:04}_more.sql").write_text("alter table member add column more integer;")
    async with connected(empty_database_url) as long_one, connected(empty_database_url) as other:
        async with long_one.transaction():
            await long_one.execute("lock table member in row exclusive mode")
            migrating = asyncio.create_task(migrate(empty_database_url, migrations_dir=folder))
            await wait_for_a_waiting_lock(other)
            assert await other.fetchval("select count(*) from member") == 0
            assert not migrating.done()
        assert await migrating == KNOWN + 1


async def wait_for_a_waiting_lock(connection: Connection) -> None:
    waiting = "select count(*) from pg_locks where not granted and relation = 'member'::regclass"
    while await connection.fetchval(waiting) == 0:
        await asyncio.sleep(0.02)


async def test_a_newer_database_is_refused_unless_it_says_that_it_can_be_lived_with(
    empty_database_url: str, folder: Path
) -> None:
    more = folder / f"{KNOWN + 1:04}_more.sql"
    more.write_text(f"-- Oldest code: {KNOWN:04}\ncreate table more (x integer);")
    await migrate(empty_database_url, migrations_dir=folder)
    assert await migrate(empty_database_url) == KNOWN + 1

    (folder / f"{KNOWN + 2:04}_most.sql").write_text("create table most (x integer);")
    await migrate(empty_database_url, migrations_dir=folder)
    with pytest.raises(SchemaMismatch, match=rf"newer.*{KNOWN + 2} \(most\)"):
        await migrate(empty_database_url)


async def test_a_program_older_than_the_oldest_is_refused(
    empty_database_url: str, folder: Path
) -> None:
    for version in (KNOWN + 1, KNOWN + 2):
        text = f"-- Oldest code: {KNOWN + 1:04}\nselect {version};"
        (folder / f"{version:04}_more.sql").write_text(text)
    await migrate(empty_database_url, migrations_dir=folder)
    with pytest.raises(SchemaMismatch, match=f"needs a program of version {KNOWN + 1}"):
        await migrate(empty_database_url)


async def test_a_database_of_a_program_that_did_not_say_is_brought_up_to_date(
    empty_database_url: str,
) -> None:
    await migrate(empty_database_url)
    async with connected(empty_database_url) as connection:
        await connection.execute("alter table schema_migration drop column oldest_code")
    assert await migrate(empty_database_url) == KNOWN


def test_every_step_says_which_programs_can_live_with_it() -> None:
    """Programs before the first one that reads it are refused by every step: those need not say."""
    silent = [
        step.name
        for step in migrations.read_migrations(MIGRATIONS_DIR)
        if step.version > LAST_SILENT and step.oldest_code is None
    ]
    assert not silent, "a line `-- Oldest code: NNNN`, see service/store/migrations.py"


async def test_a_step_changed_after_it_was_applied_is_refused(
    empty_database_url: str, folder: Path
) -> None:
    await migrate(empty_database_url)
    path = folder / "0001_first.sql"
    path.write_text(path.read_text() + "-- changed\n")
    with pytest.raises(SchemaMismatch, match="migration 1"):
        await migrate(empty_database_url, migrations_dir=folder)


async def test_a_database_that_cannot_be_reached_is_unavailable(tmp_path: Path) -> None:
    with pytest.raises(StoreUnavailable):
        await migrate(f"postgresql:///x?host={tmp_path}")


def test_a_gap_in_the_numbers_is_refused(folder: Path) -> None:
    (folder / f"{KNOWN + 2:04}_late.sql").write_text("")
    with pytest.raises(ValueError, match="gap"):
        migrations.read_migrations(folder)
