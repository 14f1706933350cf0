"""Stands for `ad_accounts.sql`."""

from datetime import datetime
from typing import Any, Final

from tests.simulation.memory_store.named import named
from tests.simulation.memory_store.session import Session
from tests.simulation.memory_store.values import Row, greatest, least

_FRESH: Final[Row] = {"blocked_reason": None, "throttled_until": None}


@named("upsert_ad_account")
def upsert_ad_account(s: Session, *, ad_account_id: str, **values: Any) -> int:
    table = s.tables.ad_account
    known = table.rows.get(ad_account_id)
    if known is None:
        made = {"created_at": s.now, "updated_at": s.now}
        table.put(ad_account_id, {"ad_account_id": ad_account_id, **values, **_FRESH, **made})
    else:
        table.change(ad_account_id, **values, blocked_reason=None, updated_at=s.now)
    return 1


@named("cure_audiences_of_ad_account")
def cure_audiences(s: Session, *, ad_account_id: str, curable_reasons: list[str]) -> int:
    mine = [
        work
        for work in s.tables.audience_work.rows.values()
        if work["ad_account_id"] == ad_account_id
        and s.tables.audience.rows[work["audience_no"]]["disconnected_at"] is None
    ]
    for work in mine:
        changes: Row = {"due_at": least(work["due_at"], s.now)}
        if work["blocked_reason"] in curable_reasons:
            changes |= {"blocked_reason": None, "blocked_message": "", "probe_at": None}
            changes["next_sync_at"] = least(work["next_sync_at"], s.now)
        s.tables.audience_work.change(work["audience_no"], **changes)
        s.notify("audience_due", "")
        s.notify("audience_changed", work["audience_no"])
    return len(mine)


@named("read_ad_accounts")
def read_ad_accounts(s: Session, *, after_id: str, row_limit: int) -> list[Row]:
    rows = s.tables.ad_account.rows
    return [rows[key] for key in sorted(rows) if key > after_id][:row_limit]


@named("find_ad_account")
def find_ad_account(s: Session, *, ad_account_id: str) -> list[Row]:
    row = s.tables.ad_account.rows.get(ad_account_id)
    return [] if row is None else [row]


@named("block_ad_account")
def block_ad_account(s: Session, *, ad_account_id: str, reason: str | None) -> int:
    if ad_account_id not in s.tables.ad_account.rows:
        return 0
    s.tables.ad_account.change(ad_account_id, blocked_reason=reason, updated_at=s.now)
    return 1


@named("throttle_ad_account")
def throttle_ad_account(s: Session, *, ad_account_id: str, until: datetime) -> int:
    row = s.tables.ad_account.rows.get(ad_account_id)
    if row is None:
        return 0
    s.tables.ad_account.change(
        ad_account_id, throttled_until=greatest(row["throttled_until"], until)
    )
    s.notify("ad_account_stopped", ad_account_id)
    return 1


@named("read_throttled_until")
def read_throttled_until(s: Session, *, ad_account_id: str) -> list[Row]:
    row = s.tables.ad_account.rows.get(ad_account_id)
    return [] if row is None else [{"throttled_until": row["throttled_until"]}]
