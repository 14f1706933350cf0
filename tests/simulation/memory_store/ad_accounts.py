"""Stands for `ad_accounts.sql`."""

from datetime import datetime
from typing import Any, Final

from tests.simulation.memory_store.named import named
from tests.simulation.memory_store.session import Session
from tests.simulation.memory_store.values import Row, greatest, least

_NOT_BLOCKED: Final[Row] = {"blocked_reason": None, "blocked_at": None, "probe_at": None}
_FRESH: Final[Row] = {**_NOT_BLOCKED, "throttled_until": None, "token_end_told_at": None}


@named("upsert_ad_account")
def upsert_ad_account(
    s: Session, *, ad_account_id: str, curable_reasons: list[str], **values: Any
) -> int:
    table = s.tables.ad_account
    known = table.rows.get(ad_account_id)
    if known is None:
        made = {"created_at": s.now, "updated_at": s.now}
        table.put(ad_account_id, {"ad_account_id": ad_account_id, **values, **_FRESH, **made})
    else:
        cured = _NOT_BLOCKED if known["blocked_reason"] in curable_reasons else {}
        told = {"token_end_told_at": None}
        table.change(ad_account_id, **values, **cured, **told, updated_at=s.now)
    return 1


@named("cure_audiences_of_ad_account")
def cure_audiences(s: Session, *, ad_account_id: str, curable_reasons: list[str]) -> int:
    mine = _connected(s, ad_account_id)
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
    return [_told(rows[key]) for key in sorted(rows) if key > after_id][:row_limit]


@named("find_ad_account")
def find_ad_account(s: Session, *, ad_account_id: str) -> list[Row]:
    row = s.tables.ad_account.rows.get(ad_account_id)
    return [] if row is None else [_told(row)]


def _told(row: Row) -> Row:
    """The columns that are read."""
    return {name: value for name, value in row.items() if name != "token_end_told_at"}


@named("block_ad_account")
def block_ad_account(
    s: Session,
    *,
    ad_account_id: str,
    reason: str,
    probe_at: datetime | None,
    seen_at: datetime | None,
) -> int:
    known = s.tables.ad_account.rows.get(ad_account_id)
    if known is None or seen_at not in (None, known["updated_at"]):
        return 0
    blocked_at = known["blocked_at"] if known["blocked_reason"] == reason else s.now
    s.tables.ad_account.change(
        ad_account_id,
        blocked_reason=reason,
        blocked_at=blocked_at,
        probe_at=probe_at,
        updated_at=s.now,
    )
    return 1


@named("lock_ad_account_as_seen")
def lock_ad_account_as_seen(s: Session, *, ad_account_id: str, seen_at: datetime) -> list[Row]:
    known = s.tables.ad_account.rows.get(ad_account_id)
    if known is None or known["updated_at"] != seen_at:
        return []
    return [{"ad_account_id": ad_account_id}]


@named("unblock_ad_account")
def unblock_ad_account(s: Session, *, ad_account_id: str) -> int:
    known = s.tables.ad_account.rows.get(ad_account_id)
    if known is None or known["blocked_reason"] is None:
        return 0
    s.tables.ad_account.change(ad_account_id, **_NOT_BLOCKED, updated_at=s.now)
    return 1


@named("claim_account_probe")
def claim_account_probe(s: Session, *, ad_account_id: str, next_probe_at: datetime) -> int:
    known = s.tables.ad_account.rows.get(ad_account_id)
    if known is None or known["blocked_reason"] is None:
        return 0
    if known["probe_at"] is not None and known["probe_at"] > s.now:
        return 0
    s.tables.ad_account.change(ad_account_id, probe_at=next_probe_at)
    return 1


def _connected(s: Session, ad_account_id: str) -> list[Row]:
    return [
        work
        for work in s.tables.audience_work.rows.values()
        if work["ad_account_id"] == ad_account_id
        and s.tables.audience.rows[work["audience_no"]]["disconnected_at"] is None
    ]


@named("block_audiences_of_ad_account")
def block_audiences(
    s: Session, *, ad_account_id: str, reason: str, message: str, probe_at: datetime
) -> int:
    mine = [work for work in _connected(s, ad_account_id) if work["blocked_reason"] is None]
    for work in mine:
        due_at = work["due_at"] if work["lease_holder"] else least(work["due_at"], s.now)
        s.tables.audience_work.change(
            work["audience_no"],
            blocked_reason=reason,
            blocked_message=message,
            probe_at=probe_at,
            due_at=due_at,
        )
        s.notify("audience_due", "")
        s.notify("audience_changed", work["audience_no"])
    return len(mine)


@named("probe_audiences_of_ad_account")
def probe_audiences(s: Session, *, ad_account_id: str, reasons: list[str]) -> int:
    mine = [work for work in _connected(s, ad_account_id) if work["blocked_reason"] in reasons]
    for work in mine:
        s.tables.audience_work.change(
            work["audience_no"], probe_at=s.now, due_at=least(work["due_at"], s.now)
        )
        s.notify("audience_due", "")
    return len(mine)


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


@named("reseal_ad_account")
def reseal_ad_account(
    s: Session,
    *,
    ad_account_id: str,
    old_access_token: bytes,
    old_app_secret: bytes | None,
    new_access_token: bytes,
    new_app_secret: bytes | None,
) -> int:
    row = s.tables.ad_account.rows.get(ad_account_id)
    old = {"sealed_access_token": old_access_token, "sealed_app_secret": old_app_secret}
    if row is None or any(row[name] != value for name, value in old.items()):
        return 0
    s.tables.ad_account.change(
        ad_account_id, sealed_access_token=new_access_token, sealed_app_secret=new_app_secret
    )
    return 1


@named("claim_token_ends")
def claim_token_ends(
    s: Session, *, now: datetime, ends_before: datetime, told_before: datetime
) -> list[Row]:
    ends = [
        row
        for row in s.tables.ad_account.rows.values()
        if row["token_expires_at"] is not None
        and now < row["token_expires_at"] < ends_before
        and (row["token_end_told_at"] is None or row["token_end_told_at"] < told_before)
    ]
    for row in ends:
        s.tables.ad_account.change(row["ad_account_id"], token_end_told_at=now)
    return [
        {"ad_account_id": row["ad_account_id"], "ends_at": row["token_expires_at"]} for row in ends
    ]


@named("list_ad_accounts_with_blocked_audiences")
def list_with_blocked_audiences(s: Session, *, reason: str) -> list[Row]:
    works = s.tables.audience_work.rows.values()
    wanted = {work["ad_account_id"] for work in works if work["blocked_reason"] == reason}
    return [_told(s.tables.ad_account.rows[key]) for key in sorted(wanted)]
