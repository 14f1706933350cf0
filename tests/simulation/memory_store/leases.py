"""Twins of the queries of `leases.sql` that take, keep and give back a lease."""

from datetime import datetime, timedelta
from types import SimpleNamespace as Given
from typing import Final

from service.store.rows import Work
from tests.simulation.memory_store.registry import named
from tests.simulation.memory_store.tables import INFINITY, Row, Tables, greatest, least

_WORK_COLUMNS: Final = tuple(Work.__dataclass_fields__)
MICROSECONDS: Final = 1_000_000
DAY: Final = timedelta(days=1)


def held(t: Tables, p: Given) -> bool:
    """Whether the lease is still the one that the statement names."""
    work = t.get("audience_work", p.audience_no)
    return work is not None and work["lease_token"] == p.lease_token


@named("claim_due")
def claim_due(t: Tables, p: Given) -> list[Row]:
    now = t.clock()
    everything = t.all("audience_work")
    expired = [w for w in everything if w["lease_holder"] and w["lease_expires_at"] <= now]
    due = [w for w in everything if not w["lease_holder"] and w["due_at"] <= now]
    if expired:
        work, is_taken_over = min(expired, key=lambda w: w["lease_expires_at"]), True
    elif due:
        work, is_taken_over = min(due, key=lambda w: w["due_at"]), False
    else:
        return []
    changes: Row = {
        "lease_token": max(work["lease_token"] + 1, int(now.timestamp() * MICROSECONDS)),
        "lease_holder": p.holder,
        "lease_expires_at": t.in_s(p.lease_s),
        "due_at": INFINITY,
    }
    if is_taken_over:
        changes |= {
            "hold_additions_until": greatest(work["hold_additions_until"], t.in_s(p.quiet_s)),
            "hold_removals_until": greatest(work["hold_removals_until"], t.in_s(p.quiet_s)),
            "recheck_from": least(work["recheck_from"], work["synced_revision"]),
            "recheck_at": greatest(work["recheck_at"], t.in_s(p.recheck_after_s)),
        }
    taken = t.change("audience_work", work["audience_no"], **changes)
    return [{"audience_no": taken["audience_no"], "lease_token": taken["lease_token"]}]


@named("read_work")
def read_work(t: Tables, p: Given) -> list[Row]:
    if not held(t, p):
        return []
    both = {**t.by_name["audience"][p.audience_no], **t.by_name["audience_work"][p.audience_no]}
    both |= {"installation_id": t.installation_id, "now": t.clock()}
    return [{name: both[name] for name in _WORK_COLUMNS}]


@named("next_due_in_s")
def next_due_in_s(t: Tables, _: Given) -> float | None:
    everything = t.all("audience_work")
    due = [w["due_at"] for w in everything if not w["lease_holder"] and w["due_at"] < INFINITY]
    ends = [w["lease_expires_at"] for w in everything if w["lease_holder"]]
    soonest = least(*due, *ends)
    return None if soonest is None else (soonest - t.clock()).total_seconds()


@named("renew_lease")
def renew_lease(t: Tables, p: Given) -> int:
    if not held(t, p) or t.by_name["audience_work"][p.audience_no]["lease_holder"] is None:
        return 0
    t.change("audience_work", p.audience_no, lease_expires_at=t.in_s(p.lease_s))
    return 1


@named("release_lease")
def release_lease(t: Tables, p: Given) -> int:
    if not held(t, p):
        return 0
    work = t.by_name["audience_work"][p.audience_no]
    due_at = _due_at(t, work, p)
    t.change(
        "audience_work", p.audience_no, lease_holder=None, lease_expires_at=None, due_at=due_at
    )
    if due_at <= t.now:
        t.notify("audience_due")
    return 1


def _due_at(t: Tables, work: Row, p: Given) -> datetime:
    audience = t.by_name["audience"][p.audience_no]
    if audience["disconnected_at"] is not None:
        return INFINITY
    if p.due_at is not None:
        told = p.due_at
    elif work["blocked_reason"] is not None:
        told = greatest(work["probe_at"], t.now) if work["probe_at"] else t.now + DAY
    elif audience["paused"] and audience["disconnect_mode"] is None:
        told = INFINITY
    else:
        next_one = least(work["next_sync_at"], work["recheck_at"], work["refresh_due_at"])
        told = greatest(t.now, next_one)
    due_at: datetime = least(work["due_at"], told)
    return due_at


@named("hold_lease")
def hold_lease(t: Tables, p: Given) -> list[Row]:
    return [{"audience_no": p.audience_no}] if held(t, p) else []


@named("lock_audience_by_no")
def lock_audience_by_no(t: Tables, p: Given) -> list[Row]:
    return [] if t.get("audience", p.audience_no) is None else [{"audience_no": p.audience_no}]
