"""Spreads the tables over the nodes of a Citus cluster, by audience.

What belongs to one audience lies on one node: membership, log, history, answers, imports. The registry
(accounts, audiences, leases, paces) and what was done to it (audit events) stay on the coordinator as they are, neither spread nor a reference
table: leases are claimed over all of it with FOR UPDATE SKIP LOCKED, which a spread table refuses, and a
reference table is written on every node, one writer at a time, which each renewal of a lease would be.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import asyncpg

from service.store.connection import Connection
from service.store.errors import map_unavailable
from service.store.migrations import LOCK_MIGRATIONS, SERVER_SETTINGS
from service.store.queries import Command, Query

SPREAD_TABLES: Final = (
    "member",
    "tombstone",
    "change_chunk",
    "sync",
    "rejected_row",
    "request",
    "list_import",
    "import_row",
    "dropped_count",
)
"""In the order in which they are spread; the others lie where the first one does."""
SPREAD_FUNCTIONS: Final = ("milliseconds_since(timestamptz)",)
"""Functions that queries on spread tables call."""
BYTES_WITHOUT_ASKING: Final = 64 * 1024**2
"""Bytes of tables that are spread without being asked twice: some seconds without writes."""

HAS_CITUS = Query("has_citus", returns=bool)
LIST_SPREAD_TABLES = Query("list_spread_tables", returns=str)
COUNT_BYTES = Query("count_bytes_of_tables", takes={"tables": list[str]}, returns=int)
SPREAD_FUNCTION = Command("spread_function", takes={"signature": str})
SPREAD_FIRST_TABLE = Command("spread_first_table", takes={"table_name": str})
SPREAD_TABLE = Command("spread_table", takes={"table_name": str})


class CannotSpread(Exception):
    """The tables are not spread, for a reason that the operator can do something about."""


@dataclass(frozen=True, slots=True)
class Spread:
    """What was done: tables spread now, and those that were before."""

    now: Sequence[str]
    before: Sequence[str]


async def spread_over_citus(dsn: str, *, locks_tables: bool) -> Spread:
    """Spread the tables that are not yet; what was cut short is gone on with by the next call.

    `locks_tables`: whether big tables may be locked against writes while they are copied.
    Order: after `migrate`. Raises: CannotSpread, StoreUnavailable.
    """
    with map_unavailable():
        connection = await asyncpg.connect(dsn, server_settings=SERVER_SETTINGS)
        try:
            await LOCK_MIGRATIONS.execute(connection)
            return await _spread(connection, locks_tables=locks_tables)
        finally:
            await connection.close()


async def _spread(connection: Connection, *, locks_tables: bool) -> Spread:
    if not await HAS_CITUS.value(connection):
        raise CannotSpread(
            "the database has no Citus: put citus into shared_preload_libraries of every node, run"
            " CREATE EXTENSION citus in this database on each, and add the nodes"
        )
    spread = set(await LIST_SPREAD_TABLES.many(connection))
    missing = [name for name in SPREAD_TABLES if name not in spread]
    size = await COUNT_BYTES.value(connection, tables=missing)
    if size > BYTES_WITHOUT_ASKING and not locks_tables:
        raise CannotSpread(
            f"{size / 1024**2:,.0f} MiB would be copied, and nobody could write meanwhile: stop the"
            " service and say --lock-tables"
        )
    for signature in SPREAD_FUNCTIONS:
        await SPREAD_FUNCTION.execute(connection, signature=signature)
    for name in missing:
        await (SPREAD_FIRST_TABLE if name == SPREAD_TABLES[0] else SPREAD_TABLE).execute(
            connection, table_name=name
        )
    return Spread(missing, [name for name in SPREAD_TABLES if name in spread])
