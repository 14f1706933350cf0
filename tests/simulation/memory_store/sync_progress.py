"""Stands for the texts of `syncs.sql` by which a sync goes on."""

from typing import Any

from tests.simulation.memory_store.named import named
from tests.simulation.memory_store.session import Session
from tests.simulation.memory_store.syncs import (
    EMPTY_WINDOW,
    NO_ERROR,
    TOTALS,
    by_state,
    not_throttled_now,
)
from tests.simulation.memory_store.values import Row, coalesce

STATES = ("PENDING", "RUNNING", "SUCCEEDED", "PARTIALLY_SUCCEEDED", "FAILED", "CANCELLED")


@named("go_on_with_sync")
def go_on_with_sync(s: Session, *, audience_no: int, mode: str, target_revision: int) -> list[Row]:
    found = [row for row in by_state(s, audience_no, "RUNNING", "PENDING") if row["mode"] == mode]
    if not found:
        return []
    sync = min(found, key=lambda row: row["state"] != "RUNNING")
    changes: Row = {"state": "RUNNING", "started_at": coalesce(sync["started_at"], s.now)}
    if sync["state"] == "PENDING":
        changes["target_revision"] = target_revision
    changes |= EMPTY_WINDOW | NO_ERROR | not_throttled_now(s, sync)
    s.tables.sync.of(audience_no).change(sync["sync_no"], **changes)
    return [{"sync_no": sync["sync_no"]}]


def _held_sync(
    s: Session, audience_no: int, lease_token: int, sync_no: int, *states: str
) -> Row | None:
    """The sync, if the lease's token is this one and the sync is in one of the states."""
    if s.held_work(audience_no, lease_token) is None:
        return None
    sync = s.tables.sync.of(audience_no).rows.get(sync_no)
    return sync if sync is not None and sync["state"] in states else None


def _change_and_tell(s: Session, sync: Row | None, **changes: Any) -> int:
    if sync is None:
        return 0
    s.tables.sync.of(sync["audience_no"]).change(sync["sync_no"], **changes)
    s.notify("audience_changed", sync["audience_no"])
    return 1


def _raised(sync: Row | None, **deltas: int) -> Row:
    """The totals with what is added to them."""
    if sync is None:
        return {}
    deltas["calls"] = deltas.pop("calls_delta")
    return {name: sync[name] + deltas[name] for name in TOTALS if name in deltas}


@named("progress_sync")
def progress_sync(
    s: Session,
    *,
    audience_no: int,
    lease_token: int,
    sync_no: int,
    calls_delta: int,
    throttled_ms_delta: int,
    sessions_max: int,
    addition_session_ids: list[int],
    removal_session_ids: list[int],
    **open_window: int,
) -> int:
    sync = _held_sync(s, audience_no, lease_token, sync_no, "RUNNING")
    if sync is None:
        return 0
    told = {
        "throttled_ms": sync["throttled_ms"] + throttled_ms_delta,
        "addition_session_ids": (sync["addition_session_ids"] + addition_session_ids)[
            -sessions_max:
        ],
        "removal_session_ids": (sync["removal_session_ids"] + removal_session_ids)[-sessions_max:],
    }
    totals = _raised(sync, calls_delta=calls_delta)
    return _change_and_tell(s, sync, **open_window, **totals, **told)


@named("settle_sync_window")
def settle_sync_window(
    s: Session, *, audience_no: int, lease_token: int, sync_no: int, **deltas: int
) -> int:
    sync = _held_sync(s, audience_no, lease_token, sync_no, "RUNNING")
    return _change_and_tell(s, sync, **_raised(sync, **deltas), **EMPTY_WINDOW, **NO_ERROR)


@named("end_sync")
def end_sync(
    s: Session,
    *,
    audience_no: int,
    lease_token: int,
    sync_no: int,
    state: str,
    **values: Any,
) -> int:
    sync = _held_sync(s, audience_no, lease_token, sync_no, "PENDING", "RUNNING")
    error = {name: values.pop(name) for name in NO_ERROR}
    if sync is None:
        return 0
    ended = {"state": state, "ended_at": s.now, **not_throttled_now(s, sync)}
    return _change_and_tell(s, sync, **ended, **_raised(sync, **values), **EMPTY_WINDOW, **error)


@named("hold_up_sync")
def hold_up_sync(
    s: Session, *, audience_no: int, lease_token: int, sync_no: int, **error: Any
) -> int:
    sync = _held_sync(s, audience_no, lease_token, sync_no, "RUNNING")
    return _change_and_tell(s, sync, **error)


@named("end_waiting_syncs")
def end_waiting_syncs(s: Session, *, audience_no: int) -> int:
    waiting = by_state(s, audience_no, "PENDING", "RUNNING")
    for sync in waiting:
        ended = {"state": "CANCELLED", "ended_at": s.now, **not_throttled_now(s, sync)}
        _change_and_tell(s, sync, **ended, **EMPTY_WINDOW)
    return len(waiting)


@named("note_throttled")
def note_throttled(s: Session, *, audience_no: int, lease_token: int) -> int:
    if s.held_work(audience_no, lease_token) is None:
        return 0
    waiting = by_state(s, audience_no, "PENDING", "RUNNING")
    for sync in waiting:
        since = coalesce(sync["throttled_since"], s.now)
        s.tables.sync.of(audience_no).change(sync["sync_no"], throttled_since=since)
    return len(waiting)


@named("set_matched_count")
def set_matched_count(
    s: Session, *, audience_no: int, lease_token: int, sync_no: int, matched_count: int
) -> int:
    sync = _held_sync(s, audience_no, lease_token, sync_no, *STATES)
    return _change_and_tell(s, sync, matched_count=matched_count)
