"""What benchmarks say, and that they run; how fast anything is, is not tested here."""

import json
import math
import subprocess
import sys
from pathlib import Path

import pytest

from tests.benchmarks import fake
from tests.benchmarks.__main__ import main
from tests.benchmarks.figures import Figure, Report
from tests.benchmarks.member_texts import member_texts


def a_report(*figures: Figure) -> Report:
    return Report(benchmark="made_up", figures=figures, details={"members": 1})


def test_transform_says_what_a_member_costs_us_and_the_sdk(tmp_path: Path) -> None:
    file = tmp_path / "figures.json"
    command = ["-m", "tests.benchmarks", "transform", "--members", "2000", "--json", str(file)]
    ran = subprocess.run(
        [sys.executable, *command], capture_output=True, text=True, timeout=50, check=True
    )
    told = json.loads(file.read_text())
    assert told["benchmark"] == "transform"
    assert told["details"]["members"] == 2000
    assert set(told["machine"]) == {
        *("cpu", "cores", "python", "versions"),
        *("measured_at", "load"),
    }
    figures = {figure["name"]: figure for figure in told["figures"]}
    for name, figure in figures.items():
        assert set(figure) == {"name", "value", "unit", "at_least", "at_most", "aim"}
        assert math.isfinite(figure["value"])
        assert name in ran.stdout
    bounds = {name: (one["at_least"], one["aim"]) for name, one in figures.items()}
    assert bounds["one_key.ratio_to_sdk"] == (6, 10)
    assert bounds["eight_keys.ratio_to_sdk"] == (12, 20)


@pytest.mark.parametrize(
    ("figure", "is_missed"),
    [
        (Figure(name="a", value=6, unit="times", at_least=6), False),
        (Figure(name="a", value=5.9, unit="times", at_least=6, aim=10), True),
        (Figure(name="a", value=5, unit="us", at_most=5), False),
        (Figure(name="a", value=5.1, unit="us", at_most=5), True),
        (Figure(name="a", value=0, unit="us", aim=10), False),
    ],
)
def test_check_fails_exactly_when_a_bound_is_missed(
    figure: Figure, *, is_missed: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fake, "run", lambda _: a_report(figure))
    assert main(["fake", "--check"]) == int(is_missed)
    assert main(["fake"]) == 0


def test_a_table_marks_what_is_missed() -> None:
    report = a_report(
        Figure(name="ratio", value=5, unit="times", at_least=6, aim=10),
        Figure(name="cpu", value=1234.5, unit="us", at_most=2000, aim=1000),
    )
    head, ratio, cpu = report.table().split("\n")
    assert head.split() == ["figure", "value", "bound", "aim"]
    assert ratio.split() == ["ratio", "5", "times", ">=", "6", "MISSED", ">=", "10"]
    assert cpu.split() == ["cpu", "1,234", "us", "<=", "2,000", "<=", "1,000"]


def test_members_to_measure_with_are_the_same_every_time_and_nobody_twice() -> None:
    members = list(member_texts(500))
    assert members == list(member_texts(500))
    assert len({one.email for one in members}) == len({one.phone for one in members}) == 500
