"""`./run python -m tests.simulation --histories N`: a long simulation, with a table at its end."""

import argparse
import random
import sys
from concurrent.futures import ProcessPoolExecutor

from tests.simulation.campaign import Broken, Played, play_many
from tests.simulation.events import EVENTS, histories

PART = 500
"""Histories that are drawn from one seed: Hypothesis keeps what it has seen of a seed in memory."""


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.simulation", description=__doc__)
    parser.add_argument("--histories", type=int, default=50_000)
    parser.add_argument("--seed", type=int, default=random.randrange(2**31))
    parser.add_argument("--processes", type=int, default=2)
    wanted = parser.parse_args()
    seeds = range(wanted.seed, wanted.seed + -(-wanted.histories // PART))
    total, broken = Played(), []
    with ProcessPoolExecutor(wanted.processes) as pool:
        for seed, (played, message) in zip(seeds, pool.map(_part, seeds), strict=True):
            total.add(played)
            if message:
                broken.append(f"seed {seed}: {message}")
    _print_table(total, broken)
    return 1 if broken else 0


def _part(seed: int) -> tuple[Played, str]:
    played = Played()
    try:
        play_many(histories(EVENTS), seed_=seed, most=PART, played=played)
    except Broken as error:
        return played, "\n".join([str(error), *getattr(error, "__notes__", [])])
    return played, ""


def _print_table(total: Played, broken: list[str]) -> None:
    print(f"{'histories':24}{total.count:>12,}")  # noqa: T201
    print(f"{'calls to Facebook':24}{total.calls:>12,}")  # noqa: T201
    print(f"{'virtual days':24}{total.virtual_s / 86_400:>12,.0f}")  # noqa: T201
    for kind, count in sorted(total.kinds.items()):
        print(f"  {kind:22}{count:>12,}")  # noqa: T201
    print(f"{'histories that broke':24}{len(broken):>12,}")  # noqa: T201
    for message in broken:
        print(message)  # noqa: T201


if __name__ == "__main__":
    sys.exit(main())
