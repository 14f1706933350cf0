"""Owns the least a server can do: reads each body and says it has, to price sockets and HTTP."""

import asyncio
import json
import sys

from aiohttp import web

BODY_BYTES_MAX = 128 * 1024 * 1024


async def _handle(request: web.Request) -> web.Response:
    await request.read()
    return web.Response(body=b"{}")


async def _serve() -> None:
    application = web.Application(client_max_size=BODY_BYTES_MAX)
    application.router.add_route("*", "/{path:.*}", _handle)
    runner = web.AppRunner(application, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    sys.stdout.write(json.dumps({"graph_url": url}) + "\n")
    sys.stdout.flush()
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(_serve())
