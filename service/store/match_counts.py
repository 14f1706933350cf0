"""How many people Facebook found for the additions of syncs."""

from datetime import datetime

from service.store.connection import Connection
from service.store.history_rows import UnmatchedSync
from service.store.lease_guard import LEASE, write_held
from service.store.queries import Command, Query
from service.store.sync_progress import SESSIONS_KEPT_MAX

LIST_UNMATCHED_SYNCS = Query(
    "list_unmatched_syncs",
    takes={"audience_no": int, "ended_from": datetime, "sessions_max": int, "row_limit": int},
    returns=UnmatchedSync,
)
SET_MATCHED_COUNT = Command(
    "set_matched_count", takes={**LEASE, "sync_no": int, "matched_count": int}
)


async def list_unmatched_syncs(
    connection: Connection, audience_no: int, *, ended_from: datetime, limit: int
) -> list[UnmatchedSync]:
    """Return syncs since then whose count is not known, newest first.

    Left out are those of so many calls that not all their upload sessions were kept.
    """
    return await LIST_UNMATCHED_SYNCS.many(
        connection,
        audience_no=audience_no,
        ended_from=ended_from,
        sessions_max=SESSIONS_KEPT_MAX - 1,
        row_limit=limit,
    )


async def set_matched_count(
    connection: Connection, audience_no: int, lease_token: int, *, sync_no: int, matched_count: int
) -> bool:
    """Keep how many people Facebook found for a sync's additions."""
    return await write_held(
        SET_MATCHED_COUNT,
        connection,
        audience_no,
        lease_token,
        sync_no=sync_no,
        matched_count=matched_count,
    )
