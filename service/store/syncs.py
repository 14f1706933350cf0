"""Syncs as callers ask for them and look at them. How one goes on is written by `sync_progress`."""

from datetime import datetime
from typing import Final

from service.store.audiences import wake
from service.store.connection import Connection
from service.store.history_rows import Sync, SyncError
from service.store.queries import Query
from service.store.rows import Audience
from service.store.sync_ids import decode_sync_id, encode_sync_id
from service.store.sync_progress import (
    add_rejected_rows,
    cancel_waiting,
    end_sync,
    hold_up_sync,
    note_throttled,
    progress_sync,
    settle_sync_window,
    start_sync,
)
from service.store.sync_rows import insert_sync, read_sync, read_syncs

__all__ = [
    "Sync",
    "SyncError",
    "add_rejected_rows",
    "cancel_waiting",
    "decode_sync_id",
    "encode_sync_id",
    "end_sync",
    "hold_up_sync",
    "note_throttled",
    "progress_sync",
    "settle_sync_window",
    "start_sync",
]

SYNC_NO_MAX: Final = 2**63 - 1

LIST_SYNC_NUMBERS = Query(
    "list_sync_numbers",
    takes={"audience_no": int, "before_no": int, "row_limit": int},
    returns=int,
)
LIST_WAITING_SYNC_NUMBERS = Query(
    "list_waiting_sync_numbers", takes={"audience_no": int}, returns=int
)
FIND_SYNC_TO_JOIN = Query(
    "find_sync_to_join",
    takes={"audience_no": int, "mode": str, "revision": int},
    returns=int,
)
PRUNE_SYNCS = Query(
    "prune_syncs", takes={"audience_no": int, "before": datetime, "row_limit": int}, returns=int
)


async def request_sync(connection: Connection, audience: Audience, mode: str, trigger: str) -> Sync:
    """Join a sync that covers the audience's revision, or make a waiting one that is due at once.

    Order: `audience` is as its lock was taken in this transaction.
    """
    sync, _ = await join_or_request_sync(connection, audience, mode, trigger)
    return sync


async def join_or_request_sync(
    connection: Connection, audience: Audience, mode: str, trigger: str
) -> tuple[Sync, bool]:
    """As `request_sync`; and whether the sync was made."""
    audience_no = audience.audience_no
    sync_no = await FIND_SYNC_TO_JOIN.one(
        connection, audience_no=audience_no, mode=mode, revision=audience.revision
    )
    is_new = sync_no is None
    if sync_no is None:
        await wake(connection, audience_no)
        sync_no = await insert_sync(
            connection,
            audience_no,
            mode=mode,
            trigger=trigger,
            state="PENDING",
            target_revision=audience.revision,
        )
    return await read_sync(connection, audience_no, sync_no), is_new


async def waiting_syncs(connection: Connection, audience_no: int) -> list[Sync]:
    """Return the waiting and the running syncs, at most one of each mode and kind."""
    numbers = await LIST_WAITING_SYNC_NUMBERS.many(connection, audience_no=audience_no)
    return await read_syncs(connection, audience_no, numbers)


async def find_sync(connection: Connection, audience_no: int, sync_no: int) -> Sync | None:
    """Return a sync, None if there is no such."""
    found = await read_syncs(connection, audience_no, [sync_no])
    return found[0] if found else None


async def list_syncs(
    connection: Connection, audience_no: int, *, before_no: int | None, limit: int
) -> list[Sync]:
    """Return the syncs before a number, newest first."""
    numbers = await LIST_SYNC_NUMBERS.many(
        connection,
        audience_no=audience_no,
        before_no=SYNC_NO_MAX if before_no is None else min(before_no, SYNC_NO_MAX),
        row_limit=limit,
    )
    return await read_syncs(connection, audience_no, numbers)


async def prune_syncs(
    connection: Connection, audience_no: int, before: datetime, *, limit: int
) -> int:
    """Forget which of the `limit` oldest syncs ended before then, but the newest; return how many."""
    return await PRUNE_SYNCS.value(
        connection, audience_no=audience_no, before=before, row_limit=limit
    )
