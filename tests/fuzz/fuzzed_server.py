"""The real server over a real channel and a real database, and what must hold of every answer."""

import asyncio
import re
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from itertools import count
from typing import Any, Final

import asyncpg
import grpc
import grpc.aio
import structlog
from audiencesync.v1 import audience_sync_pb2 as pb
from audiencesync.v1 import error_reason_pb2
from google.protobuf.descriptor import MethodDescriptor

from tests.fuzz.messages import MARK, Known
from tests.integration.rpc_refusals import Refusal, read_refusal
from tests.integration.rpc_world import RpcWorld, running_rpc
from tests.unit.rpc.builders import an_add

SERVICE: Final = pb.DESCRIPTOR.services_by_name["AudienceSyncService"]
METHODS: Final[Sequence[MethodDescriptor]] = tuple(SERVICE.methods)
CALL_S_MAX: Final = 20.0
"""Seconds after which a call counts as hanging."""

CIVIL: Final = frozenset(
    {
        grpc.StatusCode.OK,
        grpc.StatusCode.INVALID_ARGUMENT,
        grpc.StatusCode.NOT_FOUND,
        grpc.StatusCode.ALREADY_EXISTS,
        grpc.StatusCode.FAILED_PRECONDITION,
        grpc.StatusCode.RESOURCE_EXHAUSTED,
    }
)
"""Codes of answers to nonsense: Facebook and the database are well, so never UNAVAILABLE."""

ODD_SYNC_IDS: Final = ("0", "a" * 20, "z" * 20, "7" * 20, "z" * 64, "9" * 64)

_OF_THE_INSIDE: Final = re.compile(
    r"Traceback|\.py\b|\bline \d|site-packages|asyncpg|google\.protobuf|\w(Error|Exception)\b|"
    r"<class|object at 0x|/service/"
)
_REASONS: Final = frozenset(
    name.removeprefix("ERROR_REASON_")
    for name in error_reason_pb2.ErrorReason.keys()  # noqa: SIM118
)


@dataclass(slots=True)
class Answered:
    """How a call ended. `trailers` is everything that came along, undecoded."""

    refusal: Refusal
    trailers: bytes = b""
    response: bytes = field(default=b"", repr=False)

    @property
    def code(self) -> grpc.StatusCode:
        return self.refusal.code

    @property
    def is_ok(self) -> bool:
        return self.code is grpc.StatusCode.OK


class FuzzedServer:
    """Throws messages at the server and holds every answer against what was promised."""

    def __init__(
        self,
        runner: asyncio.Runner,
        world: RpcWorld,
        database: "asyncpg.Connection[asyncpg.Record]",
        known: Known,
        log: list[Any],
    ) -> None:
        self.world = world
        self.known = known
        self._runner = runner
        self._database = database
        self._log = log
        self._fingerprint_sql = ""
        self._stored = ""
        self._newcomers = count(1)

    def throw(
        self,
        method: MethodDescriptor,
        raw: bytes,
        *,
        metadata: Sequence[tuple[str, str | bytes]] = (),
        compression: grpc.Compression | None = None,
    ) -> Answered:
        """Make a call; the answer is civil, and one that refuses leaves everything as it was."""
        return self._runner.run(self._throw(method, raw, metadata, compression))

    def throw_at_the_socket(self, raw: bytes) -> None:
        """Write bytes to the server's port and hang up."""
        self._runner.run(self._throw_at_the_socket(raw))

    def renew(self) -> None:
        """Let calls be about an audience that nobody has paused or disconnected yet."""
        self._stored = ""
        self._runner.run(self._renew())

    def serve(self) -> None:
        """Make calls that have to pass, a change of membership among them."""
        self._stored = ""
        self._runner.run(self._serve())

    async def _throw(
        self,
        method: MethodDescriptor,
        raw: bytes,
        metadata: Sequence[tuple[str, str | bytes]],
        compression: grpc.Compression | None,
    ) -> Answered:
        self._log.clear()
        before = self._stored or await self._fingerprint()
        answered = await _answer(self._call(method, raw, metadata, compression), method)
        self._hold_civil(answered)
        self._stored = await self._fingerprint()
        if not answered.is_ok:
            assert self._stored == before, "a refused call has changed something"
        return answered

    async def _throw_at_the_socket(self, raw: bytes) -> None:
        async with asyncio.timeout(CALL_S_MAX):
            _, writer = await asyncio.open_connection("127.0.0.1", self.world.server.port)
            writer.write(raw)
            with suppress(ConnectionError):
                await writer.drain()
            writer.close()
            with suppress(ConnectionError):
                await writer.wait_closed()

    def _call(
        self,
        method: MethodDescriptor,
        raw: bytes,
        metadata: Sequence[tuple[str, str | bytes]],
        compression: grpc.Compression | None,
    ) -> Any:
        kinds = {
            (False, False): self.world.channel.unary_unary,
            (False, True): self.world.channel.unary_stream,
            (True, False): self.world.channel.stream_unary,
            (True, True): self.world.channel.stream_stream,
        }
        make: Any = kinds[method.client_streaming, method.server_streaming](
            f"/{SERVICE.full_name}/{method.name}"
        )
        return make(
            iter([raw]) if method.client_streaming else raw,
            metadata=tuple(metadata) or None,
            compression=compression,
            timeout=CALL_S_MAX,
        )

    def _hold_civil(self, answered: Answered) -> None:
        defects = [line for line in self._log if line["event"] == "defect"]
        assert defects == []
        assert answered.code in CIVIL, answered.refusal
        assert MARK.encode() not in answered.trailers
        assert MARK not in repr(self._log)
        if not answered.is_ok:
            assert not _OF_THE_INSIDE.search(answered.refusal.whole), answered.refusal
            assert answered.refusal.reason in _REASONS or _is_of_grpc_itself(answered.refusal)

    async def _fingerprint(self) -> str:
        """One figure for everything that is stored."""
        if not self._fingerprint_sql:
            tables = await self._database.fetch(
                "select tablename from pg_tables where schemaname = 'public' order by 1"
            )
            self._fingerprint_sql = " union all ".join(
                f"select md5(coalesce(string_agg(t::text, '|' order by t::text), '')) from {name} t"  # noqa: S608
                for (name,) in tables
            )
        return "".join(str(row[0]) for row in await self._database.fetch(self._fingerprint_sql))

    async def _renew(self) -> None:
        audience_id = f"shoppers-{next(self._newcomers)}"
        await self.world._connect(audience_id)
        for _ in range(100):  # others may be due before it
            if (await self.world.audience(audience_id)).state == pb.Audience.STATE_ACTIVE:
                break
            await self.world.create_on_facebook()
        asked = await self.world.stub.SyncNow(pb.SyncNowRequest(audience_id=audience_id))
        self.known = {
            **self.known,
            "audience_id": (audience_id, "nobody", "leaver"),
            "sync_id": (asked.sync.sync_id, *ODD_SYNC_IDS),
        }

    async def _serve(self) -> None:
        change = an_add("steady", emails=["steady@mail.example"])
        request = pb.UpdateMembershipRequest(audience_id="steady", changes=[change])
        answer = await self.world.stub.UpdateMembership(request, timeout=CALL_S_MAX)
        assert answer.changed_count + answer.unchanged_count == 1
        assert (await self.world.audience("steady")).member_count == 1


async def _answer(call: Any, method: MethodDescriptor) -> Answered:
    """Until the first message or the end: a stream may go on for ever."""
    try:
        if not method.server_streaming:
            return Answered(Refusal(grpc.StatusCode.OK, ""), response=await call)
        first = await call.read()
        if first is grpc.aio.EOF:
            return Answered(Refusal(await call.code(), await call.details()))
        call.cancel()
        return Answered(Refusal(grpc.StatusCode.OK, ""), response=first)
    except grpc.aio.AioRpcError as error:
        trailers = b"".join(
            value if isinstance(value, bytes) else value.encode()
            for _, value in error.trailing_metadata()
        )
        return Answered(read_refusal(error), trailers + (error.details() or "").encode())


def _is_of_grpc_itself(refusal: Refusal) -> bool:
    """What gRPC refuses by its limits never reaches our code, and has no reason of ours."""
    return refusal.code is grpc.StatusCode.RESOURCE_EXHAUSTED and refusal.reason == ""


@contextmanager
def fuzzed_server(
    database: Callable[[], AbstractAsyncContextManager[str]],
) -> Iterator[FuzzedServer]:
    """A server with an audience of every kind that a call may be about."""
    with structlog.testing.capture_logs() as log, asyncio.Runner() as runner:
        stack = AsyncExitStack()

        async def enter() -> tuple[RpcWorld, Any, Known]:
            url = await stack.enter_async_context(database())
            world = await stack.enter_async_context(running_rpc(url, connect_wait_s=0))
            inspector = await asyncpg.connect(url)
            stack.push_async_callback(inspector.close)
            return world, inspector, await _furnish(world)

        try:
            world, inspector, known = runner.run(enter())
            yield FuzzedServer(runner, world, inspector, known, log)
        finally:
            runner.run(_within(CALL_S_MAX, stack.aclose()))


async def _within(seconds: float, work: Awaitable[None]) -> None:
    async with asyncio.timeout(seconds):
        await work


async def _furnish(world: RpcWorld) -> Mapping[str, Sequence[str]]:
    """Connect and fill what fuzzed calls find; nobody throws anything at "steady"."""
    await world.connect_account()
    for audience_id in ("steady", "leaver"):
        await world._connect(audience_id)
        await world.create_on_facebook()
    leaving = pb.DisconnectAudienceRequest(audience_id="leaver")
    await world.stub.DisconnectAudience(leaving)
    return {
        "ad_account_id": ("act_1", "act_2", "act_99999999999999999999"),
        "name": ("Shoppers",),
        "access_token": ("EAABtoken",),
        "app_id": ("555",),
        "paths": ("name", "description", "sync_interval", "default_region", "changes.member"),
        "default_region": ("DE", "US", "ZZ"),
        "existing_custom_audience_id": ("9" * 20, "1"),
        "request_id": ("again", "r" * 128),
        "member_id": ("m1", "m2", f"{MARK}m3"),
        "emails": (f"{MARK}mail.example", "ann@mail.example"),
        "phones": ("+1 650 555 0100",),
        "mobile_ad_ids": ("38400000-8cf0-11bd-b23e-10b96e40000d",),
    }
