"""What surrounds every call: decoding, limits, defects, the log line, health and reflection."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from typing import Any, cast

import grpc
import grpc.aio
import pytest
import structlog
from audiencesync.v1 import audience_sync_pb2 as pb
from audiencesync.v1.audience_sync_pb2_grpc import (
    AudienceSyncServiceStub,
)
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection_pb2, reflection_pb2_grpc
from phonenumbers import SUPPORTED_REGIONS

from service.clock import Clock
from service.identifiers.plain_phone import plan_of
from service.rpc.api import Api
from service.rpc.server import RpcServer
from service.store.errors import StoreUnavailable
from tests.integration.rpc_refusals import refusal
from tests.integration.rpc_world import MESSAGE_BYTES_MAX, running_server

SERVICE = "audiencesync.v1.AudienceSyncService"


class BrokenPool:
    """A pool whose connections fail in a chosen way, after a chosen event."""

    def __init__(self) -> None:
        self.error: Exception | None = RuntimeError("jane@example.com is in this text")
        self.asked = asyncio.Event()
        self.go_on = asyncio.Event()
        self.go_on.set()

    @asynccontextmanager
    async def acquire(self, *, timeout: float) -> AsyncIterator[None]:
        self.asked.set()
        await self.go_on.wait()
        if self.error is not None:
            raise self.error
        yield


class World:
    def __init__(self, pool: BrokenPool, server: RpcServer, channel: grpc.aio.Channel) -> None:
        self.pool, self.server = pool, server
        self.channel: Any = channel
        self.stub = AudienceSyncServiceStub(channel)

    def get(self) -> Any:
        return self.stub.GetAudience(pb.GetAudienceRequest(audience_id="shoppers"))


@pytest.fixture
async def world() -> AsyncIterator[World]:
    pool = BrokenPool()
    none = cast("Any", None)
    api = Api(pool=cast("Any", pool), keyring=none, graph=none, notifications=none, clock=Clock())
    async with running_server(api, in_work_max=MESSAGE_BYTES_MAX) as (server, channel):
        yield World(pool, server, channel)


@pytest.fixture
def log() -> Iterator[list[Any]]:
    with structlog.testing.capture_logs() as lines:
        yield lines


async def test_phones_of_every_country_can_be_read_before_anybody_calls(world: World) -> None:
    before = plan_of.cache_info().misses
    assert [plan_of(region) for region in SUPPORTED_REGIONS]
    assert plan_of.cache_info().misses == before


@pytest.mark.parametrize("method", ["UpdateMembership", "GetAudience"])
@pytest.mark.parametrize("raw", [b"\xff\xff\xff", b"\x0a\x05ab", b"\x0a\x02\xc3\x28"])
async def test_bytes_that_are_no_message_are_refused_in_our_words(
    world: World, method: str, raw: bytes
) -> None:
    told = await refusal(world.channel.unary_unary(f"/{SERVICE}/{method}")(raw))
    assert (told.code, told.reason) == (
        grpc.StatusCode.INVALID_ARGUMENT,
        "MALFORMED_MESSAGE",
    )
    assert told.message == "The bytes are not a message of this method."


async def test_bytes_that_are_no_message_are_refused_by_a_streaming_method(world: World) -> None:
    call = world.channel.unary_stream(f"/{SERVICE}/WatchSync")(b"\xff")
    told = await refusal(call.read())
    assert told.reason == "MALFORMED_MESSAGE"


async def test_a_message_over_the_size_limit_is_refused_by_grpc(world: World) -> None:
    raw = bytes(MESSAGE_BYTES_MAX + 1)
    told = await refusal(world.channel.unary_unary(f"/{SERVICE}/UpdateMembership")(raw))
    assert (told.code, told.reason) == (grpc.StatusCode.RESOURCE_EXHAUSTED, "")


async def test_a_bad_field_is_named_by_its_path(world: World) -> None:
    bad = pb.Change(operation=pb.Change.OPERATION_ADD, member=pb.Member())
    request = pb.UpdateMembershipRequest(audience_id="shoppers", changes=[bad])
    told = await refusal(world.stub.UpdateMembership(request))
    assert (told.code, told.reason, told.fields) == (
        grpc.StatusCode.INVALID_ARGUMENT,
        "INVALID_FIELD",
        ["changes[0].member.member_id"],
    )
    assert not world.pool.asked.is_set()


async def test_the_most_violations_that_are_told_fit_into_an_answer(world: World) -> None:
    changes = [pb.Change(member=pb.Member(member_id="m", traits={}))] * 10_000
    request = pb.UpdateMembershipRequest(audience_id="shoppers", changes=changes)
    assert len((await refusal(world.stub.UpdateMembership(request))).fields) == 20


async def test_a_defect_is_answered_with_an_id_that_finds_it_in_the_log(
    world: World, log: list[Any]
) -> None:
    told = await refusal(world.get())
    assert (told.code, told.reason) == (grpc.StatusCode.INTERNAL, "INTERNAL")
    assert told.metadata == {"error_id": "error-1"}
    (defect,) = [line for line in log if line["event"] == "defect"]
    assert defect["error_id"] == "error-1"
    assert any("audiences.py" in line for line in defect["trace"])
    assert "builtins.RuntimeError" in defect["trace"]


async def test_the_text_of_a_defect_reaches_neither_caller_nor_log(
    world: World, log: list[Any]
) -> None:
    told = await refusal(world.get())
    assert "jane" not in told.whole
    assert "jane" not in repr(log)


@pytest.mark.parametrize(
    "error", [StoreUnavailable("gone"), ConnectionRefusedError(), TimeoutError()]
)
async def test_a_database_that_cannot_be_reached_is_worth_another_try(
    world: World, error: Exception
) -> None:
    world.pool.error = error
    told = await refusal(world.get())
    assert (told.code, told.reason, told.retry_after_s) == (
        grpc.StatusCode.UNAVAILABLE,
        "DATABASE_UNAVAILABLE",
        1.0,
    )


async def test_every_call_leaves_one_line_without_what_the_message_held(
    world: World, log: list[Any]
) -> None:
    await refusal(world.get())
    while not any(line["event"] == "rpc" for line in log):  # the answer leaves before the line
        await asyncio.sleep(0.01)
    (line,) = [line for line in log if line["event"] == "rpc"]
    assert line["method"] == "GetAudience"
    assert (line["code"], line["reason"]) == ("INTERNAL", "INTERNAL")
    assert line["audience_id"] == "shoppers"
    assert line["duration_ms"] >= 0
    assert line["peer"].startswith("ipv4:127.0.0.1:")
    assert set(line) - {"event", "log_level"} == {
        "method",
        "peer",
        "code",
        "reason",
        "duration_ms",
        "audience_id",
        "ad_account_id",
    }


async def test_an_audience_id_that_is_none_stays_out_of_the_log(
    world: World, log: list[Any]
) -> None:
    request = pb.GetAudienceRequest(audience_id="jane@example.com")
    told = await refusal(world.stub.GetAudience(request))
    assert told.fields == ["audience_id"]
    assert "jane" not in repr(log) + told.whole


async def test_a_cancelled_call_leaves_its_line_too(world: World, log: list[Any]) -> None:
    world.pool.go_on.clear()
    call = world.get()
    await world.pool.asked.wait()
    call.cancel()
    with pytest.raises(asyncio.CancelledError):
        await call
    await world.server.stop(5)
    assert [line["code"] for line in log if line["event"] == "rpc"] == ["CANCELLED"]


async def test_messages_beyond_the_bytes_in_work_are_refused_until_there_is_room(
    world: World,
) -> None:
    world.pool.go_on.clear()
    big = pb.UpdateMembershipRequest(
        audience_id="shoppers",
        changes=[
            pb.Change(
                operation=pb.Change.OPERATION_ADD,
                member=pb.Member(member_id="m", emails=["x" * (MESSAGE_BYTES_MAX - 1_000)]),
            )
        ],
    )
    first = world.stub.UpdateMembership(big)
    await world.pool.asked.wait()
    told = await refusal(world.stub.UpdateMembership(big))
    assert (told.code, told.reason) == (grpc.StatusCode.RESOURCE_EXHAUSTED, "OVERLOADED")
    assert told.retry_after_s == 1.0
    world.pool.go_on.set()
    assert (await refusal(first)).reason == "INTERNAL"
    assert (await refusal(world.stub.UpdateMembership(big))).reason == "INTERNAL"


async def test_health_serves_until_the_server_stops(world: World) -> None:
    stub = cast("Any", health_pb2_grpc.HealthStub(world.channel))
    serving = health_pb2.HealthCheckResponse
    for name in ("", SERVICE):
        request = health_pb2.HealthCheckRequest(service=name)
        assert (await stub.Check(request)).status == serving.SERVING
    watch = stub.Watch(health_pb2.HealthCheckRequest(service=SERVICE))
    assert (await watch.read()).status == serving.SERVING
    stopping = asyncio.create_task(world.server.stop(5))
    assert (await watch.read()).status == serving.NOT_SERVING
    watch.cancel()
    await stopping


async def test_health_says_not_serving_while_it_is_told_to_and_calls_are_taken(
    world: World,
) -> None:
    stub = cast("Any", health_pb2_grpc.HealthStub(world.channel))
    request = health_pb2.HealthCheckRequest(service=SERVICE)
    for serving in (False, True):
        await world.server.say_serving(serving=serving)
        status = (await stub.Check(request)).status
        assert (status == health_pb2.HealthCheckResponse.SERVING) == serving
        told = await refusal(world.channel.unary_unary(f"/{SERVICE}/Nothing")(b""))
        assert told.code == grpc.StatusCode.UNIMPLEMENTED
    await world.server.stop(0)
    await world.server.say_serving(serving=True)  # too late: it does not serve any more


async def test_reflection_tells_the_services(world: World) -> None:
    stub = cast("Any", reflection_pb2_grpc.ServerReflectionStub(world.channel))
    request = reflection_pb2.ServerReflectionRequest(list_services="")
    call = stub.ServerReflectionInfo(iter([request]))
    names = {one.name for one in (await call.read()).list_services_response.service}
    assert names == {
        SERVICE,
        "grpc.health.v1.Health",
        "grpc.reflection.v1alpha.ServerReflection",
    }


async def test_a_method_that_does_not_exist_is_unimplemented(world: World) -> None:
    told = await refusal(world.channel.unary_unary(f"/{SERVICE}/Nothing")(b""))
    assert told.code == grpc.StatusCode.UNIMPLEMENTED


async def test_grpc_need_not_wait_for_every_method_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    waited: list[int] = []
    wait = asyncio.wait

    async def noted(futures: Any, **options: Any) -> Any:
        waited.append(len(futures))
        return await wait(futures, **options)

    monkeypatch.setattr(asyncio, "wait", noted)
    none = cast("Any", None)
    api = Api(pool=none, keyring=none, graph=none, notifications=none, clock=Clock())
    async with running_server(api) as (_, channel):
        call: Any = channel.unary_unary(f"/{SERVICE}/Nothing")
        await refusal(call(b""))
    assert set(waited) == {1}
