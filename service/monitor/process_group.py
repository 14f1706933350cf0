"""What several processes of one service tell operators, by the process that keeps them.

Each has its numbers to itself; it is asked for them at the scrape, and they stand side by side, named by
the process's place. What the database knows is told once.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Collection, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Final

import aiohttp
from prometheus_client import Metric
from prometheus_client.core import GaugeMetricFamily

from service.metrics.instruments import REGISTRY
from service.monitor.database_watch import DatabaseWatch
from service.monitor.http_port import OFF, Pages, monitor_port
from service.monitor.monitor import told_by_database, watching
from service.monitor.process_families import about_process
from service.monitor.texts import Collected, merged, text_of

ANSWER_S_MAX: Final = 3.0
"""Seconds that a process has to answer; one that does not turns its loop no more."""
KEEPER: Final = "keeper"
"""The name of the process that keeps the others."""


@dataclass(slots=True, kw_only=True)
class GroupMonitor:
    """`addresses`: of the monitor port of each process by its place, "" while it does not run."""

    watch: DatabaseWatch
    addresses: Callable[[], Mapping[str, str]]

    @asynccontextmanager
    async def opened(self, listen: str, token: str | None) -> AsyncIterator[str]:
        """Serve the pages until the block ends; yields the address, "" when there is no port.

        `token`: what is asked for, here and by the processes.
        """
        if listen == OFF:
            yield ""
            return
        patience = aiohttp.ClientTimeout(total=ANSWER_S_MAX)
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        async with aiohttp.ClientSession(
            timeout=patience, trust_env=False, headers=headers
        ) as session:
            asking = _Asking(session, self.addresses)
            pages = Pages(
                metrics=lambda: self._metrics(asking),
                healthz=asking.lifeless,
                readyz=lambda: self._unready(asking),
            )
            port = monitor_port(listen, pages, token=token)
            async with watching(self.watch), port as address:
                yield address

    async def _metrics(self, asking: "_Asking") -> str:
        texts, told = await asyncio.gather(asking.texts(), told_by_database(self.watch))
        answered = {place: place in texts for place in self.addresses()}
        texts[KEEPER] = await asyncio.to_thread(
            text_of, Collected(about_process(self.watch.readiness)), REGISTRY
        )
        return await asyncio.to_thread(merged, texts) + text_of(Collected([ups(answered), *told]))

    async def _unready(self, asking: "_Asking") -> Sequence[str]:
        """Calls may be sent here while one process takes them: the port is shared."""
        problems = self.watch.readiness.problems()
        if not problems and not await asking.ready():
            problems = ["no process is ready"]
        return problems


def ups(answered: Mapping[str, bool]) -> Metric:
    """Which places have a process that answers."""
    family = GaugeMetricFamily(
        "audience_sync_process_up",
        "Whether the process of this place answered this scrape.",
        labels=("process",),
    )
    for place, is_up in answered.items():
        family.add_metric((place,), float(is_up))
    return family


@dataclass(frozen=True, slots=True)
class _Asking:
    """Asks the processes that run, all at once."""

    session: aiohttp.ClientSession
    addresses: Callable[[], Mapping[str, str]]

    async def texts(self) -> dict[str, str]:
        """The metrics of those that answer."""
        return await self._well("metrics")

    async def lifeless(self) -> list[str]:
        """Those that run and do not answer."""
        asked = self._running()
        well = await self._well("healthz")
        still = self._running()
        return [
            f"process {place} does not answer"
            for place, address in asked.items()
            if place not in well and still.get(place) == address
        ]

    async def ready(self) -> Collection[str]:
        """Those that may be sent calls."""
        return await self._well("readyz")

    def _running(self) -> dict[str, str]:
        return {place: address for place, address in self.addresses().items() if address}

    async def _well(self, page: str) -> dict[str, str]:
        """What the processes say that have the page and answer it well."""
        running = self._running()
        answers = await asyncio.gather(
            *(self._one(f"http://{address}/{page}") for address in running.values())
        )
        return {
            place: text for place, text in zip(running, answers, strict=True) if text is not None
        }

    async def _one(self, url: str) -> str | None:
        try:
            async with self.session.get(url, raise_for_status=True) as response:
                return await response.text()
        except (aiohttp.ClientError, TimeoutError, OSError):
            return None
