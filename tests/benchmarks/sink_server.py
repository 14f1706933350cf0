"""Owns the frame of a server that answers every call with one handler, for a benchmark to send to."""

import asyncio
import json
import sys
from collections.abc import Awaitable, Callable
from typing import Final

from aiohttp import web

BODY_BYTES_MAX: Final = 128 * 1024 * 1024


def serve(handle: Callable[[web.Request], Awaitable[web.Response]]) -> None:
    """Serve on a free port until ended; ready, it says `graph_url` in a line of JSON."""
    asyncio.run(_serve(handle))


async def _serve(handle: Callable[[web.Request], Awaitable[web.Response]]) -> None:
    application = web.Application(client_max_size=BODY_BYTES_MAX)
    application.router.add_route("*", "/{path:.*}", handle)
    runner = web.AppRunner(application, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    sys.stdout.write(json.dumps({"graph_url": url}) + "\n")
    sys.stdout.flush()
    await asyncio.Event().wait()
