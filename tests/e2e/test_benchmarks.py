"""The benchmarks of the whole house run, and say what they found."""

import json
import math
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest


def figures_of(folder: Path, name: str, members: int) -> dict[str, dict[str, Any]]:
    """Run a benchmark on few members: what it measured, not how much, is looked at."""
    file = folder / "figures.json"
    command = ["-m", "tests.benchmarks", name, "--members", str(members), "--json", str(file)]
    ran = subprocess.run(
        [sys.executable, *command], capture_output=True, text=True, timeout=50, check=True
    )
    figures = {figure["name"]: figure for figure in json.loads(file.read_text())["figures"]}
    assert all(math.isfinite(figure["value"]) for figure in figures.values())
    assert all(name in ran.stdout for name in figures)
    return figures


@pytest.mark.timeout(55)
def test_small_updates_are_measured_beside_single_merges(tmp_path: Path) -> None:
    figures = figures_of(tmp_path, "small", 192)
    assert figures["ratio_to_single_merges"]["at_least"] == 5
    assert figures["p99_ms"]["at_most"] == 50
    assert figures["calls_per_commit"]["value"] > 1


@pytest.mark.timeout(55)
def test_a_list_sent_again_is_measured_and_only_its_difference_is_sent(tmp_path: Path) -> None:
    figures = figures_of(tmp_path, "replace", 1_000)
    assert figures["unchanged.calls"]["value"] == 0
    assert figures["one_percent.calls"]["value"] == 2
    assert figures["unchanged.members_per_s"]["at_least"] == 170_000


@pytest.mark.timeout(55)
def test_a_first_list_is_measured_with_one_key_and_with_eight(tmp_path: Path) -> None:
    figures = figures_of(tmp_path, "first-list", 500)
    for keys in ("one_key", "eight_keys"):
        assert figures[f"{keys}.calls"]["value"] == 1
        assert figures[f"{keys}.wal"]["value"] > 100
