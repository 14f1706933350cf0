"""Tells how long the event loop was held: whatever comes for it meanwhile waits as long.

Not by a task that looks whether it wakes late, but where the loop waits for events: one turn is what it
does between two such waits, so the longest turn is exact, and looking at it costs next to nothing.
"""

import asyncio
import selectors
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import structlog

from service.clock import Clock
from service.metrics.instruments import note_longest_turn

REPORT_S: Final = 1.0
"""Seconds of which the longest turn is told in one line, so that a bad minute is not thousands."""

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Turn:
    """Seconds that one turn took, and of those the ones its thread was computing.

    The others went to processes and threads that had the processor, or the interpreter, instead.
    """

    seconds: float = 0.0
    computing_s: float = 0.0


class LoopTurns:
    """The turns of one loop, of which the longest is remembered."""

    def __init__(
        self,
        monotonic: Callable[[], float] = time.monotonic,
        thread_time: Callable[[], float] = time.thread_time,
    ) -> None:
        self._monotonic = monotonic
        self._thread_time = thread_time
        self._began: float | None = None
        self._computed_before = 0.0
        self._longest = Turn()

    def begin(self) -> None:
        self._began = self._monotonic()
        self._computed_before = self._thread_time()

    def end(self) -> None:
        if self._began is None:
            return
        seconds = self._monotonic() - self._began
        if seconds > self._longest.seconds:
            self._longest = Turn(seconds, self._thread_time() - self._computed_before)

    def take_longest(self) -> Turn:
        """The longest turn that ended since this was asked last."""
        longest, self._longest = self._longest, Turn()
        return longest

    def new_loop(self) -> asyncio.AbstractEventLoop:
        """A loop whose turns these are."""
        return asyncio.SelectorEventLoop(_Selector(self))


class _Selector(selectors.DefaultSelector):
    """Where the loop waits: every turn ends with a wait and begins with its end."""

    def __init__(self, turns: LoopTurns) -> None:
        super().__init__()
        self._turns = turns

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        self._turns.end()
        events = super().select(timeout)
        self._turns.begin()
        return events


async def report_long_turns(turns: LoopTurns, clock: Clock, *, seconds_max: float) -> None:
    """Log the longest turn of every `REPORT_S` if it was longer than it may be, until cancelled."""
    turns.take_longest()  # of the start, when nobody waits
    while True:
        await clock.sleep(REPORT_S)
        longest = turns.take_longest()
        note_longest_turn(longest.seconds)
        if longest.seconds > seconds_max:
            log.warning(
                "event loop held",
                milliseconds=round(longest.seconds * 1000, 1),
                computing_milliseconds=round(longest.computing_s * 1000, 1),
            )
