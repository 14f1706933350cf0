"""Twins of `ad_accounts.sql`."""

from types import SimpleNamespace as Given

from tests.simulation.memory_store.registry import named
from tests.simulation.memory_store.tables import Row, Tables, greatest, least


@named("upsert_ad_account")
def upsert_ad_account(t: Tables, p: Given) -> int:
    known = t.get("ad_account", p.ad_account_id)
    kept = {"created_at": t.now, "throttled_until": None} if known is None else known
    told = vars(p)
    t.put(
        "ad_account", p.ad_account_id, {**kept, **told, "blocked_reason": None, "updated_at": t.now}
    )
    return 1


@named("cure_audiences_of_ad_account")
def cure_audiences_of_ad_account(t: Tables, p: Given) -> int:
    cured = 0
    for key, work in list(t.by_name["audience_work"].items()):
        audience = t.by_name["audience"][key]
        if work["ad_account_id"] != p.ad_account_id or audience["disconnected_at"] is not None:
            continue
        changes: Row = {"due_at": least(work["due_at"], t.now)}
        if work["blocked_reason"] in p.curable_reasons:
            changes |= {
                "blocked_reason": None,
                "blocked_message": "",
                "probe_at": None,
                "next_sync_at": least(work["next_sync_at"], t.now),
            }
        t.change("audience_work", key, **changes)
        t.notify("audience_due")
        t.notify("audience_changed", key)
        cured += 1
    return cured


@named("read_ad_accounts")
def read_ad_accounts(t: Tables, p: Given) -> list[Row]:
    after = [row for row in t.all("ad_account") if row["ad_account_id"] > p.after_id]
    return sorted(after, key=lambda row: row["ad_account_id"])[: p.row_limit]


@named("find_ad_account")
def find_ad_account(t: Tables, p: Given) -> list[Row]:
    found = t.get("ad_account", p.ad_account_id)
    return [] if found is None else [found]


@named("block_ad_account")
def block_ad_account(t: Tables, p: Given) -> int:
    if t.get("ad_account", p.ad_account_id) is None:
        return 0
    t.change("ad_account", p.ad_account_id, blocked_reason=p.reason, updated_at=t.now)
    return 1


@named("throttle_ad_account")
def throttle_ad_account(t: Tables, p: Given) -> int:
    known = t.get("ad_account", p.ad_account_id)
    if known is None:
        return 0
    until = greatest(known["throttled_until"], p.until)
    t.change("ad_account", p.ad_account_id, throttled_until=until)
    return 1


@named("read_throttled_until")
def read_throttled_until(t: Tables, p: Given) -> list[Row]:
    found = t.get("ad_account", p.ad_account_id)
    return [] if found is None else [{"throttled_until": found["throttled_until"]}]


@named("lock_ad_account_for_connecting")
def lock_ad_account_for_connecting(t: Tables, p: Given) -> list[Row]:
    found = t.get("ad_account", p.ad_account_id)
    return [] if found is None else [{"ad_account_id": p.ad_account_id}]
