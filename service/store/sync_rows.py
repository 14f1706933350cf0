"""Reads and inserts records of syncs."""

from collections.abc import Sequence

from service.store.connection import Connection
from service.store.history_rows import Sync
from service.store.queries import Query

READ_SYNCS = Query("read_syncs", takes={"audience_no": int, "sync_nos": list[int]}, returns=Sync)
INSERT_SYNC = Query(
    "insert_sync",
    takes={
        "audience_no": int,
        "trigger": str,
        "mode": str,
        "state": str,
        "target_revision": int,
    },
    returns=int,
)


async def read_syncs(
    connection: Connection, audience_no: int, sync_nos: Sequence[int]
) -> list[Sync]:
    """Return those of the syncs that there are, newest first."""
    return await READ_SYNCS.many(connection, audience_no=audience_no, sync_nos=sync_nos)


async def read_sync(connection: Connection, audience_no: int, sync_no: int) -> Sync:
    """Return a sync that is known to be there."""
    (sync,) = await read_syncs(connection, audience_no, [sync_no])
    return sync


async def insert_sync(
    connection: Connection,
    audience_no: int,
    *,
    mode: str,
    trigger: str,
    state: str,
    target_revision: int,
) -> int:
    """Insert a sync and return its number. Order: under the audience's lock."""
    return await INSERT_SYNC.value(
        connection,
        audience_no=audience_no,
        mode=mode,
        trigger=trigger,
        state=state,
        target_revision=target_revision,
    )
