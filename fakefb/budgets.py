"""Owns the hourly budget of an ad account: it fills with calls and drains with the clock."""

import math
from collections import deque
from dataclasses import dataclass, field
from typing import Final

WINDOW_S: Final = 3_600
"""Seconds that a call counts for."""
SLOT_S: Final = 60
"""Calls are counted together in slots of this many seconds."""
BASE_CALLS_PER_HOUR: Final = 190_000
CALLS_PER_AUDIENCE: Final = 40
CALLS_PER_HOUR_MAX: Final = 700_000


def default_allowance(audiences: int) -> int:
    """Return the documented calls an hour of an account on the full tier."""
    return min(BASE_CALLS_PER_HOUR + CALLS_PER_AUDIENCE * audiences, CALLS_PER_HOUR_MAX)


@dataclass(slots=True)
class Budget:
    """Calls of the last hour, as [slot start, count] from old to new."""

    slots: deque[list[int]] = field(default_factory=deque)

    def charge(self, now: float) -> None:
        """Count one call, a refused one too: calling on makes the wait longer."""
        start = int(now // SLOT_S) * SLOT_S
        self._drain(now)
        if self.slots and self.slots[-1][0] == start:
            self.slots[-1][1] += 1
        else:
            self.slots.append([start, 1])

    def used(self, now: float) -> int:
        """Return the calls that count now."""
        self._drain(now)
        return sum(count for _, count in self.slots)

    def wait_minutes(self, now: float, allowance: int) -> int:
        """Return the whole minutes until a call fits again; 0 while one does."""
        left = self.used(now)
        for start, count in self.slots:
            if left < allowance:
                break
            left -= count
            if left < allowance:
                return max(1, math.ceil((start + WINDOW_S - now) / 60))
        return 0

    def _drain(self, now: float) -> None:
        while self.slots and self.slots[0][0] + WINDOW_S <= now:
            self.slots.popleft()
