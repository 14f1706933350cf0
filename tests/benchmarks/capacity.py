"""Writes the figures that docs/scaling.md speaks of, each with the benchmark it is of.

`python -m tests.benchmarks.charts` does it together with its own document.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

DOCUMENT: Final = Path("docs/scaling.md")
BEGIN: Final = "<!-- capacity: written by `python -m tests.benchmarks.charts`, not by hand -->"
END: Final = "<!-- capacity: end -->"

Reports = Mapping[str, Mapping[str, Any]]


@dataclass(frozen=True, slots=True)
class Line:
    """What a figure says about one service, in the document's words."""

    says: str
    benchmark: str
    figure: str


LINES: Final = (
    Line(
        "members a second of a first list, caller to receipt", "first-list", "one_key.members_per_s"
    ),
    Line("the same with eight keys a member", "first-list", "eight_keys.members_per_s"),
    Line("CPU of the service a member of a first list", "first-list", "one_key.service_cpu"),
    Line("CPU of Postgres a member of a first list", "first-list", "one_key.postgres_cpu"),
    Line("members a second of a list that replaces all", "replace", "unchanged.members_per_s"),
    Line("single changes a second, 64 callers", "small", "calls_per_s"),
    Line("the slowest hundredth of them", "small", "p99_ms"),
    Line("CPU of service and Postgres a change of an hour", "hourly", "large.cpu_per_change"),
    Line("members of the audience with that cost", "hourly", "large.members"),
    Line("two lists with a second process, times as many", "scaling", "ratio.two_lists"),
    Line("single changes with a second process, times as many", "scaling", "ratio.updates"),
    Line("peak memory of a process, one key", "first-list", "one_key.service_peak"),
    Line("peak memory of a process, eight keys", "first-list", "eight_keys.service_peak"),
    Line("tables and indexes a member, one key", "first-list", "one_key.tables"),
    Line("tables and indexes a member, eight keys", "first-list", "eight_keys.tables"),
    Line("write-ahead log a member, one key", "first-list", "one_key.wal"),
    Line("write-ahead log a member, eight keys", "first-list", "eight_keys.wal"),
)


def with_capacity(document: str, reports: Reports) -> str:
    """The document with these figures in the place of those it has. Raises: ValueError without marks."""
    before, begin, rest = document.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise ValueError(f"the document must have a line {BEGIN!r} and a line {END!r}")
    return "\n".join((f"{before}{begin}\n", *_table(reports), f"\n{end}{after}"))


def _table(reports: Reports) -> Iterator[str]:
    yield "| | value | benchmark, figure |"
    yield "|---|---|---|"
    for line in LINES:
        figures = {one["name"]: one for one in reports.get(line.benchmark, {}).get("figures", ())}
        if (found := figures.get(line.figure)) is not None:
            value = f"{_three_digits(found['value'])} {found['unit']}"
            yield f"| {line.says} | {value} | `{line.benchmark}` {line.figure} |"


def _three_digits(value: float) -> str:
    return f"{float(f'{value:.3g}'):,.10g}"
