"""Twins of `account_pace.sql`."""

from typing import Any, Final

from tests.simulation.memory_store.named import named
from tests.simulation.memory_store.session import Session
from tests.simulation.memory_store.values import Row

LISTS: Final = ("holders", "wanted", "places", "seen_at")


def _stopped_until(account: Row) -> float:
    until = account["throttled_until"]
    return 0.0 if until is None else float(until.timestamp())


@named("read_account_pace")
def read_account_pace(s: Session, *, ad_account_id: str) -> list[Row]:
    account = s.tables.ad_account.rows.get(ad_account_id)
    if account is None:
        return []
    pace: Row = s.tables.account_pace.rows.get(ad_account_id) or {}
    return [
        {
            "posted_version": pace.get("version", 0),
            "posted_allowance": pace.get("allowance"),
            "usage_percent": pace.get("usage_percent", 0.0),
            "usage_at": pace.get("usage_at", 0.0),
            "usual_s": pace.get("usual_s"),
            "cut_at": pace.get("cut_at", 0.0),
            **{name: list(pace.get(name, ())) for name in LISTS},
            "stopped_until": _stopped_until(account),
            "read_at": s.clock().timestamp(),
        }
    ]


@named("swap_account_pace")
def swap_account_pace(s: Session, *, ad_account_id: str, version: int, **told: Any) -> list[Row]:
    standing = s.tables.account_pace.rows.get(ad_account_id)
    if standing is not None and standing["version"] != version:
        return []
    row = {"ad_account_id": ad_account_id, "version": version + 1, **told}
    s.tables.account_pace.put(ad_account_id, row)
    account = s.tables.ad_account.rows[ad_account_id]
    return [{"stopped_until": _stopped_until(account), "read_at": s.clock().timestamp()}]
