"""Owns the fake's time: the wall clock plus what has been added by hand."""

from collections.abc import Callable


class Clock:
    """Unix seconds that can be pushed forward; token life, budgets and stamps read it."""

    def __init__(self, wall: Callable[[], float]) -> None:
        self._wall = wall
        self.advanced_s = 0.0

    def now(self) -> float:
        """Return the fake's present in Unix seconds."""
        return self._wall() + self.advanced_s

    def advance(self, seconds: float) -> None:
        """Move the present forward."""
        self.advanced_s += seconds

    def reset(self) -> None:
        """Return to the wall clock."""
        self.advanced_s = 0.0
