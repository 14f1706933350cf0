"""The HTTP port for operators: /metrics, /healthz and /readyz, and nothing else."""

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Final

from aiohttp import web

from service.monitor.texts import CONTENT_TYPE

OFF: Final = "off"
"""In place of an address: there is no such port."""
KEEPALIVE_S: Final = 60.0
"""Seconds for which a scraper's idle connection is kept: longer than usual between two scrapes."""
CLOSE_S_MAX: Final = 1.0
"""Seconds that answers under way may take at the end."""
BODY_BYTES_MAX: Final = 1024
"""Of a request, which needs none."""


class MonitorPortTaken(Exception):
    """The port cannot be had; says which setting is about it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pages:
    """What the pages say. Of the last two, problems: nothing when all is well."""

    metrics: Callable[[], Awaitable[str]]
    healthz: Callable[[], Awaitable[Sequence[str]]]
    readyz: Callable[[], Awaitable[Sequence[str]]]


@asynccontextmanager
async def monitor_port(listen: str, pages: Pages) -> AsyncIterator[str]:
    """Serve the pages until the block ends; yields the address, "" when `listen` is "off".

    Raises: MonitorPortTaken.
    """
    if listen == OFF:
        yield ""
        return
    runner = web.AppRunner(
        _application(pages),
        access_log=None,
        keepalive_timeout=KEEPALIVE_S,
        shutdown_timeout=CLOSE_S_MAX,
    )
    await runner.setup()
    try:
        yield await _listen(runner, listen)
    finally:
        await runner.cleanup()


async def _listen(runner: web.AppRunner, listen: str) -> str:
    host, _, port = listen.rpartition(":")
    try:
        await web.TCPSite(runner, host.strip("[]"), int(port)).start()
    except OSError:
        raise MonitorPortTaken(
            f"AUDIENCE_SYNC_METRICS_LISTEN: cannot listen on {listen}; is the port taken?"
        ) from None
    return f"{host}:{runner.addresses[0][1]}"


def _application(pages: Pages) -> web.Application:
    async def metrics(_: web.Request) -> web.Response:
        return web.Response(text=await pages.metrics(), headers={"Content-Type": CONTENT_TYPE})

    async def healthz(_: web.Request) -> web.Response:
        return _verdict(await pages.healthz())

    async def readyz(_: web.Request) -> web.Response:
        return _verdict(await pages.readyz())

    application = web.Application(client_max_size=BODY_BYTES_MAX)
    application.router.add_get("/metrics", metrics)
    application.router.add_get("/healthz", healthz)
    application.router.add_get("/readyz", readyz)
    return application


def _verdict(problems: Sequence[str]) -> web.Response:
    if problems:
        return web.Response(status=503, text="".join(f"{problem}\n" for problem in problems))
    return web.Response(text="ok\n")
