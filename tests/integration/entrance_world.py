"""A server that asks who calls, over handlers that fail once they are reached."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, cast

import grpc.aio
from audiencesync.v1 import audience_sync_pb2 as pb
from audiencesync.v1.audience_sync_pb2_grpc import AudienceSyncServiceStub

from service.clock import Clock
from service.rpc.access.caller_limits import CallerBounds
from service.rpc.access.door import Entrance
from service.rpc.access.known_callers import KnownCallers
from service.rpc.api import Api
from service.rpc.server import RpcLimits, RpcServer
from tests.unit.rpc.access.builders import replaced

MESSAGE_BYTES_MAX = 1024 * 1024
GET = pb.GetAudienceRequest(audience_id="shoppers")


class Doors:
    """A pool that says when a handler has come as far as it, and is shut until told otherwise."""

    def __init__(self) -> None:
        self.reached = asyncio.Event()
        self.open = asyncio.Event()
        self.open.set()

    @asynccontextmanager
    async def acquire(self, *, timeout: float) -> AsyncIterator[None]:
        self.reached.set()
        await self.open.wait()
        if self.open.is_set():
            raise RuntimeError("beyond the entrance")
        yield


class Hands:
    """A clock whose wall time is set by hand; waits are real."""

    def __init__(self) -> None:
        self._clock = Clock()
        self.now = self._clock.now
        self.passed_s = 0.0

    def monotonic(self) -> float:
        return self._clock.monotonic() + self.passed_s

    async def sleep(self, seconds: float) -> None:
        await self._clock.sleep(seconds)


class Site:
    """The server, its file of tokens, and the ways to call it."""

    def __init__(self, tokens: Path, clock: Hands, doors: Doors, server: RpcServer) -> None:
        self.tokens, self.clock, self.doors, self.server = tokens, clock, doors, server
        self.address = f"localhost:{server.port}"

    def write_tokens(self, *lines: str) -> None:
        """Another file is there, and it is time to look at it."""
        replaced(self.tokens, "\n".join(lines))
        self.clock.passed_s += 10


@asynccontextmanager
async def running_site(
    folder: Path,
    *lines: str,
    bounds: CallerBounds | None = None,
    message_seconds_max: float = 30.0,
    credentials: grpc.ServerCredentials | None = None,
    knows_certificates: bool = False,
) -> AsyncIterator[Site]:
    """A server on a free port of this machine, and those whose lines are given."""
    tokens = replaced(folder / "tokens.toml", "\n".join(lines))
    doors, clock = Doors(), Hands()
    none = cast("Any", None)
    api = Api(
        pool=cast("Any", doors),
        keyring=none,
        graph=none,
        notifications=none,
        clock=cast("Any", clock),
    )
    server = RpcServer(
        api,
        address="localhost:0",
        new_error_id=lambda: "error",
        limits=RpcLimits(message_bytes_max=MESSAGE_BYTES_MAX),
        entrance=Entrance(
            callers=KnownCallers(tokens, clock.monotonic),
            bounds=bounds or CallerBounds(),
            message_seconds_max=message_seconds_max,
            knows_certificates=knows_certificates,
        ),
        credentials=credentials,
    )
    await server.start()
    try:
        yield Site(tokens, clock, doors, server)
    finally:
        await server.stop(0)


def bearer(token: str) -> tuple[tuple[str, str], ...]:
    """The metadata of a call with this token."""
    return (("authorization", f"Bearer {token}"),)


@asynccontextmanager
async def calling(site: Site) -> AsyncIterator[Any]:
    """A stub over a connection of its own. Untyped: its calls are held against refusals only."""
    own = [("grpc.use_local_subchannel_pool", 1)]
    async with grpc.aio.insecure_channel(site.address, own) as channel:
        yield AudienceSyncServiceStub(channel)
