"""`./run python -m tests.chaos --minutes N`: real processes suffer; a table at the end."""

import argparse
import logging
import random
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import structlog

from tests.chaos.campaign import play
from tests.chaos.faults import FAULTS, Fault
from tests.chaos.processes import House
from tests.chaos.report import table

SLOW_ROUNDS: Final = 2
"""Rounds without a slow fault between two with one."""


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.chaos", description=__doc__)
    parser.add_argument("--minutes", type=float, default=15.0)
    parser.add_argument("--seed", type=int, default=random.randrange(2**31))
    parser.add_argument("--only", default="", help="only faults whose name has this in it")
    parser.add_argument(
        "--beside", type=float, default=0.15, help="how likely another place fails at once, 0 to 1"
    )
    parser.add_argument("--logs", type=Path, help="where the replicas' logs are kept")
    wanted = parser.parse_args()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING))
    _tell(f"seed {wanted.seed}")
    ends_at = time.monotonic() + wanted.minutes * 60

    def faults(house: House, chance: random.Random) -> Iterator[tuple[Fault, ...]]:
        possible = [
            one
            for one in FAULTS
            if wanted.only in one.name
            and (house.postgres.has_small_disk or not one.needs_small_disk)
        ]
        yield from _shuffled_rounds(possible, chance, ends_at, wanted.beside)

    report = play(seed=wanted.seed, faults=faults, with_bulk=True, tell=_tell)
    _tell(table(report))
    if wanted.logs:
        wanted.logs.write_text(report.logs)
    return 1 if report.findings else 0


def _tell(text: str) -> None:
    print(text, flush=True)  # noqa: T201


def _shuffled_rounds(
    possible: list[Fault], chance: random.Random, ends_at: float, share: float
) -> Iterator[tuple[Fault, ...]]:
    """Each kind once a round, in another order each time, some with others of other places."""
    slow_after = 0
    while True:
        for fault in chance.sample(possible, len(possible)):
            if time.monotonic() >= ends_at:
                return
            if fault.is_slow:
                slow_after -= 1
                if slow_after >= 0:
                    continue
                slow_after = SLOW_ROUNDS
            yield (fault, *([] if fault.is_slow else _beside(fault, possible, chance, share)))


def _beside(
    fault: Fault, possible: list[Fault], chance: random.Random, share: float
) -> Iterator[Fault]:
    """Faults of other places, at most one of each."""
    others = [one for one in possible if one.place != fault.place and not one.is_slow]
    for place in sorted({one.place for one in others}):
        if chance.random() < share:
            yield chance.choice([one for one in others if one.place == place])


if __name__ == "__main__":
    sys.exit(main())
