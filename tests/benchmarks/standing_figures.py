"""Owns the figures that every benchmark of a running service gives, with their bounds."""

from typing import Final

from tests.benchmarks.figures import Figure
from tests.benchmarks.house import House

ROWS_A_CALL: Final = 10_000


def standing_figures(house: House, prefix: str = "") -> list[Figure]:
    """What the service has needed and done since its start; waits for its last lines."""
    held_ms, computing_ms = house.longest_hold_ms()
    peak_mb = house.peak_mb()["service"]
    memory = {"at_most": 200, "aim": 150} if house.processes == 1 else {}
    return [
        Figure(name=f"{prefix}service_peak", value=peak_mb, unit="MB", **memory),
        Figure(name=f"{prefix}loop_held", value=held_ms, unit="ms", at_most=50, aim=20),
        Figure(name=f"{prefix}loop_held_computing", value=computing_ms, unit="ms"),
    ]


def calls_exactly(name: str, calls: int, *, removals: int, additions: int) -> Figure:
    """The calls of a sync without invalid rows: no more, and no less.

    By the whole list, not by window: with chunks of 10,000 members every full window is whole calls.
    """
    expected = -(-removals // ROWS_A_CALL) + -(-additions // ROWS_A_CALL)
    return Figure(name=name, value=calls, unit="calls", at_least=expected, at_most=expected)
