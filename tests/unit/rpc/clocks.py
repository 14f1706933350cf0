"""A clock for tests of slices: time passes only by asking."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager


class Ticking:
    """Every look at it is `step_s` later than the one before."""

    def __init__(self, step_s: float) -> None:
        self.step_s = step_s
        self.now_s = 0.0

    def __call__(self) -> float:
        self.now_s += self.step_s
        return self.now_s


class Turns:
    """Counts how often the loop came round."""

    def __init__(self) -> None:
        self.count = 0
        self._running = True

    def _turn(self) -> None:
        if self._running:
            self.count += 1
            asyncio.get_running_loop().call_soon(self._turn)

    def stop(self) -> None:
        self._running = False


@contextmanager
def counted_turns() -> Iterator[Turns]:
    """Counts the turns of the running loop while the block runs."""
    turns = Turns()
    asyncio.get_running_loop().call_soon(turns._turn)
    try:
        yield turns
    finally:
        turns.stop()
