"""The table of hazards names tests that there are."""

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
TABLE = (ROOT / "docs" / "hazards.md").read_text(encoding="utf-8")
HAZARDS = 29
ROWS = [
    [cell.strip() for cell in line.strip().strip("|").split(" | ")]
    for line in TABLE.splitlines()
    if re.match(r"\| \d+ \|", line)
]
NAMED = re.findall(r"`(tests/[\w/]+\.py)::(\w+)`", TABLE)


def test_every_hazard_has_a_row() -> None:
    assert [int(row[0]) for row in ROWS] == list(range(1, HAZARDS + 1))


def test_every_row_names_a_test_or_says_why_it_cannot_apply() -> None:
    silent = [row[0] for row in ROWS if "::" not in row[-1] and "cannot apply: " not in row[2]]
    assert not silent


@pytest.mark.parametrize(("file", "name"), sorted(set(NAMED)))
def test_every_named_test_exists(file: str, name: str) -> None:
    tree = ast.parse((ROOT / file).read_text(encoding="utf-8"))
    tests = {n.name for n in tree.body if isinstance(n, ast.FunctionDef | ast.AsyncFunctionDef)}
    assert name in tests
