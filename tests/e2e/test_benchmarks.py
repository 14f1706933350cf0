"""The benchmarks of the whole house run, and say what they found."""

import json
import math
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

RUN_S_MAX = 50


def figures_of(folder: Path, name: str, members: int) -> dict[str, dict[str, Any]]:
    """Run a benchmark on few members: what it measured, not how much, is looked at."""
    file = folder / "figures.json"
    command = ["-m", "tests.benchmarks", name, "--members", str(members), "--json", str(file)]
    printed = run_to_its_end([sys.executable, *command])
    figures = {figure["name"]: figure for figure in json.loads(file.read_text())["figures"]}
    assert all(math.isfinite(figure["value"]) for figure in figures.values())
    assert all(name in printed for name in figures)
    held = [figure for name, figure in figures.items() if name.endswith("loop_held")]
    assert held
    for figure in held:
        assert figure["value"] > 1, "the service has told how long its loop was held"
        assert (figure["at_most"], figure["aim"]) == (50, 20)
    return figures


def run_to_its_end(command: list[str]) -> str:
    """What it prints; one that takes too long is asked to end, so that it ends what it has started."""
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            printed, _ = process.communicate(timeout=RUN_S_MAX)
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGINT)
            raise
    assert process.returncode == 0
    return printed


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
        assert figures[f"{keys}.calls"]["at_least"] == figures[f"{keys}.calls"]["at_most"] == 1
        assert figures[f"{keys}.wal"]["value"] > 100


@pytest.mark.timeout(55)
def test_small_reads_are_measured_alone_beside_an_import_and_beside_a_sync(tmp_path: Path) -> None:
    figures = figures_of(tmp_path, "small-read", 1_000)
    for when in ("alone", "during_import", "during_sync"):
        assert figures[f"{when}.reads"]["value"] >= 1
        assert 0 < figures[f"{when}.p50"]["value"] <= figures[f"{when}.longest"]["value"]
    assert (figures["during_import.p99"]["at_most"], figures["during_import.p99"]["aim"]) == (
        50,
        20,
    )


@pytest.mark.timeout(55)
def test_a_day_without_facebook_is_measured_and_loses_nothing(tmp_path: Path) -> None:
    figures = figures_of(tmp_path, "away", 240)
    assert figures["rows_waiting"]["value"] == 480
    assert figures["rows_waiting_after"]["value"] == 0
    assert figures["memory_growth_last_quarter"]["value"] < 20
    assert figures["log_bytes_per_change"]["value"] > 2 * 34, "two rows of one hash each"
