"""Owns hourly budgets: calls, CPU and wall time fill them, and they drain with the clock."""

import math
from collections import deque
from dataclasses import dataclass, field
from typing import Final, NamedTuple

WINDOW_S: Final = 3_600
"""Seconds that a call counts for."""
SLOT_S: Final = 60
"""Calls are counted together in slots of this many seconds."""

CPU_MS_PER_CALL: Final = 10
CPU_US_PER_ROW: Final = 20
TIME_MS_PER_CALL: Final = 50
TIME_US_PER_ROW: Final = 50
"""Made-up prices of a call and of each of its rows."""


class Cost(NamedTuple):
    """What calls take: their number, milliseconds of CPU, milliseconds of wall time."""

    calls: int = 0
    cpu_ms: int = 0
    time_ms: int = 0

    def plus(self, other: "Cost") -> "Cost":
        """Return the sum."""
        return Cost(
            self.calls + other.calls, self.cpu_ms + other.cpu_ms, self.time_ms + other.time_ms
        )

    def minus(self, other: "Cost") -> "Cost":
        """Return the difference."""
        return Cost(
            self.calls - other.calls, self.cpu_ms - other.cpu_ms, self.time_ms - other.time_ms
        )

    def fits(self, allowance: "Cost") -> bool:
        """Tell whether one more call fits, by every figure."""
        return all(used < allowed for used, allowed in zip(self, allowance, strict=True))

    def percent(self, allowance: "Cost") -> tuple[int, int, int]:
        """Return the parts of the allowance in whole per cent; more than 100 is possible."""
        pairs = zip(self, allowance, strict=True)
        calls, cpu, time = (used * 100 // max(allowed, 1) for used, allowed in pairs)
        return calls, cpu, time


NOTHING: Final = Cost()
ONE_CALL: Final = Cost(calls=1)


def cost_of(rows: int) -> Cost:
    """Return what a call with so many rows takes."""
    return Cost(
        1,
        CPU_MS_PER_CALL + rows * CPU_US_PER_ROW // 1_000,
        TIME_MS_PER_CALL + rows * TIME_US_PER_ROW // 1_000,
    )


@dataclass(slots=True)
class Budget:
    """What was used in the last hour, as (slot start, cost) from old to new."""

    slots: deque[tuple[int, Cost]] = field(default_factory=deque)
    _sum: Cost = NOTHING

    def charge(self, now: float, cost: Cost = ONE_CALL) -> None:
        """Count one call, a refused one too: calling on makes the wait longer."""
        start = int(now // SLOT_S) * SLOT_S
        self._drain(now)
        slot = NOTHING
        if self.slots and self.slots[-1][0] == start:
            slot = self.slots.pop()[1]
        self.slots.append((start, slot.plus(cost)))
        self._sum = self._sum.plus(cost)

    def used(self, now: float) -> int:
        """Return the calls that count now."""
        return self.total(now).calls

    def total(self, now: float) -> Cost:
        """Return everything that counts now."""
        self._drain(now)
        return self._sum

    def calls_of_minute(self, now: float) -> int:
        """Return the calls of the present minute."""
        start = int(now // SLOT_S) * SLOT_S
        return self.slots[-1][1].calls if self.slots and self.slots[-1][0] == start else 0

    def wait_minutes(self, now: float, allowance: Cost) -> int:
        """Return the whole minutes until a call fits again; 0 while one does."""
        left = self.total(now)
        for start, cost in self.slots:
            if left.fits(allowance):
                break
            left = left.minus(cost)
            if left.fits(allowance):
                return max(1, math.ceil((start + WINDOW_S - now) / 60))
        return 0

    def _drain(self, now: float) -> None:
        while self.slots and self.slots[0][0] + WINDOW_S <= now:
            self._sum = self._sum.minus(self.slots.popleft()[1])
