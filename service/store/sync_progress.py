"""How a sync goes on, written by the holder of the audience's lease.

Every write returns False, having changed nothing, when the lease is another's by now.
"""

from collections.abc import Mapping, Sequence
from typing import Final

from service.store.connection import Connection
from service.store.history_rows import Sync, SyncError
from service.store.lease_guard import LEASE, hold_lease, write_held
from service.store.queries import Command, PythonType, Query
from service.store.sync_rows import insert_sync, read_sync

SESSIONS_KEPT_MAX: Final = 1_000
"""Upload sessions of one sync and direction that are kept: ten million rows of additions."""

_ONE_SYNC: Final[dict[str, PythonType]] = {**LEASE, "sync_no": int}
_ERROR: Final[dict[str, PythonType]] = {
    "error_reason": str | None,
    "error_code": int | None,
    "error_subcode": int | None,
    "error_message": str | None,
    "error_trace_id": str | None,
}

GO_ON_WITH_SYNC = Query(
    "go_on_with_sync",
    takes={"audience_no": int, "mode": str, "target_revision": int},
    returns=int,
)
PROGRESS_SYNC = Command(
    "progress_sync",
    takes={
        **_ONE_SYNC,
        "open_rows_to_add": int,
        "open_rows_to_remove": int,
        "open_rows_added": int,
        "open_rows_removed": int,
        "calls_delta": int,
        "throttled_ms_delta": int,
        "addition_session_ids": list[int],
        "removal_session_ids": list[int],
        "sessions_max": int,
    },
)
SETTLE_SYNC_WINDOW = Command(
    "settle_sync_window",
    takes={
        **_ONE_SYNC,
        "rows_to_add": int,
        "rows_to_remove": int,
        "rows_added": int,
        "rows_removed": int,
        "rows_invalid": int,
        "rows_carried_over": int,
        "calls_delta": int,
    },
)
END_SYNC = Command(
    "end_sync",
    takes={
        **_ONE_SYNC,
        **_ERROR,
        "state": str,
        "rows_to_add": int,
        "rows_to_remove": int,
        "rows_added": int,
        "rows_removed": int,
        "rows_invalid": int,
        "rows_unknown": int,
        "calls_delta": int,
    },
)
HOLD_UP_SYNC = Command("hold_up_sync", takes={**_ONE_SYNC, **_ERROR})
NOTE_THROTTLED = Command("note_throttled", takes=LEASE)
END_WAITING_SYNCS = Command("end_waiting_syncs", takes={"audience_no": int})
ADD_REJECTED_ROWS = Command(
    "add_rejected_rows",
    takes={
        "audience_no": int,
        "sync_no": int,
        "key_masks": list[int],
        "reasons": list[str],
        "row_counts": list[int],
    },
)


async def start_sync(
    connection: Connection,
    audience_no: int,
    lease_token: int,
    *,
    mode: str,
    trigger: str,
    target_revision: int,
) -> Sync | None:
    """Go on with the running sync of the mode, else start the waiting one, else a new one.

    A sync that goes on keeps its end, its totals and its calls, and its open window is emptied.
    Order: under the audience's lock, or who joins could be told of an end that is not the sync's.
    Returns None when the lease is lost.
    """
    if not await hold_lease(connection, audience_no, lease_token):
        return None
    sync_no = await GO_ON_WITH_SYNC.one(
        connection, audience_no=audience_no, mode=mode, target_revision=target_revision
    )
    if sync_no is None:
        sync_no = await insert_sync(
            connection,
            audience_no,
            mode=mode,
            trigger=trigger,
            state="RUNNING",
            target_revision=target_revision,
        )
    return await read_sync(connection, audience_no, sync_no)


async def progress_sync(
    connection: Connection,
    audience_no: int,
    lease_token: int,
    *,
    sync_no: int,
    open_rows_to_add: int,
    open_rows_to_remove: int,
    open_rows_added: int,
    open_rows_removed: int,
    calls_delta: int,
    throttled_ms_delta: int = 0,
    addition_session_ids: Sequence[int] = (),
    removal_session_ids: Sequence[int] = (),
) -> bool:
    """Show how far the window under way is, and what came to pass since the last time."""
    return await write_held(
        PROGRESS_SYNC,
        connection,
        audience_no,
        lease_token,
        sync_no=sync_no,
        open_rows_to_add=open_rows_to_add,
        open_rows_to_remove=open_rows_to_remove,
        open_rows_added=open_rows_added,
        open_rows_removed=open_rows_removed,
        calls_delta=calls_delta,
        throttled_ms_delta=throttled_ms_delta,
        addition_session_ids=list(addition_session_ids),
        removal_session_ids=list(removal_session_ids),
        sessions_max=SESSIONS_KEPT_MAX,
    )


async def settle_sync_window(
    connection: Connection,
    audience_no: int,
    lease_token: int,
    *,
    sync_no: int,
    rows_to_add: int,
    rows_to_remove: int,
    rows_added: int,
    rows_removed: int,
    rows_invalid: int,
    rows_carried_over: int,
    calls_delta: int,
) -> bool:
    """Add a settled window to the totals and empty the open one.

    Shape: rows to add and to remove = rows added, removed, invalid and carried over; else Postgres
    refuses.
    """
    return await write_held(
        SETTLE_SYNC_WINDOW,
        connection,
        audience_no,
        lease_token,
        sync_no=sync_no,
        rows_to_add=rows_to_add,
        rows_to_remove=rows_to_remove,
        rows_added=rows_added,
        rows_removed=rows_removed,
        rows_invalid=rows_invalid,
        rows_carried_over=rows_carried_over,
        calls_delta=calls_delta,
    )


async def end_sync(
    connection: Connection,
    audience_no: int,
    lease_token: int,
    *,
    sync_no: int,
    state: str,
    error: SyncError | None = None,
    rows_to_add: int = 0,
    rows_to_remove: int = 0,
    rows_added: int = 0,
    rows_removed: int = 0,
    rows_invalid: int = 0,
    rows_unknown: int = 0,
    calls_delta: int = 0,
) -> bool:
    """End a sync; the figures are those of a window that failed.

    Shape: as in `settle_sync_window`, with the unknown ones, which only a FAILED sync may have.
    """
    return await write_held(
        END_SYNC,
        connection,
        audience_no,
        lease_token,
        **_error_values(error),
        sync_no=sync_no,
        state=state,
        rows_to_add=rows_to_add,
        rows_to_remove=rows_to_remove,
        rows_added=rows_added,
        rows_removed=rows_removed,
        rows_invalid=rows_invalid,
        rows_unknown=rows_unknown,
        calls_delta=calls_delta,
    )


async def hold_up_sync(
    connection: Connection,
    audience_no: int,
    lease_token: int,
    *,
    sync_no: int,
    error: SyncError | None,
) -> bool:
    """Tell what holds up a running sync; None: nothing does."""
    values = _error_values(error)
    return await write_held(
        HOLD_UP_SYNC, connection, audience_no, lease_token, sync_no=sync_no, **values
    )


async def note_throttled(connection: Connection, audience_no: int, lease_token: int) -> bool:
    """Count the time from now on as throttled, for the waiting and the running syncs."""
    if not await hold_lease(connection, audience_no, lease_token):
        return False
    await NOTE_THROTTLED.execute(connection, audience_no=audience_no, lease_token=lease_token)
    return True


async def cancel_waiting(connection: Connection, audience_no: int, lease_token: int) -> bool:
    """Cancel the waiting and the running syncs."""
    if not await hold_lease(connection, audience_no, lease_token):
        return False
    await END_WAITING_SYNCS.execute(connection, audience_no=audience_no)
    return True


async def add_rejected_rows(
    connection: Connection, audience_no: int, sync_no: int, counts: Mapping[tuple[int, str], int]
) -> None:
    """Count rows that Facebook refused, by their key mask and the reason.

    Order: after a guarded write in the same transaction.
    """
    await ADD_REJECTED_ROWS.execute(
        connection,
        audience_no=audience_no,
        sync_no=sync_no,
        key_masks=[mask for mask, _ in counts],
        reasons=[reason for _, reason in counts],
        row_counts=list(counts.values()),
    )


def _error_values(error: SyncError | None) -> dict[str, object]:
    if error is None:
        return dict.fromkeys(_ERROR)
    return {
        "error_reason": error.reason,
        "error_code": error.code,
        "error_subcode": error.subcode,
        "error_message": error.message,
        "error_trace_id": error.trace_id,
    }
