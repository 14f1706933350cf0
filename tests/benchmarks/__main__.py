"""Owns the command `python -m tests.benchmarks NAME`: runs one benchmark and prints its figures."""

import argparse
import json
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

from tests.benchmarks import fake

Figures = Mapping[str, object]

BENCHMARKS: Final[Mapping[str, Callable[[int], Figures]]] = {"fake": fake.run}
"""Each takes the number of rows and returns figures that JSON can hold."""

ROWS_DEFAULT: Final = 1_000_000
ROWS_MAX: Final = 1_000_000_000


def main() -> None:
    """Run what is asked for."""
    arguments = _arguments()
    figures = BENCHMARKS[arguments.name](arguments.rows)
    text = json.dumps(figures, indent=2) + "\n"
    sys.stdout.write(text)
    if arguments.json is not None:
        arguments.json.write_text(text)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks")
    parser.add_argument("name", choices=sorted(BENCHMARKS), help="which benchmark")
    parser.add_argument(
        "--rows", type=_rows, default=ROWS_DEFAULT, help="rows of each case (%(default)s)"
    )
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures here too")
    return parser.parse_args()


def _rows(text: str) -> int:
    rows = int(text) if text.isascii() and text.isdigit() else 0
    if not 1 <= rows <= ROWS_MAX:
        raise argparse.ArgumentTypeError(f"must be from 1 to {ROWS_MAX}")
    return rows


if __name__ == "__main__":
    main()
