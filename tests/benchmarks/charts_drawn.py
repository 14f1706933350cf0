"""Owns which charts are drawn of the benchmarks' figures; a line in one is what is asked for."""

from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Bar:
    """One figure of one benchmark, under a label."""

    label: str
    benchmark: str
    figure: str


@dataclass(frozen=True, slots=True)
class Chart:
    """Bars side by side, of one unit. It is drawn when all of its benchmarks were run."""

    title: str
    bars: Sequence[Bar]

    @property
    def benchmarks(self) -> AbstractSet[str]:
        return {bar.benchmark for bar in self.bars}


_RUNNING: Final = {
    "one key": ("first-list", "one_key."),
    "eight keys": ("first-list", "eight_keys."),
    "replace": ("replace", ""),
    "hourly": ("hourly", "large."),
    "small": ("small", ""),
    "small read": ("small-read", ""),
    "fresh": ("fresh", ""),
}
"""Where the service ran: the benchmark, and how its figures there begin."""


def _everywhere(title: str, figure: str) -> Chart:
    bars = [Bar(label, name, f"{prefix}{figure}") for label, (name, prefix) in _RUNNING.items()]
    return Chart(title, bars)


CHARTS: Final = (
    Chart(
        "First list: members a second, caller to receipt",
        [
            Bar("one key", "first-list", "one_key.members_per_s"),
            Bar("eight keys", "first-list", "eight_keys.members_per_s"),
        ],
    ),
    *(
        Chart(
            f"First list: CPU a member, {keys.replace('_', ' ')}",
            [
                Bar(process, "first-list", f"{keys}.{process}_cpu")
                for process in ("service", "postgres", "fake", "caller")
            ],
        )
        for keys in ("one_key", "eight_keys")
    ),
    Chart(
        "Replace: members a second",
        [
            Bar("unchanged", "replace", "unchanged.members_per_s"),
            Bar("1 % different", "replace", "one_percent.members_per_s"),
        ],
    ),
    Chart(
        "Hourly: CPU of service and Postgres a change, by size of the audience",
        [Bar(size, "hourly", f"{size}.cpu_per_change") for size in ("small", "middle", "large")],
    ),
    Chart(
        "Small read: p99, alone and beside a list",
        [
            Bar(when.replace("_", " "), "small-read", f"{when}.p99")
            for when in ("alone", "during_import", "during_sync")
        ],
    ),
    Chart(
        "More processes: times as many a second as with one",
        [
            Bar("two lists", "scaling", "ratio.two_lists"),
            Bar("their import", "scaling", "ratio.two_lists_import"),
            Bar("64 callers", "scaling", "ratio.updates"),
        ],
    ),
    Chart(
        "Transform: times as many members a CPU-second as Meta's SDK",
        [
            Bar("one key", "transform", "one_key.ratio_to_sdk"),
            Bar("eight keys", "transform", "eight_keys.ratio_to_sdk"),
        ],
    ),
    _everywhere("Longest turn of the service's event loop", "loop_held"),
    _everywhere("Peak memory of the service", "service_peak"),
)
