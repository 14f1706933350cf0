"""Brings a database's schema up to date: numbered files, forward only, each in a transaction.

The version of a program's schema is the number of its last migration. A migration says in a line
`-- Oldest code: 0007` with which programs it can be lived, so that those still run, and start anew,
on a database that a newer one has brought up to date: during an upgrade, or after going back.
"""

import asyncio
import hashlib
import re
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Final

import asyncpg
import structlog

from service.store.connection import Connection
from service.store.errors import SchemaMismatch, map_unavailable
from service.store.queries import Command, Query

MIGRATIONS_DIR: Final = Path(__file__).parent / "migrations_sql"
SERVER_SETTINGS: Final = {
    "application_name": "audience-sync migrate",
    # A step may rewrite or index a big table.
    "statement_timeout": "1h",
    # Everybody who wants a table waits behind a step that waits for it: not for long at a time.
    "lock_timeout": "2s",
    "idle_in_transaction_session_timeout": "60s",
}
LOCK_TRIES: Final = 300
"""How often a lock is waited for, of the tables or of another process that applies the same steps."""
LOCK_PAUSE_S: Final = 1.0
"""Seconds between two tries, in which those who wait behind get their turn."""
_FILE_NAME: Final = re.compile(r"(?P<version>\d{4})_(?P<name>[a-z0-9_]+)\.sql")
_OLDEST_CODE: Final = re.compile(r"^-- Oldest code: (\d{4})\b", re.MULTILINE)

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Migration:
    """A step of the schema. `checksum`: SHA-256 of the file."""

    version: int
    name: str
    checksum: bytes
    oldest_code: int | None
    """Programs of this version or newer can live with the step; None: only those that know it."""
    sql: str


@dataclass(frozen=True, slots=True)
class AppliedMigration:
    """A step that a database has taken."""

    version: int
    name: str
    checksum: bytes
    oldest_code: int | None


LOCK_MIGRATIONS = Command("lock_migrations")
MAKE_MIGRATION_TABLE = Command("make_migration_table")
ADD_OLDEST_CODE = Command("add_oldest_code")
LIST_APPLIED_MIGRATIONS = Query("list_applied_migrations", returns=AppliedMigration)
NOTE_MIGRATION = Command(
    "note_migration",
    takes={"version": int, "name": str, "checksum": bytes, "oldest_code": int | None},
)


async def migrate(dsn: str, *, migrations_dir: Path = MIGRATIONS_DIR) -> int:
    """Apply what is missing; return the schema's version.

    Order: safe to call from many processes at once, and again.
    Raises: SchemaMismatch when the database is too new for the code or a step was changed after it
    was applied; StoreUnavailable.
    """
    migrations = read_migrations(migrations_dir)
    with map_unavailable():
        connection = await asyncpg.connect(dsn, server_settings=SERVER_SETTINGS)
        try:
            await _patiently(lambda: LOCK_MIGRATIONS.execute(connection))
            await MAKE_MIGRATION_TABLE.execute(connection)
            await ADD_OLDEST_CODE.execute(connection)
            applied = await LIST_APPLIED_MIGRATIONS.many(connection)
            for migration in missing_migrations(migrations, applied):
                await _patiently(partial(_apply, connection, migration))
        finally:
            await connection.close()
    if len(applied) > len(migrations):
        log.warning("schema is newer", schema_version=len(applied), known_version=len(migrations))
    return max(len(migrations), len(applied))


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
    oldest_code = _OLDEST_CODE.search(content.decode())
    return Migration(
        version=int(parts["version"]),
        name=parts["name"],
        checksum=hashlib.sha256(content).digest(),
        oldest_code=int(oldest_code[1]) if oldest_code else None,
        sql=content.decode(),
    )


def missing_migrations(
    known: Sequence[Migration], applied: Sequence[AppliedMigration]
) -> Sequence[Migration]:
    """The steps that a database still lacks. Raises SchemaMismatch. Pure."""
    for newer in applied[len(known) :]:
        if newer.oldest_code is None or newer.oldest_code > len(known):
            raise SchemaMismatch(
                f"the database has schema version {len(applied)}, newer than {len(known)} of this"
                f" program, and migration {newer.version} ({newer.name}) needs a program of"
                f" version {newer.oldest_code or newer.version} or newer: run a newer program"
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

    It may have taken more that this code can live with: while a newer version is rolled out, older
    processes go on.
    Raises: SchemaMismatch.
    """
    applied = await LIST_APPLIED_MIGRATIONS.many(connection)
    if missing := missing_migrations(known, applied):
        raise SchemaMismatch(
            f"the database lacks migration {missing[0].version}: run audience-sync migrate"
        )


async def _patiently(work: Callable[[], Awaitable[object]]) -> None:
    for _ in range(LOCK_TRIES - 1):
        try:
            await work()
        except asyncpg.LockNotAvailableError:
            await asyncio.sleep(LOCK_PAUSE_S)
        else:
            return
    await work()


async def _apply(connection: Connection, migration: Migration) -> None:
    async with connection.transaction():
        await connection.execute(migration.sql)
        await NOTE_MIGRATION.execute(
            connection,
            version=migration.version,
            name=migration.name,
            checksum=migration.checksum,
            oldest_code=migration.oldest_code,
        )
