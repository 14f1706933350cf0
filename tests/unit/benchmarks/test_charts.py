"""The document's figures are what the benchmarks wrote, and say where they fall short."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.benchmarks import capacity
from tests.benchmarks.charts import (
    BEGIN,
    DOCUMENT,
    END,
    FOLDER,
    figures_of,
    main,
    read_reports,
    with_figures,
)
from tests.benchmarks.charts_drawn import CHARTS
from tests.benchmarks.figures import Figure, Report

HOUSE = Path(__file__).parents[3]
EMPTY = f"# Before\n\n{BEGIN}\nold figures\n{END}\n\nAfter\n"


def written(name: str, *figures: Figure) -> Mapping[str, Any]:
    machine = {
        "measured_at": "2026-11-28T01:00+00:00",
        "load": 0.1,
        "cpu": "Some Processor",
        "cores": 2,
        "python": "3.11.7",
        "versions": {"grpcio": "1.85.1"},
    }
    report = Report(benchmark=name, figures=figures, details={"members": 1_000_000})
    return report.as_json(machine)


def row_of(figure: Figure) -> str:
    document = with_figures(EMPTY, {"made-up": written("made-up", figure)})
    (row,) = [line for line in document.splitlines() if line.startswith(f"| {figure.name} |")]
    return row


def test_what_is_said_of_growth_is_made_of_the_committed_figures() -> None:
    document = (HOUSE / capacity.DOCUMENT).read_text()
    reports = read_reports(HOUSE / FOLDER)
    assert capacity.with_capacity(document, reports) == document
    told = capacity.with_capacity(f"{capacity.BEGIN}\n{capacity.END}", reports)
    assert told.count("\n| ") == len(capacity.LINES) + 1, "every figure is measured"


def test_the_committed_document_is_made_of_the_committed_figures() -> None:
    document = (HOUSE / DOCUMENT).read_text()
    reports = read_reports(HOUSE / FOLDER)
    assert with_figures(document, reports) == document, "run python -m tests.benchmarks.charts"


def test_every_chart_finds_its_figures_in_what_is_committed() -> None:
    reports = read_reports(HOUSE / FOLDER)
    for chart in CHARTS:
        units = {figures_of(reports[bar.benchmark])[bar.figure].unit for bar in chart.bars}
        assert len(units) == 1, chart.title


def test_what_stands_around_the_figures_stays_and_the_old_ones_go() -> None:
    figure = Figure(name="rate", value=12_345.6, unit="/s", at_least=10_000)
    document = with_figures(EMPTY, {"made-up": written("made-up", figure)})
    assert document.startswith(f"# Before\n\n{BEGIN}\n")
    assert document.endswith(f"{END}\n\nAfter\n")
    assert "old figures" not in document
    assert "2026-11-28T01:00+00:00; members 1,000,000; Some Processor, 2 cores" in document
    assert with_figures(document, {"made-up": written("made-up", figure)}) == document


@pytest.mark.parametrize("document", ["", BEGIN, END, f"{END}\n{BEGIN}"])
def test_a_document_without_marks_is_refused(document: str) -> None:
    with pytest.raises(ValueError, match="must have a line"):
        with_figures(document, {})


@pytest.mark.parametrize(
    ("figure", "row"),
    [
        (
            Figure(name="a", value=30, unit="/s", at_least=60, aim=100),
            "| a | 30 /s | >= 60 | >= 100 | █████░░░░░ 50%, **missed** |",
        ),
        (
            Figure(name="a", value=20, unit="ms", at_most=50, aim=10),
            "| a | 20 ms | <= 50 | <= 10 | ██████████ 250% |",
        ),
        (
            Figure(name="a", value=80, unit="ms", at_most=60),
            "| a | 80 ms | <= 60 |  | ███████░░░ 75%, **missed** |",
        ),
        (
            Figure(name="a", value=3, unit="calls", at_least=2, at_most=2),
            "| a | 3 calls | = 2 |  | ░░░░░░░░░░ 0%, **missed** |",
        ),
        (
            Figure(name="a", value=0, unit="calls", at_least=0, at_most=0),
            "| a | 0 calls | = 0 |  | ██████████ 100% |",
        ),
        (Figure(name="a", value=7, unit="us"), "| a | 7 us |  |  |  |"),
        (Figure(name="a", value=0, unit="ms", at_most=5), "| a | 0 ms | <= 5 |  |  |"),
    ],
)
def test_a_row_says_how_much_of_what_is_asked_for_is_reached(figure: Figure, row: str) -> None:
    assert row_of(figure) == row


def test_above_all_stands_how_many_bounds_were_kept_and_which_were_not() -> None:
    kept = Figure(name="kept", value=2, unit="ms", at_most=3)
    missed = Figure(name="missed", value=4, unit="ms", at_most=3)
    told = Figure(name="told", value=1, unit="ms")
    first = with_figures(EMPTY, {"one": written("one", kept, told), "two": written("two", missed)})
    assert "\n**1 of 2 bounds were kept.** Missed: `two` missed.\n" in first
    second = with_figures(EMPTY, {"one": written("one", kept)})
    assert "\n**1 of 1 bounds were kept.**\n" in second


def test_a_chart_draws_its_figures_and_a_line_where_all_have_bounds() -> None:
    report = written(
        "transform",
        Figure(name="one_key.ratio_to_sdk", value=2.0, unit="times", at_least=6),
        Figure(name="eight_keys.ratio_to_sdk", value=4.9, unit="times", at_least=12),
    )
    lines = with_figures(EMPTY, {"transform": report}).splitlines()
    drawn = lines[lines.index("```mermaid") : lines.index("```")]
    assert drawn[3:] == [
        '  x-axis ["one key", "eight keys"]',
        '  y-axis "times" 0 --> 12',
        "  bar [2, 4.9]",
        "  line [6, 12]",
    ]
    assert lines.count("```mermaid") == 1, "of the other benchmarks there are no figures"


def test_the_command_writes_into_the_document(tmp_path: Path) -> None:
    document = tmp_path / "performance.md"
    document.write_text(EMPTY)
    growth = tmp_path / "scaling.md"
    growth.write_text(f"{capacity.BEGIN}\n{capacity.END}")
    into = ["--into", str(document), "--capacity-into", str(growth)]
    assert main(["--from", str(HOUSE / FOLDER), *into]) == 0
    assert "| `small` calls_per_s |" in growth.read_text()
    assert with_figures(EMPTY, read_reports(HOUSE / FOLDER)) == document.read_text()
