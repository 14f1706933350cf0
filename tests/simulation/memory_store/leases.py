"""Stands for the texts of `leases.sql` that take, keep and give back a lease."""

from datetime import datetime, timedelta
from typing import Final

from tests.simulation.memory_store.named import named
from tests.simulation.memory_store.session import Session
from tests.simulation.memory_store.values import INFINITY, Row, coalesce, greatest, least

_OF_AUDIENCE: Final = (
    "audience_id",
    "ad_account_id",
    "name",
    "description",
    "sync_interval_s",
    "customer_file_source",
    "existing_custom_audience_id",
    "paused",
    "disconnect_mode",
    "disconnected_at",
    "revision",
    "rows_logged",
    "member_count",
)
_OF_WORK: Final = (
    "audience_no",
    "lease_token",
    "lease_expires_at",
    "custom_audience_id",
    "custom_audience_since",
    "adopted",
    "create_attempted_at",
    "told_name",
    "told_description",
    "blocked_reason",
    "blocked_message",
    "probe_at",
    "approximate_count_lower_bound",
    "approximate_count_upper_bound",
    "operation_status",
    "synced_revision",
    "rows_settled",
    "last_sync_at",
    "next_sync_at",
    "failures_in_a_row",
    "failed_calls_in_a_row",
    "hold_additions_until",
    "hold_removals_until",
    "recheck_from",
    "recheck_at",
    "refresh_due_at",
    "refresh_phase",
    "refresh_revision",
    "refresh_after_key",
    "refresh_after_row_no",
)


@named("claim_due")
def claim_due(
    s: Session, *, holder: str, lease_s: float, quiet_s: float, recheck_after_s: float
) -> list[Row]:
    at = s.statement_at
    work = _find_expired(s) or _find_due(s)
    if work is None:
        return []
    changes: Row = {
        "lease_token": max(work["lease_token"] + 1, round(s.clock().timestamp() * 1_000_000)),
        "lease_holder": holder,
        "lease_expires_at": at + timedelta(seconds=lease_s),
        "due_at": INFINITY,
    }
    if work["lease_holder"] is not None:
        quiet_until = at + timedelta(seconds=quiet_s)
        recheck_at = at + timedelta(seconds=recheck_after_s)
        changes |= {
            "hold_additions_until": greatest(work["hold_additions_until"], quiet_until),
            "hold_removals_until": greatest(work["hold_removals_until"], quiet_until),
            "recheck_from": least(work["recheck_from"], work["synced_revision"]),
            "recheck_at": greatest(work["recheck_at"], recheck_at),
        }
    s.tables.audience_work.change(work["audience_no"], **changes)
    return [{"audience_no": work["audience_no"], "lease_token": changes["lease_token"]}]


def _find_expired(s: Session) -> Row | None:
    expired = [
        work
        for work in s.tables.audience_work.rows.values()
        if work["lease_holder"] is not None and work["lease_expires_at"] <= s.statement_at
    ]
    return min(expired, key=lambda work: work["lease_expires_at"], default=None)


def _find_due(s: Session) -> Row | None:
    due = [
        work
        for work in s.tables.audience_work.rows.values()
        if work["lease_holder"] is None and work["due_at"] <= s.statement_at
    ]
    return min(due, key=lambda work: work["due_at"], default=None)


@named("read_work")
def read_work(s: Session, *, audience_no: int, lease_token: int) -> list[Row]:
    work = s.held_work(audience_no, lease_token)
    if work is None:
        return []
    audience = s.tables.audience.rows[audience_no]
    row = {name: work[name] for name in _OF_WORK}
    row |= {name: audience[name] for name in _OF_AUDIENCE}
    row |= {"installation_id": s.tables.installation_id, "now": s.clock()}
    return [row]


@named("next_due_in_s")
def next_due_in_s(s: Session) -> list[Row]:
    soonest = least(
        *(
            work["due_at"] if work["lease_holder"] is None else work["lease_expires_at"]
            for work in s.tables.audience_work.rows.values()
            if work["lease_holder"] is not None or work["due_at"] < INFINITY
        )
    )
    return [{"extract": None if soonest is None else (soonest - s.clock()).total_seconds()}]


@named("renew_lease")
def renew_lease(s: Session, *, audience_no: int, lease_token: int, lease_s: float) -> int:
    work = s.held_work(audience_no, lease_token)
    if work is None or work["lease_holder"] is None:
        return 0
    expires_at = s.statement_at + timedelta(seconds=lease_s)
    s.tables.audience_work.change(audience_no, lease_expires_at=expires_at)
    return 1


@named("release_lease")
def release_lease(
    s: Session, *, audience_no: int, lease_token: int, due_at: datetime | None
) -> int:
    work = s.held_work(audience_no, lease_token)
    if work is None:
        return 0
    audience = s.tables.audience.rows[audience_no]
    if audience["disconnected_at"] is not None:
        due_at = coalesce(due_at, INFINITY)
    else:
        due_at = least(work["due_at"], coalesce(due_at, _due_by_record(s, work, audience)))
    released = s.tables.audience_work.change(
        audience_no, lease_holder=None, lease_expires_at=None, due_at=due_at
    )
    if released["due_at"] <= s.now:
        s.notify("audience_due", "")
    return 1


def _due_by_record(s: Session, work: Row, audience: Row) -> datetime:
    if work["blocked_reason"] is not None:
        probe_at: datetime = greatest(work["probe_at"], s.now)
        return probe_at
    if audience["paused"] and audience["disconnect_mode"] is None:
        return INFINITY
    soonest = least(work["next_sync_at"], work["recheck_at"], work["refresh_due_at"])
    due_at: datetime = greatest(s.now, soonest)
    return due_at


@named("hold_lease")
def hold_lease(s: Session, *, audience_no: int, lease_token: int) -> list[Row]:
    return [] if s.held_work(audience_no, lease_token) is None else [{"audience_no": audience_no}]
