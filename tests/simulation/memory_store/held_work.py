"""Stands for the texts of `leases.sql` by which a lease's holder writes of its work."""

from datetime import datetime, timedelta
from typing import Any, Final

from tests.simulation.memory_store.named import named
from tests.simulation.memory_store.session import Session
from tests.simulation.memory_store.values import INFINITY, Row, coalesce, greatest, least


def change_held(s: Session, audience_no: int, lease_token: int, **changes: Any) -> int:
    """Change the work record when the lease's token is this one."""
    if s.held_work(audience_no, lease_token) is None:
        return 0
    s.tables.audience_work.change(audience_no, **changes)
    return 1


def change_and_tell(s: Session, audience_no: int, lease_token: int, **changes: Any) -> int:
    changed = change_held(s, audience_no, lease_token, **changes)
    if changed:
        s.notify("audience_changed", audience_no)
    return changed


@named("note_create_attempt")
def note_create_attempt(
    s: Session, *, audience_no: int, lease_token: int, at: datetime | None
) -> int:
    return change_held(s, audience_no, lease_token, create_attempted_at=at)


@named("set_custom_audience")
def set_custom_audience(
    s: Session,
    *,
    audience_no: int,
    lease_token: int,
    custom_audience_id: str,
    adopted: bool,
    told_name: str | None,
    told_description: str | None,
) -> int:
    return change_and_tell(
        s,
        audience_no,
        lease_token,
        custom_audience_id=custom_audience_id,
        custom_audience_since=s.now,
        failed_calls_in_a_row=0,
        adopted=adopted,
        told_name=told_name,
        told_description=told_description,
        create_attempted_at=None,
        blocked_reason=None,
        blocked_message="",
        probe_at=None,
        next_sync_at=s.now,
        refresh_due_at=s.now,
        refresh_phase=None,
        refresh_revision=None,
        refresh_after_key=None,
        refresh_after_row_no=None,
    )


@named("set_told")
def set_told(
    s: Session, *, audience_no: int, lease_token: int, told_name: str, told_description: str
) -> int:
    told = {"told_name": told_name, "told_description": told_description}
    return change_held(s, audience_no, lease_token, **told, failed_calls_in_a_row=0)


@named("count_failed_call")
def count_failed_call(s: Session, *, audience_no: int, lease_token: int) -> int:
    work = s.held_work(audience_no, lease_token)
    if work is None:
        return 0
    failed = work["failed_calls_in_a_row"] + 1
    return change_held(s, audience_no, lease_token, failed_calls_in_a_row=failed)


@named("forget_custom_audience")
def forget_custom_audience(
    s: Session, *, audience_no: int, lease_token: int, custom_audience_id: str
) -> int:
    work = s.held_work(audience_no, lease_token)
    if work is None or work["custom_audience_id"] != custom_audience_id:
        return 0
    nothing: Row = dict.fromkeys(_OF_CUSTOM_AUDIENCE)
    return change_and_tell(
        s, audience_no, lease_token, **_given_up(work), **nothing, blocked_message=""
    )


_OF_CUSTOM_AUDIENCE: Final = (
    "custom_audience_since",
    "create_attempted_at",
    "told_name",
    "told_description",
    "approximate_count_lower_bound",
    "approximate_count_upper_bound",
    "operation_status",
    "blocked_reason",
    "probe_at",
)


def _given_up(work: Row) -> Row:
    given_up, former = work["custom_audience_id"], work["former_custom_audience_id"]
    earlier = work["earlier_custom_audience_ids"]
    if given_up is not None and former is not None:
        earlier = (*earlier, former)
    return {
        "former_custom_audience_id": coalesce(given_up, former),
        "earlier_custom_audience_ids": earlier,
        "custom_audience_id": None,
    }


@named("block_audience")
def block_audience(
    s: Session,
    *,
    audience_no: int,
    lease_token: int,
    reason: str,
    message: str,
    probe_at: datetime | None,
) -> int:
    work = s.held_work(audience_no, lease_token)
    if work is None:
        return 0
    return change_and_tell(
        s,
        audience_no,
        lease_token,
        blocked_reason=reason,
        blocked_message=message,
        probe_at=s.now if work["due_at"] <= s.now else probe_at,
        due_at=INFINITY,
    )


@named("unblock_audience")
def unblock_audience(s: Session, *, audience_no: int, lease_token: int) -> int:
    nothing: Row = {"blocked_reason": None, "blocked_message": "", "probe_at": None}
    return change_and_tell(s, audience_no, lease_token, **nothing)


@named("set_facts")
def set_facts(
    s: Session,
    *,
    audience_no: int,
    lease_token: int,
    lower: int | None,
    upper: int | None,
    operation_status: int | None,
) -> int:
    return change_held(
        s,
        audience_no,
        lease_token,
        approximate_count_lower_bound=lower,
        approximate_count_upper_bound=upper,
        operation_status=operation_status,
        failed_calls_in_a_row=0,
    )


@named("schedule_sync")
def schedule_sync(
    s: Session,
    *,
    audience_no: int,
    lease_token: int,
    next_sync_at: datetime,
    failures_in_a_row: int,
    last_sync_at: datetime | None,
) -> int:
    work = s.held_work(audience_no, lease_token)
    if work is None:
        return 0
    interval_s = s.tables.audience.rows[audience_no]["sync_interval_s"]
    s.tables.audience_work.change(
        audience_no,
        next_sync_at=least(next_sync_at, s.now + timedelta(seconds=interval_s)),
        failures_in_a_row=failures_in_a_row,
        last_sync_at=coalesce(last_sync_at, work["last_sync_at"]),
    )
    return 1


@named("settle_window")
def settle_window(
    s: Session, *, audience_no: int, lease_token: int, synced_revision: int, rows_settled: int
) -> int:
    work = s.held_work(audience_no, lease_token)
    if work is None:
        return 0
    return change_and_tell(
        s,
        audience_no,
        lease_token,
        synced_revision=greatest(work["synced_revision"], synced_revision),
        rows_settled=work["rows_settled"] + rows_settled,
    )


@named("lock_audience_by_no")
def lock_audience_by_no(s: Session, *, audience_no: int) -> list[Row]:
    return [{"audience_no": audience_no}] if audience_no in s.tables.audience.rows else []


@named("was_given_up")
def was_given_up(s: Session, *, custom_audience_id: str) -> list[Row]:
    works = s.tables.audience_work.rows.values()
    found = any(
        custom_audience_id
        in (work["former_custom_audience_id"], *work["earlier_custom_audience_ids"])
        for work in works
    )
    return [{"exists": found}]


@named("give_up_custom_audience")
def give_up_custom_audience(s: Session, *, audience_no: int, lease_token: int) -> int:
    work = s.held_work(audience_no, lease_token)
    if work is None:
        return 0
    s.tables.audience_work.change(
        audience_no,
        **_given_up(work),
        blocked_reason=None,
        blocked_message="",
        probe_at=None,
        due_at=INFINITY,
    )
    return 1


@named("end_audience")
def end_audience(s: Session, *, audience_no: int) -> int:
    audience = s.tables.audience.rows.get(audience_no)
    if audience is None:
        return 0
    s.tables.audience.change(
        audience_no,
        disconnected_at=coalesce(audience["disconnected_at"], s.now),
        member_count=0,
        unmatchable_count=0,
    )
    s.notify("audience_changed", audience_no)
    return 1
