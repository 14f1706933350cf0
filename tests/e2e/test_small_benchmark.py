"""The benchmark of small updates runs, with a service of its own, and says what it found."""

import json
import math
import subprocess
import sys
from pathlib import Path

import pytest


@pytest.mark.timeout(55)
def test_small_updates_are_measured_beside_single_merges(tmp_path: Path) -> None:
    file = tmp_path / "figures.json"
    command = ["-m", "tests.benchmarks", "small", "--members", "192", "--json", str(file)]
    ran = subprocess.run(
        [sys.executable, *command], capture_output=True, text=True, timeout=50, check=True
    )
    told = json.loads(file.read_text())
    figures = {figure["name"]: figure for figure in told["figures"]}
    assert all(math.isfinite(figure["value"]) for figure in figures.values())
    assert all(name in ran.stdout for name in figures)
    assert figures["ratio_to_single_merges"]["at_least"] == 5
    assert figures["p99_ms"]["at_most"] == 50
    assert figures["calls_per_commit"]["value"] > 1
