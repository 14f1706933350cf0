"""Owns the command `python -m tests.benchmarks.charts`: writes what was measured into the document.

It reads the JSON files of a folder, as `--json` of the benchmarks writes them, one for each benchmark,
and puts tables and charts of them between two marks of a Markdown file.
"""

import argparse
import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from tests.benchmarks.capacity import DOCUMENT as CAPACITY
from tests.benchmarks.capacity import with_capacity
from tests.benchmarks.charts_drawn import CHARTS, Chart
from tests.benchmarks.figures import Figure
from tests.benchmarks.machine import in_words

FOLDER: Final = Path("docs/performance")
DOCUMENT: Final = Path("docs/performance.md")
BEGIN: Final = "<!-- figures: written by `python -m tests.benchmarks.charts`, not by hand -->"
END: Final = "<!-- figures: end -->"
BAR_CELLS: Final = 10
"""Characters of a bar that says how much of what is asked for is reached."""

Reports = Mapping[str, Mapping[str, Any]]
"""What benchmarks wrote, by their names."""


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.charts")
    parser.add_argument("--from", dest="folder", type=Path, default=FOLDER, metavar="DIR")
    parser.add_argument("--into", type=Path, default=DOCUMENT, metavar="FILE")
    parser.add_argument("--capacity-into", type=Path, default=CAPACITY, metavar="FILE")
    asked = parser.parse_args(arguments)
    reports = read_reports(asked.folder)
    asked.into.write_text(with_figures(asked.into.read_text(), reports))
    asked.capacity_into.write_text(with_capacity(asked.capacity_into.read_text(), reports))
    return 0


def read_reports(folder: Path) -> Reports:
    told = [json.loads(file.read_text()) for file in sorted(folder.glob("*.json"))]
    return {one["benchmark"]: one for one in told}


def with_figures(document: str, reports: Reports) -> str:
    """The document with these figures in the place of those it has. Raises: ValueError without marks."""
    before, begin, rest = document.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise ValueError(f"the document must have a line {BEGIN!r} and a line {END!r}")
    return "\n".join((f"{before}{begin}\n", *_section(reports), f"{end}{after}"))


def _section(reports: Reports) -> Iterator[str]:
    yield _summary(reports)
    yield ""
    for chart in CHARTS:
        if chart.benchmarks <= reports.keys():
            yield from _drawn(chart, reports)
    for name, report in reports.items():
        yield from _table(name, report)


def _summary(reports: Reports) -> str:
    bound = [
        (f"`{name}` {figure.name}", figure)
        for name, report in reports.items()
        for figure in figures_of(report).values()
        if figure.at_least is not None or figure.at_most is not None
    ]
    missed = [told for told, figure in bound if figure.is_missed]
    kept = f"**{len(bound) - len(missed)} of {len(bound)} bounds were kept.**"
    return f"{kept} Missed: {', '.join(missed)}." if missed else kept


def figures_of(report: Mapping[str, Any]) -> Mapping[str, Figure]:
    return {one["name"]: Figure(**one) for one in report["figures"]}


def _table(name: str, report: Mapping[str, Any]) -> Iterator[str]:
    machine, details = report["machine"], report["details"]
    facts = ", ".join(f"{key} {_fact(value)}" for key, value in details.items())
    yield f"### `{name}`"
    yield ""
    yield f"{machine['measured_at']}; {facts}; {in_words(machine)}."
    yield ""
    yield "| figure | value | asked for | aim | reached |"
    yield "|---|---|---|---|---|"
    for figure in figures_of(report).values():
        told, value, bound, aim = figure.cells()
        bound = bound.removesuffix("MISSED").strip()
        yield f"| {told} | {value} | {bound} | {aim} | {_reached(figure)} |"
    yield ""


def _fact(value: object) -> str:
    return f"{value:,}" if isinstance(value, int) else str(value)


def _reached(figure: Figure) -> str:
    """A bar that is full when the bound is kept, and the share in a hundred."""
    share = _share(figure)
    if share is None:
        return ""
    cells = max(0, min(BAR_CELLS, int(share * BAR_CELLS)))
    bar = "█" * cells + "░" * (BAR_CELLS - cells)
    return f"{bar} {share:.0%}" + (", **missed**" if figure.is_missed else "")


def _share(figure: Figure) -> float | None:
    """How much of what is asked for is reached; None where nothing is, or just one value will do."""
    if figure.at_least == figure.at_most:
        return None if figure.at_least is None else float(not figure.is_missed)
    if figure.at_least is not None:
        return figure.value / figure.at_least
    assert figure.at_most is not None
    return figure.at_most / figure.value if figure.value else None


def _drawn(chart: Chart, reports: Reports) -> Iterator[str]:
    figures = [figures_of(reports[bar.benchmark])[bar.figure] for bar in chart.bars]
    bounds = [figure.at_least or figure.at_most for figure in figures]
    lines = [bound for bound in bounds if bound is not None]
    labels = ", ".join(f'"{bar.label}"' for bar in chart.bars)
    highest = max(*(figure.value for figure in figures), *lines)
    yield "```mermaid"
    yield "xychart-beta"
    yield f'  title "{chart.title}"'
    yield f"  x-axis [{labels}]"
    # From 0: left to itself, the axis begins at the shortest bar.
    yield f'  y-axis "{figures[0].unit}" 0 --> {_plain(highest)}'
    yield f"  bar [{', '.join(_plain(figure.value) for figure in figures)}]"
    if len(lines) == len(figures):
        yield f"  line [{', '.join(map(_plain, lines))}]"
    yield "```"
    yield ""


def _plain(value: float) -> str:
    return f"{value:.0f}" if abs(value) >= 1000 else f"{float(f'{value:.4g}'):g}"


if __name__ == "__main__":
    sys.exit(main())
