"""Owns what a benchmark says: named figures with their bounds, a table of them, and their JSON."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

Details = Mapping[str, object]
"""What JSON can hold and no bound is put on."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """One measured value. It is held to `at_least` or `at_most`; `aim` is what we are after."""

    name: str
    value: float
    unit: str
    at_least: float | None = None
    at_most: float | None = None
    aim: float | None = None

    @property
    def is_missed(self) -> bool:
        too_low = self.at_least is not None and self.value < self.at_least
        too_high = self.at_most is not None and self.value > self.at_most
        return too_low or too_high

    def cells(self) -> tuple[str, str, str, str]:
        """Return the name, the value, the bound and the aim as texts."""
        bound, aim = "", ""
        if self.at_least is not None:
            bound, aim = f">= {_number(self.at_least)}", ">="
        if self.at_most is not None:
            bound, aim = f"<= {_number(self.at_most)}", "<="
        if self.at_least is not None and self.at_least == self.at_most:
            bound, aim = f"= {_number(self.at_least)}", "="
        bound += "  MISSED" if self.is_missed else ""
        aim = f"{aim} {_number(self.aim)}".strip() if self.aim is not None else ""
        return self.name, f"{_number(self.value)} {self.unit}", bound, aim


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """What one run of a benchmark found."""

    benchmark: str
    figures: Sequence[Figure]
    details: Details = field(default_factory=dict)

    @property
    def missed(self) -> Sequence[Figure]:
        return [figure for figure in self.figures if figure.is_missed]

    def as_json(self, machine: Details) -> Mapping[str, Any]:
        return {
            "benchmark": self.benchmark,
            "machine": dict(machine),
            "figures": [asdict(figure) for figure in self.figures],
            "details": dict(self.details),
        }

    def table(self) -> str:
        """Return the figures as text, one a line, in columns."""
        rows = [("figure", "value", "bound", "aim"), *(one.cells() for one in self.figures)]
        widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
        return "\n".join(
            "  ".join(map(str.ljust, row, widths)).rstrip() for row in rows
        )  # fmt: skip


def _number(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.4g}"
