"""Stands for the texts of `syncs.sql` that look for syncs, make them and forget them."""

from datetime import datetime, timedelta
from hashlib import md5
from typing import Final

from tests.simulation.memory_store.constraints import check_rejected_row
from tests.simulation.memory_store.named import named
from tests.simulation.memory_store.session import Session
from tests.simulation.memory_store.values import Row

OPEN_WINDOW: Final = (
    "open_rows_to_add",
    "open_rows_to_remove",
    "open_rows_added",
    "open_rows_removed",
)
TOTALS: Final = (
    "rows_to_add",
    "rows_to_remove",
    "rows_added",
    "rows_removed",
    "rows_invalid",
    "rows_carried_over",
    "rows_unknown",
    "calls",
)
NO_ERROR: Final[Row] = dict.fromkeys(
    ("error_reason", "error_code", "error_subcode", "error_message", "error_trace_id")
)
EMPTY_WINDOW: Final[Row] = dict.fromkeys(OPEN_WINDOW, 0)
_NEW: Final[Row] = {
    **dict.fromkeys(TOTALS, 0),
    **EMPTY_WINDOW,
    **NO_ERROR,
    "throttled_ms": 0,
    "throttled_since": None,
    "addition_session_ids": [],
    "removal_session_ids": [],
    "matched_count": None,
}


def not_throttled_now(s: Session, sync: Row) -> Row:
    """The time for which it was throttled counted, and none running."""
    return {"throttled_ms": throttled_ms(s, sync), "throttled_since": None}


def throttled_ms(s: Session, sync: Row) -> int:
    since = sync["throttled_since"]
    running = 0 if since is None else max(0, (s.now - since) // timedelta(milliseconds=1))
    return int(sync["throttled_ms"]) + running


def by_state(s: Session, audience_no: int, *states: str) -> list[Row]:
    rows = s.tables.sync.of(audience_no).rows.values()
    return [row for row in rows if row["state"] in states]


@named("read_syncs")
def read_syncs(s: Session, *, audience_no: int, sync_nos: list[int]) -> list[Row]:
    audience = s.tables.audience.rows.get(audience_no)
    if audience is None:
        return []
    rows = s.tables.sync.of(audience_no).rows
    found = sorted((sync_no for sync_no in set(sync_nos) if sync_no in rows), reverse=True)
    return [_told(s, rows[sync_no], audience["audience_id"]) for sync_no in found]


def _told(s: Session, sync: Row, audience_id: str) -> Row:
    told = {**sync, "audience_id": audience_id, "throttled_ms": throttled_ms(s, sync)}
    del told["throttled_since"]
    return told


@named("list_sync_numbers")
def list_sync_numbers(s: Session, *, audience_no: int, before_no: int, row_limit: int) -> list[Row]:
    numbers = sorted(s.tables.sync.of(audience_no).rows, reverse=True)
    before = [sync_no for sync_no in numbers if sync_no < before_no]
    return [{"sync_no": sync_no} for sync_no in before[:row_limit]]


@named("list_waiting_sync_numbers")
def list_waiting_sync_numbers(s: Session, *, audience_no: int) -> list[Row]:
    return [{"sync_no": row["sync_no"]} for row in by_state(s, audience_no, "PENDING", "RUNNING")]


@named("find_sync_to_join")
def find_sync_to_join(s: Session, *, audience_no: int, mode: str, revision: int) -> list[Row]:
    found = [
        row
        for row in by_state(s, audience_no, "PENDING", "RUNNING")
        if row["mode"] == mode and (row["state"] == "PENDING" or row["target_revision"] >= revision)
    ]
    found.sort(key=lambda row: row["state"] != "RUNNING")
    return [{"sync_no": row["sync_no"]} for row in found[:1]]


@named("insert_sync")
def insert_sync(
    s: Session, *, audience_no: int, trigger: str, mode: str, state: str, target_revision: int
) -> list[Row]:
    table = s.tables.sync.of(audience_no)
    sync_no = max(table.rows, default=0) + 1
    given = {
        "audience_no": audience_no,
        "sync_no": sync_no,
        "trigger": trigger,
        "mode": mode,
        "state": state,
        "target_revision": target_revision,
        "requested_at": s.now,
        "started_at": s.now if state == "RUNNING" else None,
        "ended_at": None,
    }
    table.put(sync_no, {**given, **_NEW})
    return [{"sync_no": sync_no}]


@named("list_unmatched_syncs")
def list_unmatched_syncs(
    s: Session, *, audience_no: int, ended_from: datetime, sessions_max: int, row_limit: int
) -> list[Row]:
    found = [
        {"sync_no": sync_no, "addition_session_ids": row["addition_session_ids"]}
        for sync_no, row in s.tables.sync.of(audience_no).rows.items()
        if row["ended_at"] is not None
        and row["ended_at"] >= ended_from
        and row["matched_count"] is None
        and 1 <= len(row["addition_session_ids"]) <= sessions_max
    ]
    found.sort(key=lambda row: -row["sync_no"])
    return found[:row_limit]


@named("add_rejected_rows")
def add_rejected_rows(
    s: Session,
    *,
    audience_no: int,
    sync_no: int,
    key_masks: list[int],
    reasons: list[str],
    row_counts: list[int],
) -> int:
    table = s.tables.rejected_row.of(audience_no)
    for key_mask, reason, row_count in zip(key_masks, reasons, row_counts, strict=True):
        key = sync_no, key_mask, reason
        known = table.rows.get(key)
        row = {
            "audience_no": audience_no,
            "sync_no": sync_no,
            "key_mask": key_mask,
            "reason": reason,
            "row_count": row_count,
        }
        check_rejected_row(table.rows.values(), row, None)
        if known is not None:
            row["row_count"] = known["row_count"] + row_count
        table.put(key, row)
    return len(key_masks)


@named("prune_syncs")
def prune_syncs(s: Session, *, audience_no: int, before: datetime, row_limit: int) -> list[Row]:
    table, details = s.tables.sync.of(audience_no), s.tables.rejected_row.of(audience_no)
    oldest = sorted(table.rows)[:-1][:row_limit]
    ends = {sync_no: table.rows[sync_no]["ended_at"] for sync_no in oldest}
    gone = {sync_no for sync_no, end in ends.items() if end is not None and end < before}
    for sync_no in gone:
        table.remove(sync_no)
    for key in [key for key in details.rows if key[0] in gone]:
        details.remove(key)
    return [{"count": len(gone)}]


@named("list_rejected_rows")
def list_rejected_rows(
    s: Session,
    *,
    audience_no: int,
    oldest_no: int,
    from_no: int,
    after_mask: int,
    after_digest: str,
    row_limit: int,
) -> list[Row]:
    syncs = s.tables.sync.of(audience_no).rows
    rows = [
        {
            "audience_no": audience_no,
            "sync_no": row["sync_no"],
            "requested_at": syncs[row["sync_no"]]["requested_at"],
            "key_mask": row["key_mask"],
            "reason": row["reason"],
            "reason_digest": md5(row["reason"].encode(), usedforsecurity=False).hexdigest(),
            "row_count": row["row_count"],
        }
        for row in s.tables.rejected_row.of(audience_no).rows.values()
        if oldest_no <= row["sync_no"] <= from_no and row["sync_no"] in syncs
    ]
    after = (after_mask, after_digest)
    rows = [
        row
        for row in rows
        if row["sync_no"] < from_no or (row["key_mask"], row["reason_digest"]) > after
    ]
    rows.sort(key=lambda row: (-row["sync_no"], row["key_mask"], row["reason_digest"]))
    return rows[:row_limit]
