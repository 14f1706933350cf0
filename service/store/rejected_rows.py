"""Reads what is kept of the rows that Facebook refused."""

from typing import NamedTuple

from service.store.connection import Connection
from service.store.history_rows import RejectedRows
from service.store.queries import Query
from service.store.syncs import SYNC_NO_MAX

LIST_REJECTED_ROWS = Query(
    "list_rejected_rows",
    takes={
        "audience_no": int,
        "oldest_no": int,
        "from_no": int,
        "after_mask": int,
        "after_digest": str,
        "row_limit": int,
    },
    returns=RejectedRows,
)


class RejectedRowsKey(NamedTuple):
    """Where a list goes on: behind these keys and this reason, in this sync or an older one."""

    sync_no: int
    key_mask: int
    reason_digest: str


async def list_rejected_rows(
    connection: Connection,
    audience_no: int,
    *,
    sync_no: int | None,
    after: RejectedRowsKey | None,
    limit: int,
) -> list[RejectedRows]:
    """Return the refused rows of one sync, or of all; those of the newest sync first."""
    newest_no = SYNC_NO_MAX if sync_no is None else sync_no
    sync, mask, digest = after or RejectedRowsKey(newest_no, -1, "")
    return await LIST_REJECTED_ROWS.many(
        connection,
        audience_no=audience_no,
        oldest_no=0 if sync_no is None else sync_no,
        from_no=sync,
        after_mask=mask,
        after_digest=digest,
        row_limit=limit,
    )
