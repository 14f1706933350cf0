"""Lets other calls have the loop while a long piece of computing goes on."""

import asyncio
from collections.abc import Callable
from typing import Final

SLICE_SECONDS_MAX: Final = 0.01
"""Seconds that a bulk call computes before others get their turn. One item more may start in it."""


class Slices:
    """Counts the seconds that one call has held the loop.

    To be asked before every item of a long loop: `await slices.turn()`.
    """

    def __init__(self, monotonic: Callable[[], float]) -> None:
        self._monotonic = monotonic
        self._began = monotonic()

    async def turn(self) -> None:
        """Give the loop away if this slice is used up."""
        if self._monotonic() - self._began < SLICE_SECONDS_MAX:
            return
        await asyncio.sleep(0)
        self._began = self._monotonic()
