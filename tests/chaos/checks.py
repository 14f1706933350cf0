"""What must hold once everything is calm again."""

import json
import threading
import time
from collections import Counter
from dataclasses import dataclass, field
from itertools import product
from typing import Any, Final

from service.identifiers import member_key, rows_of_member
from service.rpc.convert_member import raw_member
from tests.chaos.callers import AUDIENCES, Ledger
from tests.chaos.processes import CALL_TIMEOUT_S
from tests.chaos.scene import LOOK_S, Scene
from tests.simulation.callers import Someone, change_of

CALM_S_MAX: Final = 120.0
"""Seconds until everything is sent, and what was unknown is sent again; a failed create is tried again
after a quarter of a minute, or after twice, four times as long."""
ASK_S: Final = 2.0
"""Seconds between two wishes for a sync while calm is waited for."""
QUIET_S: Final = 2 * CALL_TIMEOUT_S
"""Seconds for which nothing opposite is sent after an unknown outcome."""
JOURNAL_MAX: Final = 50_000
YEAR: Final = 2026

_UNREST: Final = """
select a.audience_id, a.revision, w.synced_revision, w.recheck_from, w.recheck_at, w.blocked_reason,
    w.lease_holder, w.refresh_phase, w.custom_audience_id,
    (select count(*) from sync s where s.audience_no = a.audience_no
        and s.state in ('PENDING', 'RUNNING')) as syncs_waiting
from audience a join audience_work w using (audience_no)
where w.custom_audience_id is null or w.synced_revision < a.revision or w.recheck_from is not null or w.blocked_reason is not null
    or w.lease_holder is not null or w.refresh_phase is not null
    or exists (select from sync s where s.audience_no = a.audience_no
        and s.state in ('PENDING', 'RUNNING'))
"""
_MEMBERS: Final = """
select audience_id, member_key, packed_row from member join audience using (audience_no)
where length(packed_row) > 2
"""
_ANSWERED: Final = "select audience_id, request_id, answer from request join audience using (audience_no) where method = 'UpdateMembership'"


@dataclass
class Verdict:
    """What was found at the end; all zero and empty when nothing was lost."""

    answered: int = 0
    repeated: int = 0
    lost: int = 0
    duplicated: int = 0
    overlapping: int = 0
    """Pairs of opposite calls for one audience that Facebook had to do at once."""
    findings: list[str] = field(default_factory=list)


def wait_for_calm(scene: Scene) -> float:
    """Seconds until nothing is left to do but what is scheduled; TimeoutError when that never is."""
    began = time.monotonic()
    for audience in AUDIENCES:
        scene.sync(audience)
    while True:
        unrest = scene.house.postgres.rows(_UNREST)
        lasted = time.monotonic() - began
        if not unrest:
            return lasted
        if lasted > CALM_S_MAX:
            raise TimeoutError(f"no calm: {[dict(row) for row in unrest]}")
        if int(lasted / ASK_S) != int((lasted + LOOK_S) / ASK_S):
            for row in unrest:
                if row["synced_revision"] < row["revision"]:
                    scene.sync(row["audience_id"])
        threading.Event().wait(LOOK_S)


def check(scene: Scene, ledgers: list[Ledger]) -> Verdict:
    """Compare Facebook, Postgres, and what the callers were told."""
    truth, verdict = _truth(ledgers), Verdict()
    for ledger in ledgers:
        verdict.answered += len(ledger.answered)
        verdict.repeated += ledger.repeated
        verdict.lost += ledger.lost
        verdict.duplicated += ledger.duplicated
        verdict.findings += ledger.findings
    _check_answers(scene, ledgers, verdict)
    _check_members(scene, truth, verdict)
    _check_people(scene, truth, verdict)
    _check_calls(scene, verdict)
    return verdict


NOT_STARTED = "audience-sync: Postgres is unavailable"
"""What a replica says, for a person, that is started while Postgres is away; it ends, to be started again."""


def complaints(logs: str) -> list[str]:
    """Defects that a replica wrote to its log; a fault of its surroundings is none."""
    found: Counter[str] = Counter()
    for line in filter(None, logs.splitlines()):
        if line.startswith(NOT_STARTED):
            continue
        try:
            told = json.loads(line)
        except ValueError:
            found[f"a replica wrote {line[:200]!r}"] += 1
            continue
        if told["level"] not in ("debug", "info", "warning"):
            trace = str(told.get("trace") or told.get("exception") or told.get("error"))
            found[f"a replica logged {told['event']!r}: {trace[-600:]}"] += 1
    return [f"{count} x {text}" for text, count in found.items()]


def _truth(ledgers: list[Ledger]) -> dict[str, dict[str, Someone]]:
    return {
        audience: {
            name: someone
            for ledger in ledgers
            for name, someone in ledger.truths[audience].members.items()
            if someone is not None
        }
        for audience in sorted({name for ledger in ledgers for name in ledger.truths})
    }


def _check_answers(scene: Scene, ledgers: list[Ledger], verdict: Verdict) -> None:
    """Every answer that a caller got was committed together with what it tells."""
    kept = {
        (row["audience_id"], row["request_id"]): row["answer"]
        for row in scene.house.postgres.rows(_ANSWERED)
    }
    for one in (one for ledger in ledgers for one in ledger.answered):
        found = kept.get((one.request.audience_id, one.request.request_id))
        if found != one.answer.SerializeToString():
            verdict.lost += 1
            verdict.findings.append(f"answered, but not kept: {one.request.request_id}")


def _check_members(scene: Scene, truth: dict[str, dict[str, Someone]], verdict: Verdict) -> None:
    """The rows in Postgres are exactly those of the members who are in."""
    stored: set[tuple[str, bytes, bytes]] = {
        (row["audience_id"], row["member_key"].bytes, bytes(row["packed_row"]))
        for row in scene.house.postgres.rows(_MEMBERS)
    }
    wanted = {
        (audience, member_key(name), row)
        for audience, members in truth.items()
        for name, someone in members.items()
        for row in _rows(name, someone)
    }
    missing, surplus = len(wanted - stored), len(stored - wanted)
    if missing or surplus:
        verdict.findings.append(f"Postgres lacks {missing} rows and has {surplus} too many")


def _rows(name: str, someone: Someone) -> tuple[bytes, ...]:
    member = raw_member(change_of(name, someone, None).member)
    return rows_of_member(member, default_region="US", this_year=YEAR).rows


def _check_people(scene: Scene, truth: dict[str, dict[str, Someone]], verdict: Verdict) -> None:
    """In each Custom Audience are exactly the people whom its members match."""
    fake = scene.house.fake
    if len(fake.audiences()) != len(truth):
        made = len(fake.audiences())
        verdict.findings.append(f"{made} Custom Audiences were made for {len(truth)} audiences")
    for audience, members in truth.items():
        wanted = fake.match(*({"emails": list(one.emails)} for one in members.values()))
        inside = fake.audience_people(scene.state(audience).custom_audience_id)
        if inside != wanted:
            missing, surplus = sorted(wanted - inside), sorted(inside - wanted)
            verdict.findings.append(f"{audience}: missing {missing}, too many {surplus}")


def _check_calls(scene: Scene, verdict: Verdict) -> None:
    calls = scene.house.fake.requests(limit=JOURNAL_MAX)
    for custom_audience in {one["custom_audience_id"] for one in calls}:
        mine = [one for one in calls if one["custom_audience_id"] == custom_audience]
        for pair in opposite_calls_at_once(mine):
            verdict.overlapping += 1
            verdict.findings.append("opposite calls at once: " + "; ".join(map(_told, pair)))


def opposite_calls_at_once(calls: list[dict[str, Any]]) -> list[tuple[dict[str, Any], ...]]:
    """Pairs of an addition and a removal that Facebook had to do at once; calls of one audience.

    Not those where the earlier call outlived the quiet that follows an unknown outcome: nobody can
    know of it, and the recheck heals it.
    """
    adds = [one for one in calls if one["operation"] == "add"]
    removes = [one for one in calls if one["operation"] == "remove"]
    return [pair for pair in product(adds, removes) if _overlap(*pair)]


def _overlap(one: dict[str, Any], other: dict[str, Any]) -> bool:
    def end(call: dict[str, Any]) -> float:
        return float("inf") if call["ended"] is None else float(call["ended"])

    at_once = one["started"] < end(other) and other["started"] < end(one)
    return bool(at_once and abs(one["time"] - other["time"]) < QUIET_S)


def _told(call: dict[str, Any]) -> str:
    keys = ("operation", "started", "ended", "status", "applied", "fault")
    return " ".join(f"{key}={call[key]}" for key in keys)
