"""A server in Facebook's place: reads HTTP requests, and answers with bytes of the test's choice."""

import asyncio
import json
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field

from yarl import URL

from tests.fuzz.graph_answers import CLEAN, Cells, Ending, Told
from tests.fuzz.graph_oracle import Proof, prove

OPERATIONS = {"POST": "ADD", "DELETE": "REMOVE"}


@dataclass(slots=True)
class Answerer:
    """Answers membership calls in turn from a script, once or over and over, then cleanly."""

    script: Sequence[Told] = ()
    for_ever: bool = False
    behind: URL | None = None
    """A Facebook that answers what the script does not."""
    url: str = ""
    proofs: list[Proof] = field(default_factory=list)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(ConnectionError, asyncio.IncompleteReadError):
            head = await reader.readuntil(b"\r\n\r\n")
            body = await reader.readexactly(_length(head))
            await self._answer(head, body, writer)
        writer.close()
        with suppress(ConnectionError):
            await writer.wait_closed()

    async def _answer(self, head: bytes, body: bytes, writer: asyncio.StreamWriter) -> None:
        method, path = head.decode().split(" ")[:2]
        operation = OPERATIONS.get(method) if path.partition("?")[0].endswith("/users") else None
        told = self._next() if operation else CLEAN
        if told is CLEAN and self.behind is not None:
            raw = await self._ask_behind(head, body)
            told, content = _read_http(raw)
        else:
            content = told.body.write(list(_rows_of(body)), _audience_in(path))
            raw = _http(told, content)
        if operation:
            proof = prove(operation, _rows_of(body), told, content, _audience_in(path))
            self.proofs.append(proof)
        await _end(writer, told, raw, len(content))

    async def _ask_behind(self, head: bytes, body: bytes) -> bytes:
        url = self.behind or URL()
        reader, writer = await asyncio.open_connection(url.host, url.port)
        dropped = (b"connection:", b"accept-encoding:")
        lines = [line for line in head.split(b"\r\n") if not line.lower().startswith(dropped)]
        writer.write(b"\r\n".join([lines[0], b"Connection: close", *lines[1:]]) + body)
        raw = await reader.read()
        writer.close()
        await writer.wait_closed()
        return raw

    def _next(self) -> Told:
        turn = len(self.proofs)
        if self.for_ever and self.script:
            return self.script[turn % len(self.script)]
        return self.script[turn] if turn < len(self.script) else CLEAN


async def _end(writer: asyncio.StreamWriter, told: Told, raw: bytes, body_length: int) -> None:
    if told.ending is Ending.RESET:
        writer.transport.abort()
        return
    parts = {Ending.WHOLE: len(raw), Ending.SILENT: 0, Ending.CUT: len(raw) - body_length // 2 - 1}
    writer.write(raw[: parts[told.ending]])
    await writer.drain()


def _read_http(raw: bytes) -> tuple[Told, bytes]:
    head, _, body = raw.partition(b"\r\n\r\n")
    return Told(http_status=int(head.split(b" ")[1])), body


def _audience_in(path: str) -> str:
    """The audience of `/v26.0/<audience>/users`."""
    return path.split("/")[2]


def _rows_of(body: bytes) -> dict[str, Cells]:
    """The rows by their text, as a receipt echoes them."""
    payload = json.loads(body)["payload"]
    return {
        json.dumps(cells, separators=(",", ":")): frozenset(
            (key, cell) for key, cell in zip(payload["schema"], cells, strict=True) if cell
        )
        for cells in payload["data"]
    }


def _length(head: bytes) -> int:
    for line in head.lower().split(b"\r\n"):
        if line.startswith(b"content-length:"):
            return int(line.partition(b":")[2])
    return 0


def _http(told: Told, content: bytes) -> bytes:
    named = {name.lower() for name, _ in told.headers}
    lines = [f"HTTP/1.1 {told.http_status} Said So", f"Content-Length: {len(content)}"]
    if "content-type" not in named:
        lines.append("Content-Type: application/json; charset=UTF-8")
    lines += [f"{name}: {value}" for name, value in told.headers]
    return "\r\n".join([*lines, "Connection: close", "", ""]).encode() + content


@asynccontextmanager
async def answering(answerer: Answerer) -> AsyncIterator[Answerer]:
    server = await asyncio.start_server(answerer.serve, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    answerer.url = f"http://127.0.0.1:{port}"
    async with server:
        yield answerer
