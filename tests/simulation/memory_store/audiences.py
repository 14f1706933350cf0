"""Twins of `audiences.sql`."""

from datetime import timedelta
from types import SimpleNamespace as Given
from typing import Final

import asyncpg

from service.store.rows import Audience
from tests.simulation.memory_store.registry import named
from tests.simulation.memory_store.tables import Row, Tables, least

_COLUMNS: Final = tuple(Audience.__dataclass_fields__)


@named("insert_audience")
def insert_audience(t: Tables, p: Given) -> list[Row]:
    connected = [row for row in t.all("audience") if row["disconnected_at"] is None]
    if any(row["audience_id"] == p.audience_id for row in connected):
        return []
    adopts = p.existing_custom_audience_id
    if adopts and any(row["existing_custom_audience_id"] == adopts for row in connected):
        raise asyncpg.UniqueViolationError("audience_adopts")
    audience_no = len(t.by_name["audience"]) + 1
    row = {
        **vars(p),
        "audience_no": audience_no,
        "paused": False,
        "disconnect_mode": None,
        "disconnected_at": None,
        "revision": 0,
        "rows_logged": 0,
        "member_count": 0,
        "unmatchable_count": 0,
        "created_at": t.now,
    }
    t.insert("audience", audience_no, row)
    return [{"audience_no": audience_no}]


@named("insert_audience_work")
def insert_audience_work(t: Tables, p: Given) -> int:
    empty = dict.fromkeys(
        (
            "lease_holder",
            "lease_expires_at",
            "custom_audience_id",
            "former_custom_audience_id",
            "create_attempted_at",
            "told_name",
            "told_description",
            "blocked_reason",
            "probe_at",
            "approximate_count_lower_bound",
            "approximate_count_upper_bound",
            "operation_status",
            "last_sync_at",
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
    )
    row = {
        **empty,
        "audience_no": p.audience_no,
        "ad_account_id": p.ad_account_id,
        "lease_token": 0,
        "due_at": t.now,
        "adopted": False,
        "blocked_message": "",
        "synced_revision": 0,
        "rows_settled": 0,
        "next_sync_at": t.now,
        "failures_in_a_row": 0,
    }
    t.insert("audience_work", p.audience_no, row)
    t.notify("audience_due")
    return 1


@named("is_custom_audience_kept")
def is_custom_audience_kept(t: Tables, p: Given) -> bool:
    return any(row["custom_audience_id"] == p.custom_audience_id for row in t.all("audience_work"))


@named("find_audience_number")
def find_audience_number(t: Tables, p: Given) -> list[Row]:
    found = [row for row in t.all("audience") if row["audience_id"] == p.audience_id]
    found.sort(key=lambda row: (row["disconnected_at"] is None, row["audience_no"]), reverse=True)
    return [{"audience_no": row["audience_no"]} for row in found[:1]]


@named("lock_connected_audience")
def lock_connected_audience(t: Tables, p: Given) -> list[Row]:
    return [
        {"audience_no": row["audience_no"]}
        for row in t.all("audience")
        if row["audience_id"] == p.audience_id and row["disconnected_at"] is None
    ]


@named("list_audience_numbers")
def list_audience_numbers(t: Tables, p: Given) -> list[Row]:
    found = [
        row
        for row in t.all("audience")
        if row["disconnected_at"] is None
        and row["audience_id"] > p.after_id
        and p.ad_account_id in (None, row["ad_account_id"])
    ]
    found.sort(key=lambda row: row["audience_id"])
    return [{"audience_no": row["audience_no"]} for row in found[: p.row_limit]]


@named("read_audiences")
def read_audiences(t: Tables, p: Given) -> list[Row]:
    found = [row for row in t.all("audience") if row["audience_no"] in p.audience_nos]
    found.sort(key=lambda row: row["audience_id"])
    both = [{**t.by_name["audience_work"][row["audience_no"]], **row} for row in found]
    return [{name: row[name] for name in _COLUMNS} for row in both]


@named("change_audience")
def change_audience(t: Tables, p: Given) -> int:
    if t.get("audience", p.audience_no) is None:
        return 0
    told = {k: v for k, v in vars(p).items() if k != "audience_no" and v is not None}
    t.change("audience", p.audience_no, **told)
    return 1


@named("sync_within_interval")
def sync_within_interval(t: Tables, p: Given) -> int:
    work = t.by_name["audience_work"][p.audience_no]
    soon = t.now + timedelta(seconds=p.sync_interval_s)
    t.change("audience_work", p.audience_no, next_sync_at=least(work["next_sync_at"], soon))
    return 1


@named("set_audience_paused")
def set_audience_paused(t: Tables, p: Given) -> int:
    t.change("audience", p.audience_no, paused=p.paused)
    return 1


@named("wish_disconnect")
def wish_disconnect(t: Tables, p: Given) -> int:
    t.change("audience", p.audience_no, disconnect_mode=p.mode)
    return 1


@named("wake_audience")
def wake_audience(t: Tables, p: Given) -> int:
    work = t.by_name["audience_work"][p.audience_no]
    t.change("audience_work", p.audience_no, due_at=least(work["due_at"], t.now))
    t.notify("audience_due")
    return 1
