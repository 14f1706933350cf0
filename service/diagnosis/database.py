"""Judges the Postgres server, its settings, the schema and the clocks."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from service.diagnosis.findings import Code, Finding, Severity
from service.store.diagnosis_rows import ServerSigns, TableSigns

VERSION_MIN: Final = 150_000
"""Postgres 15."""
SHARED_BUFFER_BYTES_MIN: Final = 128 * 1024**2
"""Postgres' own default; below it the indexes of one audience of a million do not stay in memory."""
WAL_BYTES_MIN: Final = 1024**3
"""Postgres' own default. Every checkpoint makes changes cost about twelve times as much of the
write-ahead log for a while, and a small log forces one after the other."""
TRANSACTION_AGE_MAX: Final = 1_000_000_000
"""Transactions; Postgres stops taking writes at about twice as many."""
DEAD_COUNT_MIN: Final = 10_000
"""Dead rows of a table from which on they are worth a word."""
DEAD_SHARE_MAX: Final = 0.5
"""Dead rows as a share of live ones; the tables' own settings start a vacuum at a twentieth or less."""
CLOCK_WARNING_S: Final = 5.0
"""Seconds. Changes that say no time are dated by the clock of the process that takes them."""
CLOCK_ERROR_S: Final = 120.0
"""Seconds. Facebook refuses signed calls five minutes off; times in the history no longer make sense."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SchemaFacts:
    """Migrations by their versions. `different`: of the first that is not the one of this program."""

    known: int
    applied: int
    different: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ClockFacts:
    """How far ahead of this process' clock others are."""

    database_ahead: timedelta
    facebook_ahead: timedelta | None = None


def judge_server(signs: ServerSigns) -> Iterator[Finding]:
    """What is wrong with the server and its settings."""
    if signs.version_number < VERSION_MIN:
        yield Finding(
            code=Code.DATABASE_TOO_OLD,
            severity=Severity.ERROR,
            message=f"Postgres {signs.version_number // 10_000} is older than the service needs.",
            action="Upgrade Postgres to 15 or newer.",
            evidence={"server_version_num": str(signs.version_number)},
        )
    if signs.is_standby:
        yield Finding(
            code=Code.DATABASE_READ_ONLY,
            severity=Severity.ERROR,
            message="The database is a standby, which takes no writes.",
            action="Point AUDIENCE_SYNC_DATABASE_URL at the primary.",
        )
    yield from _judge_durability(signs)
    yield from _judge_sizes(signs)
    if not signs.has_autovacuum:
        yield _autovacuum_off("autovacuum is off", "Set autovacuum = on and reload.", {})
    if signs.idle_in_transaction_count:
        yield Finding(
            code=Code.SESSIONS_IDLE_IN_TRANSACTION,
            severity=Severity.WARNING,
            message="Sessions hold a transaction open and do nothing: dead rows cannot be cleared.",
            action="Find them in pg_stat_activity and end them (pg_terminate_backend).",
            evidence={"sessions": str(signs.idle_in_transaction_count)},
        )
    if signs.transaction_age > TRANSACTION_AGE_MAX:
        yield Finding(
            code=Code.TRANSACTION_IDS_LOW,
            severity=Severity.ERROR,
            message="Postgres runs out of transaction ids and will stop taking writes.",
            action="Run VACUUM FREEZE on the database now.",
            evidence={"transaction_age": str(signs.transaction_age)},
        )


def _judge_durability(signs: ServerSigns) -> Iterator[Finding]:
    settings = {
        "fsync": signs.has_fsync,
        "full_page_writes": signs.has_full_page_writes,
        "synchronous_commit": signs.has_synchronous_commit,
    }
    off = [name for name, is_on in settings.items() if not is_on]
    if off:
        yield Finding(
            code=Code.COMMITS_NOT_DURABLE,
            severity=Severity.ERROR,
            message=f"{' and '.join(off)} off: a crash loses changes that were acknowledged.",
            action=f"Set {', '.join(f'{name} = on' for name in off)} and reload.",
            evidence=dict.fromkeys(off, "off"),
        )


def _judge_sizes(signs: ServerSigns) -> Iterator[Finding]:
    if signs.shared_buffer_bytes < SHARED_BUFFER_BYTES_MIN:
        yield Finding(
            code=Code.DATABASE_MEMORY_SMALL,
            severity=Severity.WARNING,
            message="shared_buffers is small: merges wait for the disk.",
            action="Set shared_buffers to a quarter of the machine's memory and restart.",
            evidence={"shared_buffers_bytes": str(signs.shared_buffer_bytes)},
        )
    if signs.wal_bytes_max < WAL_BYTES_MIN:
        yield Finding(
            code=Code.WAL_SMALL,
            severity=Severity.WARNING,
            message="max_wal_size is small: frequent checkpoints make every change dearer.",
            action="Set max_wal_size to 4GB or more and checkpoint_timeout to 30min, and reload.",
            evidence={"max_wal_size_bytes": str(signs.wal_bytes_max)},
        )


def judge_tables(tables: Sequence[TableSigns]) -> Iterator[Finding]:
    """Which tables are bloated, or will be."""
    for table in tables:
        name = table.table_name
        if not table.is_vacuumed:
            yield _autovacuum_off(
                f"autovacuum is off for the table {name}",
                f"ALTER TABLE {name} RESET (autovacuum_enabled)",
                {"table": name},
            )
        dead = table.dead_count
        if dead >= DEAD_COUNT_MIN and dead > table.live_count * DEAD_SHARE_MAX:
            yield Finding(
                code=Code.TABLE_BLOATED,
                severity=Severity.WARNING,
                message=f"The table {name} is full of dead rows: all that reads it is slow.",
                action=f"VACUUM (VERBOSE) {name} tells what keeps them, or clears them.",
                evidence={"table": name, "live": str(table.live_count), "dead": str(dead)},
            )


def _autovacuum_off(what: str, action: str, evidence: dict[str, str]) -> Finding:
    return Finding(
        code=Code.AUTOVACUUM_OFF,
        severity=Severity.WARNING,
        message=f"{what}: dead rows pile up.",
        action=action,
        evidence=evidence,
    )


def judge_schema(facts: SchemaFacts) -> Iterator[Finding]:
    """Whether the schema is this program's."""
    evidence = {"database": str(facts.applied), "program": str(facts.known)}
    if facts.different is not None:
        yield Finding(
            code=Code.MIGRATIONS_DIFFERENT,
            severity=Severity.ERROR,
            message=f"Migration {facts.different} of the database is not the one of this program.",
            action="Run the program that made the database, or restore it from a backup.",
            evidence={**evidence, "migration": str(facts.different)},
        )
    elif facts.applied < facts.known:
        yield Finding(
            code=Code.MIGRATIONS_BEHIND,
            severity=Severity.ERROR,
            message="The database lacks migrations that this program needs.",
            action="Run `audience-sync migrate`.",
            evidence=evidence,
        )
    elif facts.applied > facts.known:
        yield Finding(
            code=Code.MIGRATIONS_AHEAD,
            severity=Severity.WARNING,
            message="The database was migrated by a newer program than this one.",
            action="Finish the upgrade: replace this process by the newer program.",
            evidence=evidence,
        )


def judge_clocks(facts: ClockFacts) -> Iterator[Finding]:
    """Whether clocks agree with that of this process."""
    others = {"Postgres": facts.database_ahead, "Facebook": facts.facebook_ahead}
    for whose, ahead in others.items():
        off_s = 0.0 if ahead is None else ahead.total_seconds()
        if abs(off_s) < CLOCK_WARNING_S:
            continue
        word = "ahead of" if off_s > 0 else "behind"
        yield Finding(
            code=Code.CLOCKS_APART,
            severity=Severity.ERROR if abs(off_s) >= CLOCK_ERROR_S else Severity.WARNING,
            message=f"{whose}'s clock is {abs(off_s):.0f} s {word} the clock of this process.",
            action="Let NTP keep the clocks of all machines.",
            evidence={"whose": whose, "ahead_seconds": f"{off_s:.1f}"},
        )
