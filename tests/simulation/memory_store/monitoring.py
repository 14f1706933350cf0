"""Stands for `monitoring.sql`."""

from collections import defaultdict
from typing import Any

from tests.simulation.memory_store.named import named
from tests.simulation.memory_store.session import Session
from tests.simulation.memory_store.values import Row


@named("sample_audiences")
def sample_audiences(s: Session, *, named_max: int) -> list[Row]:
    connected = [
        _behind(s, audience)
        for audience in s.tables.audience.rows.values()
        if audience["disconnected_at"] is None
    ]
    connected.sort(key=lambda one: (one["is_paused"], -one["oldest_unsent_s"], one["audience_id"]))
    groups: dict[tuple[Any, ...], list[Row]] = defaultdict(list)
    for place, one in enumerate(connected):
        own = one["audience_id"] if place < named_max else None
        groups[own, one["state"], one["blocked_reason"]].append(one)
    rows = [
        {
            "named": own,
            "state": state,
            "blocked_reason": reason,
            "audience_count": len(group),
            "rows_pending": sum(one["rows_pending"] for one in group),
            "oldest_unsent_s": max(one["oldest_unsent_s"] for one in group),
            "intervals_behind": max(
                one["oldest_unsent_s"] / one["sync_interval_s"] for one in group
            ),
        }
        for (own, state, reason), group in groups.items()
    ]
    return sorted(rows, key=_worst_first)


def _worst_first(row: Row) -> tuple[Any, ...]:
    """Nulls last, as in Postgres."""
    names = ("named", "state", "blocked_reason")
    return (-row["oldest_unsent_s"], *((row[name] is None, row[name] or "") for name in names))


def _behind(s: Session, audience: Row) -> Row:
    work = s.tables.audience_work.rows[audience["audience_no"]]
    state = "ACTIVE"
    if work["custom_audience_id"] is None:
        state = "CONNECTING"
    elif audience["paused"]:
        state = "PAUSED"
    elif work["blocked_reason"] is not None:
        state = "BLOCKED"
    return {
        "audience_id": audience["audience_id"],
        "sync_interval_s": audience["sync_interval_s"],
        "state": state,
        "is_paused": state == "PAUSED",
        "blocked_reason": work["blocked_reason"] if state == "BLOCKED" else None,
        "rows_pending": audience["rows_logged"] - work["rows_settled"],
        "oldest_unsent_s": _oldest_unsent_s(s, audience, work),
    }


def _oldest_unsent_s(s: Session, audience: Row, work: Row) -> float:
    log = s.tables.change_chunk.of(audience["audience_no"]).rows
    unsent = [revision for revision in log if revision > work["synced_revision"]]
    if audience["revision"] <= work["synced_revision"] or not unsent:
        return 0.0
    return max(0.0, float((s.clock() - log[min(unsent)]["logged_at"]).total_seconds()))


@named("sample_ad_accounts")
def sample_ad_accounts(s: Session, *, named_max: int, usage_fades_s: float) -> list[Row]:
    used = {
        audience["ad_account_id"]
        for audience in s.tables.audience.rows.values()
        if audience["disconnected_at"] is None
    }
    accounts = [s.tables.ad_account.rows[ad_account_id] for ad_account_id in used]
    accounts.sort(key=lambda account: (account["created_at"], account["ad_account_id"]))
    groups: dict[str | None, list[Row]] = defaultdict(list)
    for place, account in enumerate(accounts):
        groups[account["ad_account_id"] if place < named_max else None].append(account)
    return [
        _about_accounts(s, own, groups[own], usage_fades_s)
        for own in sorted(groups, key=lambda own: (own is None, own or ""))
    ]


def _about_accounts(s: Session, own: str | None, group: list[Row], usage_fades_s: float) -> Row:
    now = s.clock()
    tokens = [one["token_expires_at"] for one in group if one["token_expires_at"] is not None]
    stops = [one["throttled_until"] for one in group if one["throttled_until"] is not None]
    paces = [s.tables.account_pace.rows.get(one["ad_account_id"]) for one in group]
    return {
        "named": own,
        "account_count": len(group),
        "blocked_count": sum(one["blocked_reason"] is not None for one in group),
        "token_left_s": min((end - now).total_seconds() for end in tokens) if tokens else None,
        "throttled_left_s": max([0.0, *((end - now).total_seconds() for end in stops)]),
        "usage_percent": max(
            (
                pace["usage_percent"]
                for pace in paces
                if pace is not None and now.timestamp() - pace["usage_at"] < usage_fades_s
            ),
            default=0.0,
        ),
    }
