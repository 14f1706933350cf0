"""Owns the command `python -m tests.benchmarks NAME`: runs one benchmark and says what it found."""

import argparse
import importlib
import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

from tests.benchmarks.figures import Report
from tests.benchmarks.machine import in_words, machine

MEMBERS_MAX: Final = 1_000_000_000

BENCHMARKS: Final[Mapping[str, int]] = {
    "fake": 1_000_000,
    "first-list": 1_000_000,
    "fresh": 100,
    "hourly": 5_000_000,
    "replace": 1_000_000,
    "small": 12_000,
    "small-read": 1_000_000,
    "transform": 50_000,
}
"""The modules beside this one that have `run(members) -> Report`, and how many they take unasked.

One is imported only when it is run: what others need may be slow to load.
"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run what is asked for. Returns 1 where `--check` is given and a bound is missed."""
    asked = _parser().parse_args(arguments)
    report = _run(asked.name, asked.members or BENCHMARKS[asked.name])
    told = machine()
    sys.stdout.write(f"{in_words(told)}\n\n{report.table()}\n")
    if asked.json is not None:
        asked.json.write_text(json.dumps(report.as_json(told), indent=2) + "\n")
    return 1 if asked.check and report.missed else 0


def _run(name: str, members: int) -> Report:
    module = importlib.import_module(f"tests.benchmarks.{name.replace('-', '_')}")
    report: Report = module.run(members)
    return report


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks")
    parser.add_argument("name", choices=sorted(BENCHMARKS), help="which benchmark")
    parser.add_argument(
        "--members", "--rows", type=_members, metavar="N", help="members, or rows, of each case"
    )
    parser.add_argument("--json", type=Path, metavar="FILE", help="write figures and details here")
    parser.add_argument("--check", action="store_true", help="exit 1 when a bound is missed")
    return parser


def _members(text: str) -> int:
    members = int(text) if text.isascii() and text.isdigit() else 0
    if not 1 <= members <= MEMBERS_MAX:
        raise argparse.ArgumentTypeError(f"must be from 1 to {MEMBERS_MAX}")
    return members


if __name__ == "__main__":
    sys.exit(main())
