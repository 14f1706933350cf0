"""A server in Facebook's place: reads HTTP requests, and answers with bytes of the test's choice."""

import asyncio
import json
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from http import HTTPMethod

from tests.fuzz.graph_answers import AUDIENCE, CLEAN, Cells, Ending, Told
from tests.fuzz.graph_oracle import Proof, prove

OPERATIONS = {HTTPMethod.POST: "ADD", HTTPMethod.DELETE: "REMOVE"}


@dataclass(slots=True)
class Answerer:
    """Answers membership calls in turn from a script, once or over and over, then cleanly."""

    script: Sequence[Told] = ()
    for_ever: bool = False
    audience_id: str = AUDIENCE
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
        rows = _rows_of(body)
        method = head.split(b" ", 1)[0].decode()
        told = self._next()
        content = told.body.write(list(rows), self.audience_id)
        self.proofs.append(
            prove(OPERATIONS[HTTPMethod(method)], rows, told, content, self.audience_id)
        )
        if told.ending is Ending.RESET:
            writer.transport.abort()
            return
        raw = _http(told, content)
        whole = told.ending is Ending.WHOLE
        silent = told.ending is Ending.SILENT
        writer.write(raw if whole else b"" if silent else raw[: -max(1, len(content) // 2)])
        await writer.drain()

    def _next(self) -> Told:
        turn = len(self.proofs)
        if self.for_ever and self.script:
            return self.script[turn % len(self.script)]
        return self.script[turn] if turn < len(self.script) else CLEAN


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
