"""An event loop on which waiting takes no time: when nothing can run, the clock jumps ahead."""

import asyncio
import selectors
from collections import deque
from collections.abc import Callable, Coroutine, Mapping
from heapq import heappop
from typing import Any, TypeVar

from tests.simulation.process import Killed

T = TypeVar("T")

TURN_S = 1e-7
"""Seconds that one turn of the loop takes: without them a wait for a rest of time would never end."""


JUMP_S_MAX = 24 * 3600.0
"""Seconds that one turn jumps at most, as any loop sleeps."""
CANCELLED_TIMERS_MAX = 100
"""Cancelled timers up to which it is not looked whether they are too many."""


class Stuck(Exception):
    """Nothing can run and nothing is waited for: whatever runs would wait for ever."""


class _JumpingSelector(selectors.BaseSelector):
    """Selects nothing: there is no I/O in a simulation, only time."""

    def __init__(self) -> None:
        self.now = 0.0
        self._map: dict[Any, selectors.SelectorKey] = {}

    def register(self, fileobj: Any, events: int, data: Any = None) -> selectors.SelectorKey:
        key = selectors.SelectorKey(fileobj, fileobj, events, data)
        self._map[fileobj] = key
        return key

    def unregister(self, fileobj: Any) -> selectors.SelectorKey:
        return self._map.pop(fileobj)

    def select(self, timeout: float | None = None) -> list[Any]:
        if timeout is None:
            raise Stuck
        self.now += max(TURN_S, timeout)
        return []

    def get_map(self) -> Mapping[Any, selectors.SelectorKey]:
        return self._map


class VirtualLoop(asyncio.SelectorEventLoop):
    """Time starts at 0 s and is exact; what goes to a thread elsewhere runs in place here."""

    # What the loop keeps for itself.
    _scheduled: list[Any]
    _ready: deque[asyncio.Handle]
    _stopping: bool
    _timer_cancelled_count: int

    def __init__(self) -> None:
        self._jumping = _JumpingSelector()
        super().__init__(self._jumping)
        self._clock_resolution = 1e-9

    def time(self) -> float:
        return self._jumping.now

    def _run_once(self) -> None:
        """Take one turn as any loop does, without what only real sockets and slow callbacks need.

        A history takes thousands of turns, most of them for one callback.
        """
        scheduled, ready, jumping = self._scheduled, self._ready, self._jumping
        if self._timer_cancelled_count > CANCELLED_TIMERS_MAX:
            # It clears them away, too. Its type is told nowhere.
            super()._run_once()  # type: ignore[misc]
            return
        while scheduled and scheduled[0]._cancelled:
            self._timer_cancelled_count -= 1
            heappop(scheduled)._scheduled = False
        if ready or self._stopping:
            jumping.now += TURN_S
        elif scheduled:
            jumping.now += max(TURN_S, min(scheduled[0]._when - jumping.now, JUMP_S_MAX))
        else:
            raise Stuck
        due_before = jumping.now + self._clock_resolution
        while scheduled and scheduled[0]._when < due_before:
            handle = heappop(scheduled)
            handle._scheduled = False
            ready.append(handle)
        for _ in range(len(ready)):  # what these add comes in the next turn
            handle = ready.popleft()
            if not handle._cancelled:
                handle._run()

    def run_in_executor(  # type: ignore[override]
        self, executor: Any, func: Callable[..., T], *args: Any
    ) -> "asyncio.Future[T]":
        done: asyncio.Future[T] = self.create_future()
        try:
            done.set_result(func(*args))
        except Exception as error:  # noqa: BLE001 - as an executor hands it over
            done.set_exception(error)
        return done


def run_virtually(main: Coroutine[Any, Any, T]) -> T:
    """Run to the end on a loop of its own, and end whatever it left running."""
    loop = VirtualLoop()
    loop.set_exception_handler(_pass_over_the_killed)
    try:
        return loop.run_until_complete(main)
    finally:
        left = asyncio.all_tasks(loop)
        for task in left:
            task.cancel()
        if left:
            loop.run_until_complete(asyncio.gather(*left, return_exceptions=True))
        loop.run_until_complete(loop.shutdown_asyncgens())
        loop.close()


def _pass_over_the_killed(loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
    """What ended because its process was killed is no news."""
    if not isinstance(context.get("exception"), Killed):
        loop.default_exception_handler(context)
