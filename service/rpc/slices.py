"""Lets other calls have the loop while a long piece of computing goes on."""

import asyncio
from collections.abc import Callable
from typing import Final

SLICE_SECONDS_MAX: Final = 0.001
"""Seconds that a bulk call computes before others get their turn. One item more may start in it.

A small call takes some twenty turns of the loop, so it waits for about as many slices.
"""


class Slices:
    """Counts the seconds that one call has held the loop.

    To be asked before every item of a long loop: `await slices.turn()`.
    """

    def __init__(self, monotonic: Callable[[], float]) -> None:
        self._monotonic = monotonic
        self._began = monotonic()

    def is_used_up(self) -> bool:
        """Whether this slice is over: time to give way."""
        return self._monotonic() - self._began >= SLICE_SECONDS_MAX

    async def give_way(self) -> None:
        """Give the loop away, and begin a new slice."""
        await asyncio.sleep(0)
        self._began = self._monotonic()

    async def turn(self) -> None:
        """Give the loop away if this slice is used up."""
        if self.is_used_up():
            await self.give_way()
