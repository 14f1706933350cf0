"""Stands for `audit_events.sql`."""

from datetime import datetime
from typing import Any

from tests.simulation.memory_store.named import named
from tests.simulation.memory_store.session import Session
from tests.simulation.memory_store.values import Row


@named("insert_audit_event")
def insert_audit_event(s: Session, *, audience_no: int, **values: Any) -> int:
    s.tables.last_event_no += 1
    event_no = s.tables.last_event_no
    row = {"audience_no": audience_no, "event_no": event_no, **values}
    s.tables.audit_event.of(audience_no).put(event_no, row)
    return 1


@named("list_audit_events")
def list_audit_events(
    s: Session,
    *,
    before_at: datetime,
    before_no: int,
    begin_at: datetime,
    row_limit: int,
    actions: list[str],
    **filters: str | None,
) -> list[Row]:
    wanted = {name: value for name, value in filters.items() if value is not None}
    found = [
        row
        for row in _all(s)
        if begin_at <= row["occurred_at"]
        and (row["occurred_at"], row["event_no"]) < (before_at, before_no)
        and (not actions or row["action"] in actions)
        and all(row[name] == value for name, value in wanted.items())
        and all(row[name] for name in wanted if name != "caller")
    ]
    found.sort(key=lambda row: (row["occurred_at"], row["event_no"]), reverse=True)
    return found[:row_limit]


@named("find_last_audit_event")
def find_last_audit_event(s: Session, *, audience_no: int, action: str) -> Row | None:
    rows = s.tables.audit_event.of(audience_no).rows.values()
    found = [row for row in rows if row["action"] == action]
    return max(found, key=lambda row: row["event_no"], default=None)


@named("prune_audit_events")
def prune_audit_events(s: Session, *, before: datetime, row_limit: int) -> int:
    old = [row for row in _all(s) if row["occurred_at"] < before]
    gone = sorted(old, key=lambda row: (row["occurred_at"], row["event_no"]))[:row_limit]
    for row in gone:
        s.tables.audit_event.of(row["audience_no"]).remove(row["event_no"])
    return len(gone)


def _all(s: Session) -> list[Row]:
    parts = s.tables.audit_event.by_audience.values()
    return [row for part in parts for row in part.rows.values()]
