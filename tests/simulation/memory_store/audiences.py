"""Stands for `audiences.sql`."""

from datetime import timedelta
from typing import Any, Final

from tests.simulation.memory_store.constraints import (
    check_adopts_alone,
    check_audience,
    violated_reference,
)
from tests.simulation.memory_store.named import named
from tests.simulation.memory_store.session import Session
from tests.simulation.memory_store.values import Row, least

_NEW_AUDIENCE: Final[Row] = {
    "paused": False,
    "disconnect_mode": None,
    "disconnected_at": None,
    "revision": 0,
    "rows_logged": 0,
    "member_count": 0,
    "unmatchable_count": 0,
    "list_began_at": None,
}
_NEW_WORK: Final[Row] = {
    "lease_token": 0,
    "lease_holder": None,
    "lease_expires_at": None,
    "custom_audience_id": None,
    "custom_audience_since": None,
    "former_custom_audience_id": None,
    "earlier_custom_audience_ids": (),
    "adopted": False,
    "create_attempted_at": None,
    "told_name": None,
    "told_description": None,
    "blocked_reason": None,
    "blocked_message": "",
    "probe_at": None,
    "approximate_count_lower_bound": None,
    "approximate_count_upper_bound": None,
    "operation_status": None,
    "synced_revision": 0,
    "rows_settled": 0,
    "last_sync_at": None,
    "failures_in_a_row": 0,
    "failed_calls_in_a_row": 0,
    "hold_additions_until": None,
    "hold_removals_until": None,
    "recheck_from": None,
    "recheck_at": None,
    "refresh_due_at": None,
    "refresh_phase": None,
    "refresh_revision": None,
    "refresh_after_key": None,
    "refresh_after_row_no": None,
}
_SEEN_BY_CHANGES: Final = ("audience_no", "audience_id", "default_region", "disconnect_mode")
_SEEN_WORK: Final = (
    "custom_audience_id",
    "adopted",
    "blocked_reason",
    "blocked_message",
    "approximate_count_lower_bound",
    "approximate_count_upper_bound",
    "operation_status",
    "synced_revision",
    "rows_settled",
    "last_sync_at",
    "next_sync_at",
)


def connected(s: Session, audience_id: str) -> Row | None:
    """The connected audience of an id."""
    for row in s.tables.audience.rows.values():
        if row["audience_id"] == audience_id and row["disconnected_at"] is None:
            return row
    return None


@named("lock_ad_account_for_connecting")
def lock_ad_account(s: Session, *, ad_account_id: str) -> list[Row]:
    known = ad_account_id in s.tables.ad_account.rows
    return [{"ad_account_id": ad_account_id}] if known else []


@named("insert_audience")
def insert_audience(s: Session, *, audience_id: str, **values: Any) -> list[Row]:
    """A number is used up also when nothing is inserted or the transaction is rolled back."""
    s.tables.last_audience_no += 1
    audience_no = s.tables.last_audience_no
    given = {"audience_no": audience_no, "audience_id": audience_id, **values}
    row = {**given, **_NEW_AUDIENCE, "created_at": s.now}
    check_audience(s.tables.audience.rows.values(), row, None)
    if connected(s, audience_id) is not None:
        return []
    check_adopts_alone(s.tables.audience.rows.values(), row)
    s.tables.audience.put(audience_no, row)
    if values["ad_account_id"] not in s.tables.ad_account.rows:
        raise violated_reference("audience_ad_account_id_fkey")
    return [{"audience_no": audience_no}]


@named("insert_audience_work")
def insert_audience_work(s: Session, *, audience_no: int, ad_account_id: str) -> int:
    row = {"audience_no": audience_no, "ad_account_id": ad_account_id, **_NEW_WORK}
    row |= {"due_at": s.now, "next_sync_at": s.now}
    s.tables.audience_work.insert(audience_no, row, primary_key="audience_work_pkey")
    s.notify("audience_due", "")
    return 1


@named("is_custom_audience_kept")
def is_custom_audience_kept(s: Session, *, custom_audience_id: str) -> list[Row]:
    works = s.tables.audience_work.rows.values()
    return [{"exists": any(work["custom_audience_id"] == custom_audience_id for work in works)}]


@named("find_audience_number")
def find_audience_number(s: Session, *, audience_id: str) -> list[Row]:
    found = [
        (row["disconnected_at"] is None, row["audience_no"])
        for row in s.tables.audience.rows.values()
        if row["audience_id"] == audience_id
    ]
    return [{"audience_no": max(found)[1]}] if found else []


@named("lock_connected_audience")
def lock_connected_audience(s: Session, *, audience_id: str) -> list[Row]:
    row = connected(s, audience_id)
    return [] if row is None else [{"audience_no": row["audience_no"]}]


@named("lock_audience_for_changes")
def lock_audience_for_changes(s: Session, *, audience_id: str) -> list[Row]:
    row = connected(s, audience_id)
    return [] if row is None else [{name: row[name] for name in _SEEN_BY_CHANGES}]


@named("list_audience_numbers")
def list_audience_numbers(
    s: Session, *, ad_account_id: str | None, after_id: str, row_limit: int
) -> list[Row]:
    found = [
        (row["audience_id"], row["audience_no"])
        for row in s.tables.audience.rows.values()
        if row["disconnected_at"] is None
        and row["audience_id"] > after_id
        and ad_account_id in {None, row["ad_account_id"]}
    ]
    return [{"audience_no": audience_no} for _, audience_no in sorted(found)[:row_limit]]


@named("read_audiences")
def read_audiences(s: Session, *, audience_nos: list[int]) -> list[Row]:
    audiences, works = s.tables.audience.rows, s.tables.audience_work.rows
    found = [
        _seen(audiences[audience_no]) | {name: works[audience_no][name] for name in _SEEN_WORK}
        for audience_no in set(audience_nos)
        if audience_no in works
    ]
    return sorted(found, key=lambda row: str(row["audience_id"]))


def _seen(audience: Row) -> Row:
    return {name: value for name, value in audience.items() if name != "list_began_at"}


@named("change_audience")
def change_audience(s: Session, *, audience_no: int, **values: Any) -> int:
    if audience_no not in s.tables.audience.rows:
        return 0
    changes = {name: value for name, value in values.items() if value is not None}
    s.tables.audience.change(audience_no, **changes)
    return 1


@named("sync_within_interval")
def sync_within_interval(s: Session, *, audience_no: int, sync_interval_s: int) -> int:
    work = s.tables.audience_work.rows.get(audience_no)
    if work is None:
        return 0
    latest = s.now + timedelta(seconds=sync_interval_s)
    s.tables.audience_work.change(audience_no, next_sync_at=least(work["next_sync_at"], latest))
    return 1


@named("set_audience_paused")
def set_audience_paused(s: Session, *, audience_no: int, paused: bool) -> int:
    return _change(s, audience_no, paused=paused)


@named("wish_disconnect")
def wish_disconnect(s: Session, *, audience_no: int, mode: str) -> int:
    return _change(s, audience_no, disconnect_mode=mode)


def _change(s: Session, audience_no: int, **changes: Any) -> int:
    if audience_no not in s.tables.audience.rows:
        return 0
    s.tables.audience.change(audience_no, **changes)
    return 1


@named("wake_audience")
def wake_audience(s: Session, *, audience_no: int) -> int:
    work = s.tables.audience_work.rows.get(audience_no)
    if work is None:
        return 0
    s.tables.audience_work.change(audience_no, due_at=least(work["due_at"], s.now))
    s.notify("audience_due", "")
    return 1
