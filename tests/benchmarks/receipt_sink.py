"""Owns a server that reads each body whole and answers with a receipt for all its rows."""

import asyncio
import json
import re
import sys

from aiohttp import web

BODY_BYTES_MAX = 128 * 1024 * 1024
TAIL_BYTES = 200
"""At the end of a body of ours, where it says how many rows it has."""

_ROWS = re.compile(rb'"estimated_num_total":(\d+)')


async def _handle(request: web.Request) -> web.Response:
    found = _ROWS.search((await request.read())[-TAIL_BYTES:])
    rows = int(found[1]) if found else 0
    receipt = {"num_received": rows, "num_invalid_entries": 0, "invalid_entry_samples": {}}
    return web.json_response(receipt)


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
