"""The clock that is passed to whatever waits, so that tests can pass their own."""

import asyncio
import time
from datetime import UTC, datetime


class Clock:
    """Real time. Units: seconds."""

    def now(self) -> datetime:
        """The wall clock, in UTC. Leases and schedules go by the database's clock instead."""
        return datetime.now(UTC)

    def monotonic(self) -> float:
        return time.monotonic()

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)
