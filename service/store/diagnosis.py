"""Reads what a diagnosis judges: the server, its tables, keys in use, how accounts and audiences fare."""

from datetime import datetime
from typing import Final

from service.store.connection import Connection
from service.store.diagnosis_rows import (
    AdAccountSigns,
    AudienceSigns,
    DroppedSigns,
    SealingKeyUse,
    ServerSigns,
    TableSigns,
)
from service.store.dropped_counts import day_of
from service.store.migrations import LIST_APPLIED_MIGRATIONS, AppliedMigration
from service.store.queries import Query

SYNCS_LOOKED_AT_MAX: Final = 100
"""Newest syncs of an audience."""

READ_SERVER_SIGNS = Query("read_server_signs", takes={"idle_s": float}, returns=ServerSigns)
LIST_TABLE_SIGNS = Query("list_table_signs", returns=TableSigns)
LIST_SEALING_KEY_USES = Query("list_sealing_key_uses", returns=SealingKeyUse)
READ_AD_ACCOUNT_SIGNS = Query(
    "read_ad_account_signs", takes={"ad_account_id": str}, returns=AdAccountSigns
)
READ_AUDIENCE_SIGNS = Query(
    "read_audience_signs",
    takes={"audience_no": int, "synced_revision": int, "since": datetime, "syncs_max": int},
    returns=AudienceSigns,
)
LIST_DROPPED_SIGNS = Query(
    "list_dropped_signs", takes={"audience_no": int, "from_day": int}, returns=DroppedSigns
)


async def read_server_signs(connection: Connection, *, idle_s: float) -> ServerSigns:
    """Return how the server is set up. Sessions count that have been idle in a transaction for `idle_s`."""
    return await READ_SERVER_SIGNS.value(connection, idle_s=idle_s)


async def list_table_signs(connection: Connection) -> list[TableSigns]:
    """Return how many rows each table has, dead ones apart."""
    return await LIST_TABLE_SIGNS.many(connection)


async def list_applied_migrations(connection: Connection) -> list[AppliedMigration]:
    """Return the steps that the database has taken."""
    return await LIST_APPLIED_MIGRATIONS.many(connection)


async def list_sealing_key_uses(connection: Connection) -> list[SealingKeyUse]:
    """Return which keys sealed the secrets that are stored."""
    return await LIST_SEALING_KEY_USES.many(connection)


async def read_ad_account_signs(
    connection: Connection, ad_account_id: str
) -> AdAccountSigns | None:
    """Return how an ad account fares, None if it was never connected."""
    return await READ_AD_ACCOUNT_SIGNS.one(connection, ad_account_id=ad_account_id)


async def read_audience_signs(
    connection: Connection, audience_no: int, *, synced_revision: int, since: datetime
) -> AudienceSigns:
    """Return how an audience has fared since then."""
    return await READ_AUDIENCE_SIGNS.value(
        connection,
        audience_no=audience_no,
        synced_revision=synced_revision,
        since=since,
        syncs_max=SYNCS_LOOKED_AT_MAX,
    )


async def list_dropped_signs(
    connection: Connection, audience_no: int, *, since: datetime
) -> list[DroppedSigns]:
    """Return what was dropped of what an audience's callers sent."""
    return await LIST_DROPPED_SIGNS.many(
        connection, audience_no=audience_no, from_day=day_of(since)
    )
