"""A clock that a test moves by hand, for tests of what waits."""

import asyncio

from service.clock import Clock


class HandClock(Clock):
    """Who sleeps wakes when the test has moved the clock so far."""

    def __init__(self) -> None:
        self.time = 0.0
        self._sleepers: list[tuple[float, asyncio.Event]] = []

    def monotonic(self) -> float:
        return self.time

    async def sleep(self, seconds: float) -> None:
        woken = asyncio.Event()
        sleeper = (self.time + seconds, woken)
        self._sleepers.append(sleeper)
        try:
            await woken.wait()
        finally:
            self._sleepers.remove(sleeper)

    async def advance(self, seconds: float) -> None:
        """Move on, from one who wakes to the next, and let everybody do what can be done then."""
        end = self.time + seconds
        await settle_down()
        while due := [sleeper for sleeper in self._sleepers if sleeper[0] <= end]:
            until, woken = min(due, key=lambda sleeper: sleeper[0])
            self.time = max(self.time, until)
            woken.set()
            await settle_down()
        self.time = end
        await settle_down()


async def settle_down() -> None:
    for _ in range(30):
        await asyncio.sleep(0)
