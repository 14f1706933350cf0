"""The HTTP port for operators: /metrics, /healthz and /readyz, and nothing else."""

import hmac
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Final

import structlog
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

_log = structlog.get_logger("service.monitor")


class MonitorPortTaken(Exception):
    """The port cannot be had; says which setting is about it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pages:
    """What the pages say. Of the last two, problems: nothing when all is well."""

    metrics: Callable[[], Awaitable[str]]
    healthz: Callable[[], Awaitable[Sequence[str]]]
    readyz: Callable[[], Awaitable[Sequence[str]]]


@asynccontextmanager
async def monitor_port(listen: str, pages: Pages, *, token: str | None) -> AsyncIterator[str]:
    """Serve the pages until the block ends; yields the address, "" when `listen` is "off".

    `token`: what who asks for the metrics has to show, None: nothing. Raises: MonitorPortTaken.
    """
    if listen == OFF:
        yield ""
        return
    runner = web.AppRunner(
        _application(pages, token),
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


def _application(pages: Pages, token: str | None) -> web.Application:
    async def metrics(request: web.Request) -> web.Response:
        if token is not None and not _shows(request, token):
            _log.info("scrape refused", peer=request.remote, why="it does not show the token")
            return web.Response(status=401, headers={"WWW-Authenticate": "Bearer"})
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


def _shows(request: web.Request, token: str) -> bool:
    """Whether a request has the bearer token. How long it takes to compare tells nothing of it."""
    scheme, _, shown = request.headers.get("Authorization", "").partition(" ")
    return scheme.lower() == "bearer" and hmac.compare_digest(
        shown.strip().encode(errors="replace"), token.encode()
    )


def _verdict(problems: Sequence[str]) -> web.Response:
    if problems:
        return web.Response(status=503, text="".join(f"{problem}\n" for problem in problems))
    return web.Response(text="ok\n")
