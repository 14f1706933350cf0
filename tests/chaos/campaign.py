"""One run: callers speak, faults come one after another, then calm, and the checks."""

import random
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Final

from tests.chaos.bulk import Bulk
from tests.chaos.callers import Caller, Ledger, Speaker, Syncer
from tests.chaos.checks import Verdict, check, complaints, wait_for_calm
from tests.chaos.faults import Fault
from tests.chaos.opener import Opener
from tests.chaos.processes import House, running_house
from tests.chaos.scene import Scene

CALLERS: Final = 3
SEVERAL: Final = "several at once"
JOIN_S_MAX: Final = 100.0
QUIET_S_MAX: Final = 1.0
"""Seconds between two faults at most."""


@dataclass
class Report:
    """What a run was and what came of it."""

    seed: int
    injected: Counter[str] = field(default_factory=Counter)
    """By the name of the fault."""
    recoveries: dict[str, list[float]] = field(default_factory=dict)
    """Seconds, by the name of the fault that came alone, and under SEVERAL."""
    verdict: Verdict = field(default_factory=Verdict)
    tries: dict[str, int] = field(default_factory=dict)
    lasted_s: float = 0.0
    calm_after_s: float = 0.0
    logs: str = ""
    findings: list[str] = field(default_factory=list)


def play(
    *,
    seed: int,
    faults: Callable[[House, random.Random], Iterator[tuple[Fault, ...]]],
    with_bulk: bool = False,
    tell: Callable[[str], None] = lambda _: None,
    afterwards: Callable[[Scene, list[Ledger]], None] = lambda _, __: None,
) -> Report:
    """Run the faults to their end, those of a tuple at once; what goes wrong is in the report."""
    report, began = Report(seed), time.monotonic()
    chance = random.Random(seed)
    with running_house() as house:
        scene = Scene(house, chance)
        scene.set_up()
        try:
            with _speaking(scene, report, with_bulk=with_bulk) as people:
                for at_once in faults(house, chance):
                    _suffer(scene, at_once, report, tell)
            ledgers = [scene.ledger, *(one.ledger for one in people)]
            report.calm_after_s = wait_for_calm(scene)
            report.verdict = check(scene, ledgers)
            afterwards(scene, ledgers)
        except Exception as error:  # noqa: BLE001 - told in the report, with the logs
            report.findings.append(f"{type(error).__name__}: {error}")
        report.logs = "\n".join(replica.log() for replica in house.replicas)
        report.findings += complaints(report.logs)
    report.findings += scene.line.findings + report.verdict.findings
    report.lasted_s = time.monotonic() - began
    return report


def _suffer(
    scene: Scene, faults: tuple[Fault, ...], report: Report, tell: Callable[[str], None]
) -> None:
    began = time.monotonic()
    with ThreadPoolExecutor(len(faults)) as at_once:
        hits = list(at_once.map(lambda fault: fault.play(scene), faults))
    lasted = time.monotonic() - began
    recovered = scene.probe()
    faults = tuple(one for one, hit in zip(faults, hits, strict=True) if hit is not False)
    if not faults:
        return
    report.injected.update(fault.name for fault in faults)
    name = faults[0].name if len(faults) == 1 else SEVERAL
    report.recoveries.setdefault(name, []).append(recovered)
    names = " + ".join(fault.name for fault in faults)
    tell(f"lasted {lasted:5.1f} s, over it {recovered:5.1f} s later: {names}")
    threading.Event().wait(scene.chance.uniform(0, QUIET_S_MAX))


@contextmanager
def _speaking(scene: Scene, report: Report, *, with_bulk: bool) -> Iterator[list[Speaker]]:
    """Callers speak inside the block; at its end all that they began is answered."""
    stop = threading.Event()
    kinds = [*[Caller] * CALLERS, Syncer, Opener, *([Bulk] if with_bulk else [])]
    speakers: list[Speaker] = [
        kind(f"{kind.__name__.lower()}-{number}", scene.house.replicas, report.seed, stop)
        for number, kind in enumerate(kinds)
    ]
    for thread in speakers:
        thread.start()
    try:
        yield speakers
    finally:
        stop.set()
        for thread in speakers:
            thread.join(JOIN_S_MAX)
            if thread.is_alive():
                report.findings.append(f"{thread.name} does not end")
            report.findings += thread.line.findings
        for line in (*(one.line for one in speakers), scene.line):
            for outcome, count in line.tries.items():
                report.tries[outcome] = report.tries.get(outcome, 0) + count
