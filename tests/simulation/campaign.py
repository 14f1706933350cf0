"""Plays many histories that Hypothesis draws, and shrinks the first one that breaks a rule."""

import time
from collections import Counter
from dataclasses import dataclass, field

from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis.strategies import SearchStrategy

from tests.simulation.defects import collected_defects
from tests.simulation.events import History
from tests.simulation.play import play

HISTORIES_IN_CI = 2_000
PARTS = 8
"""Independent parts of the histories in CI, so that test processes share them."""


class Broken(AssertionError):
    """A history ended otherwise than it must."""


@dataclass(slots=True)
class Played:
    """What was played."""

    count: int = 0
    calls: int = 0
    virtual_s: float = 0.0
    kinds: Counter[str] = field(default_factory=Counter)

    def add(self, other: "Played") -> None:
        self.count += other.count
        self.calls += other.calls
        self.virtual_s += other.virtual_s
        self.kinds += other.kinds


def play_many(
    strategy: SearchStrategy[History],
    *,
    seed_: int,
    most: int,
    played: Played | None = None,
    shrinks: bool = True,
) -> Played:
    """Play histories. Raises Broken with the smallest history that was found to break a rule."""
    played = played or Played()
    print(f"simulation seed {seed_}, {most} histories")  # noqa: T201 - to repeat a failure

    @seed(seed_)
    @settings(
        max_examples=most,
        deadline=None,
        database=None,
        print_blob=False,
        phases=(Phase.generate, *([Phase.shrink] if shrinks else [])),
        suppress_health_check=list(HealthCheck),
    )
    @given(strategy)
    def check(history: History) -> None:
        with collected_defects() as defects:
            outcome = play(history)
        played.count += 1
        played.calls += outcome.calls
        played.virtual_s += outcome.virtual_s
        played.kinds.update(event.kind for event in history.events)
        findings = outcome.findings + defects
        if findings:
            raise Broken("\n".join(findings))

    started = time.monotonic()
    check()
    print(f"{played.count} histories in {time.monotonic() - started:.1f} s")  # noqa: T201
    return played
