"""Owns the score of an ad account: calls add points, time takes them off, too many block."""

import math
from dataclasses import dataclass
from typing import Final

DECAY_S: Final = 300
"""Seconds in which a full score drains."""
READ_POINTS: Final = 1
WRITE_POINTS: Final = 3


@dataclass(slots=True)
class AccountScore:
    """Points at a time, and until when the account is blocked; times in Unix seconds."""

    points: float = 0.0
    at: float = 0.0
    blocked_until: float = 0.0

    def charge(self, now: float, points: int, largest: int, block_s: int) -> bool:
        """Count one call; tell whether it goes through. A blocked call costs nothing."""
        if now < self.blocked_until:
            return False
        self.points, self.at = self.now(now, largest) + points, now
        if self.points > largest:
            self.points, self.blocked_until = float(largest), now + block_s
            return False
        return True

    def now(self, now: float, largest: int) -> float:
        """Return the points that are left by now."""
        return max(0.0, self.points - (now - self.at) * largest / DECAY_S)

    def percent(self, now: float, largest: int) -> float:
        """Return the part of the largest score, in per cent with two digits."""
        return round(self.now(now, largest) * 100 / max(largest, 1), 2)

    def reset_s(self, now: float, largest: int) -> int:
        """Return the whole seconds until the block ends, or else until the score is empty."""
        if now < self.blocked_until:
            return math.ceil(self.blocked_until - now)
        return math.ceil(self.now(now, largest) * DECAY_S / max(largest, 1))
