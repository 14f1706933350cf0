"""Sends one HTTP request exactly once, and tells an answer from none.

aiohttp sends a GET or DELETE a second time when a kept-alive connection turns out dead. A removal
must not be repeated behind the back of the code that keeps removals and additions apart, so
`send_once` stands around every attempt and turns that failure into one that is not retried.
"""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import aiohttp
from aiohttp.abc import AbstractStreamWriter
from aiohttp.payload import Payload
from yarl import URL

from service.graph.payload import MembershipBody

CONNECT_SECONDS_MAX: Final = 10.0
"""Longest wait for a connection, in seconds: what takes longer was surely not sent."""

ANSWER_BYTES_MAX: Final = 8 * 1024 * 1024
"""Largest answer read, in bytes after decompression; 100 audiences or samples take far less."""

HEADER_BYTES_MAX: Final = 64 * 1024
"""Largest header read, in bytes; a usage header may have 32 entries (graph-contract §8.1)."""

CONNECTIONS_MAX: Final = 256
"""Connections open at once in one process."""

_NEVER_SENT: Final = (
    aiohttp.ClientConnectorError,
    aiohttp.ConnectionTimeoutError,
    aiohttp.ServerFingerprintMismatch,
    aiohttp.InvalidURL,
)


class PiecewisePayload(Payload):
    """Writes a body while it is built. Other tasks have their turn between two pieces."""

    def __init__(self, body: MembershipBody) -> None:
        super().__init__(body, content_type="application/json")
        self._body = body
        self._size = body.size

    async def write(self, writer: AbstractStreamWriter) -> None:
        for piece in self._body.pieces():
            await writer.write(piece)
            await asyncio.sleep(0)

    def decode(self, encoding: str = "utf-8", errors: str = "strict") -> str:
        return b"".join(self._body.pieces()).decode(encoding, errors)


class ConnectionLostError(aiohttp.ClientError):
    """The connection broke after the request may have left. Of no class that aiohttp retries."""


@dataclass(frozen=True, slots=True)
class Reply:
    """A whole HTTP answer."""

    http_status: int
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True, slots=True)
class NoReply:
    """No whole answer came. `what` is the name of the error: its text may hold the URL."""

    what: str
    was_sent: bool


def open_http_session() -> aiohttp.ClientSession:
    """Open a session for Graph: no cookies, no proxies or passwords from the environment."""
    return aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(limit=CONNECTIONS_MAX),
        cookie_jar=aiohttp.DummyCookieJar(),
        trust_env=False,
    )


async def send(
    session: aiohttp.ClientSession,
    method: str,
    url: URL,
    *,
    bearer: str,
    body: bytes | MembershipBody | None,
    timeout_s: float,
) -> Reply | NoReply:
    """Send one request within `timeout_s` seconds, the answer's last byte included.

    Never raises on what a network or a server does. Errors are returned, not chained: aiohttp's
    carry the URL, in which a token may stand.
    """
    try:
        async with session.request(
            method,
            url,
            headers=_headers(bearer, body),
            data=PiecewisePayload(body) if isinstance(body, MembershipBody) else body,
            timeout=_timeout(timeout_s),
            allow_redirects=False,
            max_line_size=HEADER_BYTES_MAX,
            max_field_size=HEADER_BYTES_MAX,
            middlewares=(send_once,),
        ) as response:
            answered = await _read_bounded(response)
            return Reply(response.status, response.headers, answered)
    except _NEVER_SENT as error:
        return NoReply(type(error).__name__, was_sent=False)
    except (aiohttp.ClientError, OSError, TimeoutError) as error:
        return NoReply(type(error).__name__, was_sent=True)


async def send_once(
    request: aiohttp.ClientRequest, handler: aiohttp.ClientHandlerType
) -> aiohttp.ClientResponse:
    """Keep aiohttp from sending a request again over a new connection."""
    try:
        return await handler(request)
    except _NEVER_SENT:
        raise
    except (aiohttp.ClientOSError, aiohttp.ServerDisconnectedError) as error:
        raise ConnectionLostError(type(error).__name__) from None


def _headers(bearer: str, body: bytes | MembershipBody | None) -> dict[str, str]:
    headers = {"Authorization": f"Bearer {bearer}", "Accept": "application/json"}
    return headers if body is None else headers | {"Content-Type": "application/json"}


def _timeout(timeout_s: float) -> aiohttp.ClientTimeout:
    return aiohttp.ClientTimeout(
        total=timeout_s,
        sock_connect=min(CONNECT_SECONDS_MAX, timeout_s),
        # aiohttp rounds long time-outs up to whole seconds; leases are counted on exact ones.
        ceil_threshold=float("inf"),
    )


async def _read_bounded(response: aiohttp.ClientResponse) -> bytes:
    answered = bytearray()
    async for part in response.content.iter_any():
        answered += part
        if len(answered) > ANSWER_BYTES_MAX:
            raise aiohttp.ClientPayloadError("the answer is too long")
    return bytes(answered)
