"""A TCP proxy on loopback that can cut, refuse, hold up and lose what passes through it."""

import asyncio
import contextlib
import socket
import struct
import threading
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from typing import Final, Self, TypeVar

T = TypeVar("T")
Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]

READ_BYTES: Final = 65_536
ORDER_S_MAX: Final = 10.0
"""Seconds that the proxy takes at most to do what it is told."""
_AT_ONCE: Final = struct.pack("ii", 1, 0)
"""SO_LINGER: closing sends a reset and forgets what was not sent yet."""


class Proxy:
    """Runs in a thread of its own; its methods are for other threads."""

    def __init__(self, dial: Callable[[], Awaitable[Streams]]) -> None:
        self._dial = dial
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._server: asyncio.Server | None = None
        self._writers: set[asyncio.StreamWriter] = set()
        self._flows = asyncio.Event()
        self._loses_answers = False
        self.port = 0

    def __enter__(self) -> Self:
        self._thread.start()
        self._flows.set()
        self._order(self._listen())
        return self

    def __exit__(self, *_: object) -> None:
        self._order(self._end())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.port}"

    def cut(self) -> None:
        """Reset every connection that is open."""
        self._order(self._reset_all())

    def refuse(self) -> None:
        """Reset every connection, and take none until `accept`."""
        self._order(self._close())

    def accept(self) -> None:
        """Take connections again, on the same port."""
        self._order(self._listen())

    def hold_up(self) -> None:
        """Let nothing pass, as a network that is gone, until `let_pass`."""
        self._loop.call_soon_threadsafe(self._flows.clear)

    def let_pass(self) -> None:
        self._loop.call_soon_threadsafe(self._flows.set)

    def lose_answers(self, *, lose: bool) -> None:
        """Swallow what comes from behind; what is asked still arrives there."""
        self._loses_answers = lose

    def _order(self, work: Coroutine[object, object, T]) -> T:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(ORDER_S_MAX)

    async def _listen(self) -> None:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", self.port)
        self.port = self._server.sockets[0].getsockname()[1]

    async def _close(self) -> None:
        if self._server is not None:
            self._server.close()
            self._server = None
        await self._reset_all()

    async def _end(self) -> None:
        await self._close()
        serving = asyncio.all_tasks() - {asyncio.current_task()}
        for task in serving:
            task.cancel()
        await asyncio.gather(*serving, return_exceptions=True)

    async def _reset_all(self) -> None:
        for writer in self._writers:
            sock = writer.get_extra_info("socket")
            if sock.family == socket.AF_INET:
                with contextlib.suppress(OSError):
                    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _AT_ONCE)
            writer.transport.abort()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError, asyncio.CancelledError):
            async with self._noted(writer):
                upstream_reader, upstream_writer = await self._dial()
                async with self._noted(upstream_writer):
                    await self._pass_on_until_an_end(
                        (reader, upstream_writer), (upstream_reader, writer)
                    )

    async def _pass_on_until_an_end(self, asked: Streams, answered: Streams) -> None:
        ways = [
            asyncio.create_task(self._pass_on(*asked, are_answers=False)),
            asyncio.create_task(self._pass_on(*answered, are_answers=True)),
        ]
        await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
        for way in ways:
            way.cancel()
        await asyncio.wait(ways)

    async def _pass_on(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, are_answers: bool
    ) -> None:
        with contextlib.suppress(OSError):
            while data := await reader.read(READ_BYTES):
                await self._flows.wait()
                if not (are_answers and self._loses_answers):
                    writer.write(data)
                    await writer.drain()

    @contextlib.asynccontextmanager
    async def _noted(self, writer: asyncio.StreamWriter) -> AsyncIterator[None]:
        self._writers.add(writer)
        try:
            yield
        finally:
            self._writers.discard(writer)
            writer.close()
