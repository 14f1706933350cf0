"""Brings a database's schema up to date: numbered files, forward only, each in a transaction."""

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import asyncpg

from service.store.connection import Connection
from service.store.errors import SchemaMismatch, map_unavailable
from service.store.queries import Command, Query

MIGRATIONS_DIR: Final = Path(__file__).parent / "migrations_sql"
SERVER_SETTINGS: Final = {
    "application_name": "audience-sync migrate",
    # A step may rewrite or index a big table. Who waits, waits for another that applies the same.
    "statement_timeout": "1h",
    "lock_timeout": "10min",
    "idle_in_transaction_session_timeout": "60s",
}
_FILE_NAME: Final = re.compile(r"(?P<version>\d{4})_(?P<name>[a-z0-9_]+)\.sql")


@dataclass(frozen=True, slots=True)
class Migration:
    """A step of the schema. `checksum`: SHA-256 of the file."""

    version: int
    name: str
    checksum: bytes
    sql: str


@dataclass(frozen=True, slots=True)
class AppliedMigration:
    """A step that a database has taken."""

    version: int
    name: str
    checksum: bytes


LOCK_MIGRATIONS = Command("lock_migrations")
MAKE_MIGRATION_TABLE = Command("make_migration_table")
LIST_APPLIED_MIGRATIONS = Query("list_applied_migrations", returns=AppliedMigration)
NOTE_MIGRATION = Command("note_migration", takes={"version": int, "name": str, "checksum": bytes})


async def migrate(dsn: str, *, migrations_dir: Path = MIGRATIONS_DIR) -> int:
    """Apply what is missing; return the schema's version.

    Order: safe to call from many processes at once, and again.
    Raises: SchemaMismatch when the database is newer than the code or a step was changed after it
    was applied; StoreUnavailable.
    """
    migrations = read_migrations(migrations_dir)
    with map_unavailable():
        connection = await asyncpg.connect(dsn, server_settings=SERVER_SETTINGS)
        try:
            await LOCK_MIGRATIONS.execute(connection)
            await MAKE_MIGRATION_TABLE.execute(connection)
            applied = await LIST_APPLIED_MIGRATIONS.many(connection)
            for migration in missing_migrations(migrations, applied):
                await _apply(connection, migration)
        finally:
            await connection.close()
    return len(migrations)


def read_migrations(folder: Path) -> list[Migration]:
    """The steps that the code knows, in order; their numbers have no gap."""
    found = [_read(path) for path in sorted(folder.glob("*.sql"))]
    versions = [migration.version for migration in found]
    if versions != list(range(1, len(found) + 1)):
        raise ValueError(f"the numbers of migrations have a gap: {versions}")
    return found


def _read(path: Path) -> Migration:
    parts = _FILE_NAME.fullmatch(path.name)
    if parts is None:
        raise ValueError(f"{path.name} is no name of a migration")
    content = path.read_bytes()
    return Migration(
        version=int(parts["version"]),
        name=parts["name"],
        checksum=hashlib.sha256(content).digest(),
        sql=content.decode(),
    )


def missing_migrations(
    known: Sequence[Migration], applied: Sequence[AppliedMigration]
) -> Sequence[Migration]:
    """The steps that a database still lacks. Raises SchemaMismatch. Pure."""
    if len(applied) > len(known):
        raise SchemaMismatch(
            f"the database has schema version {len(applied)}, newer than {len(known)} of this"
            " program: run a newer program"
        )
    for step, taken in zip(known, applied, strict=False):
        if (step.version, step.checksum) != (taken.version, taken.checksum):
            raise SchemaMismatch(
                f"migration {taken.version} ({taken.name}) of the database is not the one of this"
                " program"
            )
    return known[len(applied) :]


async def check_schema(connection: Connection, known: Sequence[Migration]) -> None:
    """See that the database has taken every step that the code knows.

    It may have taken more: while a newer version is rolled out, older processes go on.
    Raises: SchemaMismatch.
    """
    applied = await LIST_APPLIED_MIGRATIONS.many(connection)
    if missing := missing_migrations(known, applied[: len(known)]):
        raise SchemaMismatch(
            f"the database lacks migration {missing[0].version}: run audience-sync migrate"
        )


async def _apply(connection: Connection, migration: Migration) -> None:
    async with connection.transaction():
        await connection.execute(migration.sql)
        await NOTE_MIGRATION.execute(
            connection,
            version=migration.version,
            name=migration.name,
            checksum=migration.checksum,
        )
