"""Twins of `syncs.sql`, and the constraints of its table."""

from types import SimpleNamespace as Given
from typing import Any, Final

import asyncpg

from service.store.rows import Sync
from tests.simulation.memory_store.leases import held
from tests.simulation.memory_store.registry import named
from tests.simulation.memory_store.tables import Row, Tables

OPEN: Final = ("open_rows_to_add", "open_rows_to_remove", "open_rows_added", "open_rows_removed")
TOTALS: Final = (
    "rows_to_add",
    "rows_to_remove",
    "rows_added",
    "rows_removed",
    "rows_invalid",
    "rows_carried_over",
    "rows_unknown",
)
ERROR: Final = (
    "error_reason",
    "error_code",
    "error_subcode",
    "error_message",
    "error_trace_id",
)
WAITING: Final = ("PENDING", "RUNNING")
_COLUMNS: Final = tuple(Sync.__dataclass_fields__)
_NO_OPEN: Final = dict.fromkeys(OPEN, 0)
_NO_ERROR: Final[Row] = dict.fromkeys(ERROR)


def _check(t: Tables, row: Row) -> None:
    parts = ("rows_added", "rows_removed", "rows_invalid", "rows_carried_over", "rows_unknown")
    ended = row["ended_at"] is not None
    started = row["state"] in ("SUCCEEDED", "PARTIALLY_SUCCEEDED", "RUNNING")
    losses = row["rows_invalid"] + row["rows_carried_over"]
    holds = (
        row["rows_to_add"] + row["rows_to_remove"] == sum(row[part] for part in parts),
        row["rows_unknown"] == 0 or row["state"] == "FAILED",
        ended == (row["state"] not in WAITING),
        not started or row["started_at"] is not None,
        row["state"] != "SUCCEEDED" or losses == 0,
    )
    if not all(holds):
        raise asyncpg.CheckViolationError(f"sync {holds}")
    for _, other in t.of("sync", row["audience_no"]):
        same = (other["mode"], other["state"]) == (row["mode"], row["state"])
        if same and row["state"] in WAITING and other["sync_no"] != row["sync_no"]:
            raise asyncpg.UniqueViolationError("sync_waiting or sync_running")


def _change(t: Tables, row: Row, **changes: Any) -> None:
    key = (row["audience_no"], row["sync_no"])
    _check(t, t.change("sync", key, **changes))


@named("read_syncs")
def read_syncs(t: Tables, p: Given) -> list[Row]:
    audience_id = t.by_name["audience"][p.audience_no]["audience_id"]
    found = [row for _, row in t.of("sync", p.audience_no) if row["sync_no"] in p.sync_nos]
    found.sort(key=lambda row: -row["sync_no"])
    whole = [{**row, "audience_id": audience_id} for row in found]
    return [{name: row[name] for name in _COLUMNS} for row in whole]


def _numbers(rows: list[Row]) -> list[Row]:
    return [{"sync_no": row["sync_no"]} for row in rows]


@named("list_sync_numbers")
def list_sync_numbers(t: Tables, p: Given) -> list[Row]:
    rows = [row for _, row in t.of("sync", p.audience_no) if row["sync_no"] < p.before_no]
    return _numbers(sorted(rows, key=lambda row: -row["sync_no"])[: p.row_limit])


@named("list_waiting_sync_numbers")
def list_waiting_sync_numbers(t: Tables, p: Given) -> list[Row]:
    return _numbers([row for _, row in t.of("sync", p.audience_no) if row["state"] in WAITING])


@named("find_sync_to_join")
def find_sync_to_join(t: Tables, p: Given) -> list[Row]:
    rows = [
        row
        for _, row in t.of("sync", p.audience_no)
        if row["mode"] == p.mode
        and (
            row["state"] == "PENDING"
            or (row["state"] == "RUNNING" and row["target_revision"] >= p.revision)
        )
    ]
    return _numbers(sorted(rows, key=lambda row: row["state"] != "RUNNING")[:1])


@named("insert_sync")
def insert_sync(t: Tables, p: Given) -> int:
    sync_no: int = max((row["sync_no"] for _, row in t.of("sync", p.audience_no)), default=0) + 1
    row = {
        **vars(p),
        "sync_no": sync_no,
        **dict.fromkeys(TOTALS, 0),
        **_NO_OPEN,
        **_NO_ERROR,
        "calls": 0,
        "requested_at": t.now,
        "started_at": t.now if p.state == "RUNNING" else None,
        "ended_at": None,
    }
    _check(t, row)
    t.insert("sync", (p.audience_no, sync_no), row)
    return sync_no


@named("go_on_with_sync")
def go_on_with_sync(t: Tables, p: Given) -> list[Row]:
    waiting = [
        row
        for _, row in t.of("sync", p.audience_no)
        if row["mode"] == p.mode and row["state"] in WAITING
    ]
    if not waiting:
        return []
    row = min(waiting, key=lambda row: row["state"] != "RUNNING")
    is_new = row["state"] == "PENDING"
    _change(
        t,
        row,
        state="RUNNING",
        started_at=row["started_at"] or t.now,
        target_revision=p.target_revision if is_new else row["target_revision"],
        **_NO_OPEN,
        **_NO_ERROR,
    )
    return [{"sync_no": row["sync_no"]}]


def _running(t: Tables, p: Given, states: tuple[str, ...] = ("RUNNING",)) -> Row | None:
    row = t.get("sync", (p.audience_no, p.sync_no))
    if row is None or row["state"] not in states or not held(t, p):
        return None
    t.notify("audience_changed", p.audience_no)
    return row


def _more(row: Row, p: Given) -> Row:
    """Totals moved by the parameters of the same names."""
    moved = {name: row[name] + getattr(p, name) for name in TOTALS if hasattr(p, name)}
    return {**moved, "calls": row["calls"] + p.calls_delta}


def _error(p: Given) -> Row:
    return {name: getattr(p, name) for name in ERROR}


@named("progress_sync")
def progress_sync(t: Tables, p: Given) -> int:
    row = _running(t, p)
    if row is None:
        return 0
    _change(t, row, **{name: getattr(p, name) for name in OPEN}, **_more(row, p))
    return 1


@named("settle_sync_window")
def settle_sync_window(t: Tables, p: Given) -> int:
    row = _running(t, p)
    if row is None:
        return 0
    _change(t, row, **_more(row, p), **_NO_OPEN, **_NO_ERROR)
    return 1


@named("end_sync")
def end_sync(t: Tables, p: Given) -> int:
    row = _running(t, p, WAITING)
    if row is None:
        return 0
    _change(t, row, state=p.state, ended_at=t.now, **_more(row, p), **_NO_OPEN, **_error(p))
    return 1


@named("hold_up_sync")
def hold_up_sync(t: Tables, p: Given) -> int:
    row = _running(t, p)
    if row is None:
        return 0
    _change(t, row, **_error(p))
    return 1


@named("end_waiting_syncs")
def end_waiting_syncs(t: Tables, p: Given) -> int:
    waiting = [row for _, row in t.of("sync", p.audience_no) if row["state"] in WAITING]
    for row in waiting:
        _change(t, row, state="CANCELLED", ended_at=t.now, **_NO_OPEN)
        t.notify("audience_changed", p.audience_no)
    return len(waiting)


@named("add_rejected_rows")
def add_rejected_rows(t: Tables, p: Given) -> int:
    for mask, reason, count in zip(p.key_masks, p.reasons, p.row_counts, strict=True):
        key = (p.audience_no, p.sync_no, mask, reason)
        known = t.get("rejected_row", key)
        row = {
            "audience_no": p.audience_no,
            "sync_no": p.sync_no,
            "key_mask": mask,
            "reason": reason,
            "row_count": count + (known["row_count"] if known else 0),
        }
        t.put("rejected_row", key, row)
    return len(p.reasons)


@named("prune_syncs")
def prune_syncs(t: Tables, p: Given) -> int:
    rows = [row for _, row in t.of("sync", p.audience_no)]
    newest = max((row["sync_no"] for row in rows), default=0)
    gone = [
        row["sync_no"]
        for row in rows
        if row["ended_at"] is not None and row["ended_at"] < p.before and row["sync_no"] < newest
    ]
    for sync_no in gone:
        t.delete("sync", (p.audience_no, sync_no))
    for key, row in t.of("rejected_row", p.audience_no):
        if row["sync_no"] in gone:
            t.delete("rejected_row", key)
    return len(gone)
