"""Owns the fake's time: the wall clock, moved by hand, or standing still."""

from collections.abc import Callable


class Clock:
    """Unix seconds that can be frozen and pushed forward; token life, budgets, stamps read it."""

    def __init__(self, wall: Callable[[], float]) -> None:
        self._wall = wall
        self.reset()

    def reset(self) -> None:
        """Return to the wall clock."""
        self.advanced_s = 0.0
        self._lost_s = 0.0
        self._frozen_at: float | None = None

    @property
    def is_frozen(self) -> bool:
        """Tell whether the clock stands."""
        return self._frozen_at is not None

    def now(self) -> float:
        """Return the fake's present in Unix seconds."""
        wall = self._wall() if self._frozen_at is None else self._frozen_at
        return wall - self._lost_s + self.advanced_s

    def real(self) -> float:
        """Return the wall clock, which neither freezing nor advancing touches."""
        return self._wall()

    def advance(self, seconds: float) -> None:
        """Move the present forward, also while the clock stands."""
        self.advanced_s += seconds

    def freeze(self) -> None:
        """Let the clock stand where it is."""
        if self._frozen_at is None:
            self._frozen_at = self._wall()

    def thaw(self) -> None:
        """Let the clock run on from where it stands."""
        if self._frozen_at is not None:
            self._lost_s += self._wall() - self._frozen_at
            self._frozen_at = None
