"""Stands for the texts of `syncs.sql` by which a sync goes on."""

from typing import Any

from tests.simulation.memory_store.named import named
from tests.simulation.memory_store.session import Session
from tests.simulation.memory_store.syncs import EMPTY_WINDOW, NO_ERROR, TOTALS, by_state
from tests.simulation.memory_store.values import Row, coalesce


@named("go_on_with_sync")
def go_on_with_sync(s: Session, *, audience_no: int, mode: str, target_revision: int) -> list[Row]:
    found = [row for row in by_state(s, audience_no, "RUNNING", "PENDING") if row["mode"] == mode]
    if not found:
        return []
    sync = min(found, key=lambda row: row["state"] != "RUNNING")
    changes: Row = {"state": "RUNNING", "started_at": coalesce(sync["started_at"], s.now)}
    if sync["state"] == "PENDING":
        changes["target_revision"] = target_revision
    changes |= EMPTY_WINDOW | NO_ERROR
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
    **open_window: int,
) -> int:
    sync = _held_sync(s, audience_no, lease_token, sync_no, "RUNNING")
    return _change_and_tell(s, sync, **open_window, **_raised(sync, calls_delta=calls_delta))


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
    totals = _raised(sync, **values)
    return _change_and_tell(s, sync, state=state, ended_at=s.now, **totals, **EMPTY_WINDOW, **error)


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
        _change_and_tell(s, sync, state="CANCELLED", ended_at=s.now, **EMPTY_WINDOW)
    return len(waiting)
