"""Owns the least a server can do: reads each body and says it has, to price sockets and HTTP."""

from aiohttp import web

from tests.benchmarks.sink_server import serve


async def _handle(request: web.Request) -> web.Response:
    await request.read()
    return web.Response(body=b"{}")


if __name__ == "__main__":
    serve(_handle)
