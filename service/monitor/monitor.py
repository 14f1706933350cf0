"""What one process tells operators, put together."""

import asyncio
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Final

from prometheus_client import Metric, ProcessCollector

from service.metrics.instruments import REGISTRY
from service.monitor.database_watch import DatabaseWatch
from service.monitor.families import ad_account_families, audience_families, database_families
from service.monitor.http_port import Pages, monitor_port
from service.monitor.texts import Collected, Collector, text_of

TEXT_S_MIN: Final = 1.0
"""Seconds for which the text of a scrape is good: making it takes some ten milliseconds."""

ProcessCollector(registry=REGISTRY)


@dataclass(slots=True, kw_only=True)
class ProcessMonitor:
    """One process. `own`: what is read of it; `tells_database`: not where somebody else does."""

    watch: DatabaseWatch
    own: Collector
    tells_database: bool = True
    _making: asyncio.Lock = field(default_factory=asyncio.Lock, init=False)
    _text: str = field(default="", init=False)
    _made_at: float | None = field(default=None, init=False)

    @asynccontextmanager
    async def opened(self, listen: str, token: str | None) -> AsyncIterator[str]:
        """Look after the database and serve the pages until the block ends; yields the address."""
        pages = Pages(metrics=self.metrics, healthz=self.healthz, readyz=self.readyz)
        async with watching(self.watch), monitor_port(listen, pages, token=token) as address:
            yield address

    async def metrics(self) -> str:
        """All metrics, a second old at most however many scrape."""
        async with self._making:
            now = self.watch.clock.monotonic()
            if self._made_at is None or now - self._made_at >= TEXT_S_MIN:
                self._text = await self._make()
                self._made_at = self.watch.clock.monotonic()
            return self._text

    async def healthz(self) -> Sequence[str]:
        """That this is answered is the answer: the loop turns."""
        return ()

    async def readyz(self) -> Sequence[str]:
        return self.watch.readiness.problems()

    async def _make(self) -> str:
        families = [*self.own.collect()]
        if self.tells_database:
            families += await told_by_database(self.watch)
        # In a thread, in slices of the interpreter: calls go on meanwhile.
        return await asyncio.to_thread(text_of, Collected(families), REGISTRY)


async def told_by_database(watch: DatabaseWatch) -> Iterable[Metric]:
    """The same by whichever process it is told; without the database only that it is away."""
    sample = await watch.sample()
    families = [*database_families(is_up=sample is not None)]
    if sample is not None:
        families += audience_families(sample.audiences)
        families += ad_account_families(sample.ad_accounts)
    return families


@asynccontextmanager
async def watching(watch: DatabaseWatch) -> AsyncIterator[None]:
    """Look after the database until the block ends."""
    looking = asyncio.create_task(watch.keep_looking())
    try:
        yield
    finally:
        looking.cancel()
        with suppress(asyncio.CancelledError):
            await looking
        watch.close()
