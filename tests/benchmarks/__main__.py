"""Owns the command `python -m tests.benchmarks NAME`: runs one benchmark and says what it found."""

import argparse
import importlib
import json
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Final

from tests.benchmarks.figures import Report
from tests.benchmarks.machine import in_words, machine

MEMBERS_MAX: Final = 1_000_000_000

BENCHMARKS: Final[Mapping[str, int]] = {
    "away": 240_000,
    "fake": 1_000_000,
    "first-list": 1_000_000,
    "fresh": 100,
    "hourly": 5_000_000,
    "replace": 1_000_000,
    "scaling": 500_000,
    "small": 12_000,
    "small-read": 1_000_000,
    "transform": 50_000,
}
"""The modules beside this one that have `run(members) -> Report`, and how many they take unasked.

One is imported only when it is run: what others need may be slow to load.
"""


TAKE_PROCESSES: Final = ("first-list", "scaling", "small")
"""Those of them that have `run(members, processes=N) -> Report`."""
PROCESSES_MAX: Final = 64


def main(arguments: Sequence[str] | None = None) -> int:
    """Run what is asked for. Returns 1 where `--check` is given and a bound is missed."""
    parser = _parser()
    asked = parser.parse_args(arguments)
    if asked.processes is not None and asked.name not in TAKE_PROCESSES:
        parser.error(f"--processes is for {', '.join(TAKE_PROCESSES)}")
    told = machine()  # before it is busy with us
    report = _run(asked)
    sys.stdout.write(f"{in_words(told)}\n\n{report.table()}\n")
    if asked.json is not None:
        asked.json.write_text(json.dumps(report.as_json(told), indent=2) + "\n")
    return 1 if asked.check and report.missed else 0


def _run(asked: argparse.Namespace) -> Report:
    module = importlib.import_module(f"tests.benchmarks.{asked.name.replace('-', '_')}")
    more = {} if asked.processes is None else {"processes": asked.processes}
    report: Report = module.run(asked.members or BENCHMARKS[asked.name], **more)
    return report


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks")
    parser.add_argument("name", choices=sorted(BENCHMARKS), help="which benchmark")
    parser.add_argument(
        "--members",
        "--rows",
        type=_at_most(MEMBERS_MAX),
        metavar="N",
        help="members, or rows, of each case",
    )
    parser.add_argument(
        "--processes", type=_at_most(PROCESSES_MAX), metavar="N", help="processes of the service"
    )
    parser.add_argument("--json", type=Path, metavar="FILE", help="write figures and details here")
    parser.add_argument("--check", action="store_true", help="exit 1 when a bound is missed")
    return parser


def _at_most(most: int) -> Callable[[str], int]:
    def number(text: str) -> int:
        value = int(text) if text.isascii() and text.isdigit() else 0
        if not 1 <= value <= most:
            raise argparse.ArgumentTypeError(f"must be from 1 to {most}")
        return value

    return number


if __name__ == "__main__":
    sys.exit(main())
