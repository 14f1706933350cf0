"""Twins of the queries of `leases.sql` by which the holder writes of its work."""

from datetime import timedelta
from types import SimpleNamespace as Given
from typing import Any

import asyncpg

from tests.simulation.memory_store.leases import held
from tests.simulation.memory_store.registry import named
from tests.simulation.memory_store.tables import INFINITY, Row, Tables, greatest, least


def _write(t: Tables, p: Given, **changes: Any) -> int:
    if not held(t, p):
        return 0
    t.change("audience_work", p.audience_no, **changes)
    return 1


def _told(p: Given) -> dict[str, Any]:
    lease = ("audience_no", "lease_token")
    return {name: value for name, value in vars(p).items() if name not in lease}


@named("note_create_attempt")
def note_create_attempt(t: Tables, p: Given) -> int:
    return _write(t, p, create_attempted_at=p.at)


@named("set_custom_audience")
def set_custom_audience(t: Tables, p: Given) -> int:
    if not held(t, p):
        return 0
    for work in t.all("audience_work"):
        mine = work["audience_no"] == p.audience_no
        if work["custom_audience_id"] == p.custom_audience_id and not mine:
            raise asyncpg.UniqueViolationError("audience_work_custom_audience")
    t.notify("audience_changed", p.audience_no)
    return _write(
        t,
        p,
        **_told(p),
        create_attempted_at=None,
        blocked_reason=None,
        blocked_message="",
        probe_at=None,
        next_sync_at=t.now,
        refresh_due_at=t.now,
        refresh_phase=None,
        refresh_revision=None,
        refresh_after_key=None,
        refresh_after_row_no=None,
    )


@named("set_told")
def set_told(t: Tables, p: Given) -> int:
    return _write(t, p, **_told(p))


@named("block_audience")
def block_audience(t: Tables, p: Given) -> int:
    if not held(t, p):
        return 0
    wished = t.by_name["audience_work"][p.audience_no]["due_at"] <= t.now
    t.notify("audience_changed", p.audience_no)
    return _write(
        t,
        p,
        blocked_reason=p.reason,
        blocked_message=p.message,
        probe_at=t.now if wished else p.probe_at,
        due_at=INFINITY,
    )


@named("unblock_audience")
def unblock_audience(t: Tables, p: Given) -> int:
    if held(t, p):
        t.notify("audience_changed", p.audience_no)
    return _write(t, p, blocked_reason=None, blocked_message="", probe_at=None)


@named("set_facts")
def set_facts(t: Tables, p: Given) -> int:
    return _write(
        t,
        p,
        approximate_count_lower_bound=p.lower,
        approximate_count_upper_bound=p.upper,
        operation_status=p.operation_status,
    )


@named("hold_directions")
def hold_directions(t: Tables, p: Given) -> int:
    work = t.get("audience_work", p.audience_no) or {}
    if not held(t, p):
        return 0
    return _write(
        t,
        p,
        hold_additions_until=greatest(work["hold_additions_until"], p.additions_until),
        hold_removals_until=greatest(work["hold_removals_until"], p.removals_until),
        recheck_from=least(work["recheck_from"], p.recheck_from),
        recheck_at=greatest(work["recheck_at"], p.recheck_at),
    )


@named("move_refresh")
def move_refresh(t: Tables, p: Given) -> int:
    return _write(t, p, **{f"refresh_{name}": value for name, value in _told(p).items()})


@named("advance_recheck")
def advance_recheck(t: Tables, p: Given) -> int:
    if not held(t, p):
        return 0
    seen = t.by_name["audience_work"][p.audience_no]["recheck_from"]
    return _write(t, p, recheck_from=None if seen is None else p.recheck_from)


@named("finish_recheck")
def finish_recheck(t: Tables, p: Given) -> int:
    if not held(t, p):
        return 0
    work = t.by_name["audience_work"][p.audience_no]
    was_from, was_at = work["recheck_from"], work["recheck_at"]
    if was_from is not None and was_from >= p.recheck_from_seen:
        return _write(t, p, recheck_from=p.new_recheck_from, recheck_at=p.new_recheck_at)
    return _write(
        t,
        p,
        recheck_from=least(was_from, p.new_recheck_from),
        recheck_at=greatest(was_at, p.new_recheck_at),
    )


@named("schedule_sync")
def schedule_sync(t: Tables, p: Given) -> int:
    if not held(t, p):
        return 0
    work, audience = t.by_name["audience_work"][p.audience_no], t.by_name["audience"][p.audience_no]
    latest = t.now + timedelta(seconds=audience["sync_interval_s"])
    return _write(
        t,
        p,
        next_sync_at=least(p.next_sync_at, latest),
        failures_in_a_row=p.failures_in_a_row,
        last_sync_at=work["last_sync_at"] if p.last_sync_at is None else p.last_sync_at,
    )


@named("settle_window")
def settle_window(t: Tables, p: Given) -> int:
    if not held(t, p):
        return 0
    work = t.by_name["audience_work"][p.audience_no]
    t.notify("audience_changed", p.audience_no)
    return _write(
        t,
        p,
        synced_revision=max(work["synced_revision"], p.synced_revision),
        rows_settled=work["rows_settled"] + p.rows_settled,
    )


@named("was_given_up")
def was_given_up(t: Tables, p: Given) -> bool:
    works = t.all("audience_work")
    return any(work["former_custom_audience_id"] == p.custom_audience_id for work in works)


@named("give_up_custom_audience")
def give_up_custom_audience(t: Tables, p: Given) -> int:
    if not held(t, p):
        return 0
    work: Row = t.by_name["audience_work"][p.audience_no]
    return _write(
        t,
        p,
        former_custom_audience_id=work["custom_audience_id"],
        custom_audience_id=None,
        blocked_reason=None,
        blocked_message="",
        probe_at=None,
        due_at=INFINITY,
    )


@named("end_audience")
def end_audience(t: Tables, p: Given) -> int:
    ended_at = t.by_name["audience"][p.audience_no]["disconnected_at"] or t.now
    t.change(
        "audience", p.audience_no, disconnected_at=ended_at, member_count=0, unmatchable_count=0
    )
    t.notify("audience_changed", p.audience_no)
    return 1
