"""What happens to a simulated process between two awaits: it dies, stands still, or goes on."""

import asyncio
import random
from datetime import UTC, datetime, timedelta

from service.clock import Clock

EPOCH = datetime(2026, 11, 27, tzinfo=UTC)
STATEMENT_S_MAX = 0.004
"""Seconds that one statement takes at most; chance decides, so that tasks interleave."""

AT_ONCE = 0.6
"""Share of the statements that take no time, but let others go first."""


class Killed(BaseException):
    """The process is gone. No code of it runs on: whatever it tries next ends here."""


class Process:
    """One process: every await of it that has an effect outside passes through `step`."""

    def __init__(self, chance: random.Random) -> None:
        self.chance = chance
        self.is_dead = False
        self.standing_until = 0.0
        self.steps_to_live: int | None = None
        self.has_stood_still = False

    async def step(self) -> None:
        """Take a moment. Raises Killed."""
        moment = self.chance.random()
        await asyncio.sleep(moment * STATEMENT_S_MAX if moment > AT_ONCE else 0)
        await self.stand()
        if self.steps_to_live is not None:
            self.steps_to_live -= 1
            if self.steps_to_live < 0:
                self.is_dead = True
        self.check()

    async def stand(self) -> None:
        """Wait while the process is stopped."""
        loop = asyncio.get_running_loop()
        while (left := self.standing_until - loop.time()) > 0:
            self.has_stood_still = True
            await asyncio.sleep(left)

    def check(self) -> None:
        if self.is_dead:
            raise Killed


class ProcessClock(Clock):
    """The process's clocks: a wall clock that may be wrong, and seconds of the loop."""

    def __init__(self, process: Process, *, skew_s: float = 0.0) -> None:
        self._process = process
        self.skew_s = skew_s

    def now(self) -> datetime:
        return EPOCH + timedelta(seconds=asyncio.get_running_loop().time() + self.skew_s)

    def monotonic(self) -> float:
        return asyncio.get_running_loop().time()

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)
        await self._process.stand()
        self._process.check()
