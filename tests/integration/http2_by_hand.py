"""HTTP/2 as somebody with bad intentions writes it: calls that are begun and never said."""

import asyncio
import struct
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
DATA, HEADERS, SETTINGS, END_HEADERS = 0, 1, 4, 4


class RawConnection:
    """A connection whose frames are written one by one."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader, self._writer = reader, writer
        self._next_stream = 1

    async def begin_call(self, path: str, token: str) -> int:
        """Send the headers of a call, and nothing of its request."""
        stream, self._next_stream = self._next_stream, self._next_stream + 2
        headers = {
            ":method": "POST",
            ":scheme": "http",
            ":path": path,
            ":authority": "localhost",
            "te": "trailers",
            "content-type": "application/grpc",
            "authorization": f"Bearer {token}",
        }
        block = b"".join(_literal(name, value) for name, value in headers.items())
        await self._send(HEADERS, END_HEADERS, stream, block)
        return stream

    async def drip(self, stream: int, part: bytes) -> None:
        """Send some bytes of the request."""
        await self._send(DATA, 0, stream, part)

    async def _send(self, kind: int, flags: int, stream: int, payload: bytes) -> None:
        head = struct.pack(">I", len(payload))[1:] + bytes([kind, flags])
        self._writer.write(head + struct.pack(">I", stream) + payload)
        await self._writer.drain()


def _literal(name: str, value: str) -> bytes:
    """A header field as HPACK writes it without its tables."""
    return b"\x00" + _text(name) + _text(value)


def _text(text: str) -> bytes:
    assert len(text) < 127
    return bytes([len(text)]) + text.encode()


def message_of(size: int) -> bytes:
    """The head of a gRPC message of this size, of which nothing follows."""
    return b"\x00" + struct.pack(">I", size)


@asynccontextmanager
async def raw_connection(port: int) -> AsyncIterator[RawConnection]:
    """Connect and shake hands; what the server says is read and thrown away."""
    reader, writer = await asyncio.open_connection("localhost", port)
    writer.write(PREFACE)
    raw = RawConnection(reader, writer)
    await raw._send(SETTINGS, 0, 0, b"")
    listening = asyncio.ensure_future(_throw_away(reader))
    try:
        yield raw
    finally:
        listening.cancel()
        writer.close()


async def _throw_away(reader: asyncio.StreamReader) -> None:
    while await reader.read(65_536):
        pass
