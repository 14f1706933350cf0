"""A short run with real processes: some faults of every important kind, then everything is exact."""

import random
from collections import Counter
from collections.abc import Iterator
from itertools import chain

import pytest
from audiencesync.v1 import audience_sync_pb2 as pb

from tests.chaos.callers import AUDIENCES, NOBODY_ELSES_EMAIL, Answered, Ledger
from tests.chaos.campaign import play
from tests.chaos.checks import QUIET_S, Verdict, check, opposite_calls_at_once
from tests.chaos.faults import FAULTS, Fault
from tests.chaos.processes import House
from tests.chaos.report import table
from tests.chaos.scene import Scene
from tests.simulation.callers import Someone

AT_ONCE = (
    ("replica: kill -9", "facebook: answer lost"),
    ("postgres: kill -9",),
    ("replica: SIGSTOP > lease", "facebook: lands late"),
    ("postgres: answers lost", "facebook: token expired"),
    ("postgres: connections cut", "facebook: down"),
)


def short_run(_house: House, chance: random.Random) -> Iterator[tuple[Fault, ...]]:
    by_name = {fault.name: fault for fault in FAULTS}
    for names in chance.sample(AT_ONCE, len(AT_ONCE)):
        yield tuple(by_name[name] for name in names)


@pytest.mark.timeout(110)  # forty seconds on two idle cores
def test_processes_that_die_stop_and_lose_connections_lose_no_update_and_end_exact() -> None:
    seed = random.SystemRandom().randrange(2**31)
    noticed: list[Verdict] = []

    def claim_more_than_is_true(scene: Scene, ledgers: list[Ledger]) -> None:
        noticed.append(check(scene, [*ledgers, _a_lie()]))

    report = play(seed=seed, faults=short_run, afterwards=claim_more_than_is_true)
    print(table(report))  # noqa: T201 - with the seed, for `python -m tests.chaos --seed`
    assert report.findings == [], f"seed {seed}\n{report.logs[-20_000:]}"
    assert report.injected == Counter(chain.from_iterable(AT_ONCE))
    assert report.verdict.answered > 50
    assert (report.verdict.lost, report.verdict.duplicated, report.verdict.overlapping) == (0, 0, 0)

    # The same checks notice one update that nobody has sent.
    (verdict,) = noticed
    assert verdict.lost == 1
    assert verdict.findings == [
        "answered, but not kept: never-sent",
        "Postgres lacks 1 rows and has 0 too many",
        f"{AUDIENCES[0]}: missing ['nobody-else'], too many []",
    ]


def _a_lie() -> Ledger:
    """An update that was answered, although it was never sent."""
    ledger = Ledger()
    request = pb.UpdateMembershipRequest(audience_id=AUDIENCES[0], request_id="never-sent")
    ledger.answered.append(Answered(request, pb.UpdateMembershipResponse(revision=1)))
    ledger.truths[AUDIENCES[0]].hear({"ghost": Someone((NOBODY_ELSES_EMAIL,))}, None)
    return ledger


def test_opposite_calls_that_overlap_are_noticed() -> None:
    def call(
        operation: str, started: int, ended: int | None, time: float = 0.0
    ) -> dict[str, object]:
        return {"operation": operation, "started": started, "ended": ended, "time": time}

    apart = [call("add", 1, 2), call("remove", 3, 4), call("add", 5, 8), call("add", 6, 7)]
    assert opposite_calls_at_once(apart) == []
    add = call("add", 5, 8)
    for overlapping in (call("remove", 6, 7), call("remove", 1, None), call("remove", 7, 9)):
        assert opposite_calls_at_once([add, overlapping]) == [(add, overlapping)]
    begun_before_the_quiet = call("remove", 1, 6, time=-QUIET_S)
    assert opposite_calls_at_once([add, begun_before_the_quiet]) == []
