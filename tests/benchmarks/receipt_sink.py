"""Owns a server that reads each body whole and answers with a receipt for all its rows."""

import re

from aiohttp import web

from tests.benchmarks.sink_server import serve

TAIL_BYTES = 200
"""At the end of a body of ours, where it says how many rows it has."""

_ROWS = re.compile(rb'"estimated_num_total":(\d+)')


async def _handle(request: web.Request) -> web.Response:
    found = _ROWS.search((await request.read())[-TAIL_BYTES:])
    rows = int(found[1]) if found else 0
    receipt = {"num_received": rows, "num_invalid_entries": 0, "invalid_entry_samples": {}}
    return web.json_response(receipt)


if __name__ == "__main__":
    serve(_handle)
