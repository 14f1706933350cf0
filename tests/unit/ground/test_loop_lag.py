"""How long the loop was held is told exactly, and only when it was too long."""

import asyncio
import time

import pytest
from structlog.testing import capture_logs

from service.clock import Clock
from service.loop_lag import REPORT_S, LoopTurns, Turn, report_long_turns

HELD_S = 0.06


def turns_at(*times: float, computed: tuple[float, ...]) -> LoopTurns:
    """Turns on clocks that show these times, one after the other."""
    clock, thread = iter(times), iter(computed)
    return LoopTurns(lambda: next(clock), lambda: next(thread))


def test_the_longest_turn_is_told_with_what_its_thread_computed_then() -> None:
    turns = turns_at(10.0, 10.3, 20.0, 20.5, 30.0, 30.1, computed=(1.0, 1.2, 2.0, 2.1, 3.0))
    for _ in range(3):
        turns.begin()
        turns.end()
    longest = turns.take_longest()
    assert (longest.seconds, longest.computing_s) == pytest.approx((0.5, 0.1))


def test_a_turn_is_told_of_once() -> None:
    turns = turns_at(1.0, 2.0, 3.0, 3.5, computed=(0.0, 0.0, 0.0, 0.0))
    turns.begin()
    turns.end()
    assert turns.take_longest().seconds == 1.0
    assert turns.take_longest() == Turn()
    turns.begin()
    turns.end()
    assert turns.take_longest().seconds == 0.5


def test_before_the_first_wait_there_is_no_turn() -> None:
    turns = turns_at(computed=())
    turns.end()
    assert turns.take_longest() == Turn()


def test_the_wait_of_a_loop_is_no_turn_and_what_holds_it_is() -> None:
    turns = LoopTurns()

    async def wait_then_hold() -> tuple[Turn, Turn]:
        await asyncio.sleep(0)
        turns.take_longest()
        await asyncio.sleep(HELD_S * 10)
        waited = turns.take_longest()
        asyncio.get_running_loop().call_soon(time.sleep, HELD_S)
        await asyncio.sleep(HELD_S)
        return waited, turns.take_longest()

    with asyncio.Runner(loop_factory=turns.new_loop) as runner:
        waited, held = runner.run(wait_then_hold())
    assert waited.seconds < HELD_S * 9
    assert held.seconds >= HELD_S
    assert held.computing_s < held.seconds


class OneTurnASleep(Clock):
    """A clock on which the loop makes one turn in every sleep, and so many sleeps."""

    def __init__(self, turns: LoopTurns, sleeps: int) -> None:
        self._turns = turns
        self._sleeps = sleeps
        self.slept: list[float] = []

    async def sleep(self, seconds: float) -> None:
        if len(self.slept) == self._sleeps:
            raise asyncio.CancelledError
        self.slept.append(seconds)
        self._turns.begin()
        self._turns.end()


async def test_only_a_turn_that_took_too_long_is_logged() -> None:
    turns = turns_at(1.0, 1.01, 2.0, 2.08, 3.0, 3.05, computed=(0.0, 0.0, 0.0, 0.04, 0.0, 0.0))
    clock = OneTurnASleep(turns, sleeps=3)
    with capture_logs() as lines, pytest.raises(asyncio.CancelledError):
        await report_long_turns(turns, clock, seconds_max=0.06)
    assert [(line["milliseconds"], line["computing_milliseconds"]) for line in lines] == [(80, 40)]
    assert clock.slept == [REPORT_S] * 3
