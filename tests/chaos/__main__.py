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
SEVERAL_SHARE: Final = 0.3
"""Share of the faults that come together with another."""


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.chaos", description=__doc__)
    parser.add_argument("--minutes", type=float, default=15.0)
    parser.add_argument("--seed", type=int, default=random.randrange(2**31))
    parser.add_argument("--only", default="", help="only faults whose name has this in it")
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
        yield from _shuffled_rounds(possible, chance, ends_at)

    report = play(seed=wanted.seed, faults=faults, with_bulk=True, tell=_tell)
    _tell(table(report))
    if wanted.logs:
        wanted.logs.write_text(report.logs)
    return 1 if report.findings else 0


def _tell(text: str) -> None:
    print(text, flush=True)  # noqa: T201


def _shuffled_rounds(
    possible: list[Fault], chance: random.Random, ends_at: float
) -> Iterator[tuple[Fault, ...]]:
    """Each kind once a round, in another order each time, some with one of another place."""
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
            others = [one for one in possible if one.place != fault.place and not one.is_slow]
            if others and not fault.is_slow and chance.random() < SEVERAL_SHARE:
                yield fault, chance.choice(others)
            else:
                yield (fault,)


if __name__ == "__main__":
    sys.exit(main())
