"""Who may come in: tokens, scopes, limits; what the log is told of who may not."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import grpc
import grpc.aio
import pytest
import structlog
from audiencesync.v1 import audience_sync_pb2 as pb
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection_pb2, reflection_pb2_grpc

from service.rpc.access.caller_limits import CallerBounds
from service.rpc.access.health_door import HEALTH_CALLS_MAX
from service.rpc.access.scopes import SCOPE_OF_METHOD, Scope
from tests.integration.entrance_world import GET, Site, bearer, calling, running_site
from tests.integration.rpc_refusals import Refusal, refusal
from tests.unit.rpc.access.builders import ALL, a_line

METHODS = pb.DESCRIPTOR.services_by_name["AudienceSyncService"].methods
PAST = datetime(2020, 1, 1, tzinfo=UTC)
FEW = CallerBounds(calls_per_second=1_000, calls_at_once=3, streams_at_once=2)
LIST_SERVICES = reflection_pb2.ServerReflectionRequest(list_services="")
CHECK = health_pb2.HealthCheckRequest()

pytestmark = pytest.mark.timeout(50)


@pytest.fixture
async def site(tmp_path: Path) -> AsyncIterator[Site]:
    lines = [a_line("boss", "ast_boss")]
    lines += [a_line(scope, f"ast_{scope}", scopes=(scope,)) for scope in ALL]
    async with running_site(tmp_path, *lines) as made:
        yield made


@pytest.fixture
async def stub(site: Site) -> AsyncIterator[Any]:
    async with calling(site) as made:
        yield made


@pytest.fixture
def log() -> Iterator[list[Any]]:
    with structlog.testing.capture_logs() as lines:
        yield lines


async def line_of(log: list[Any], count: int = 1) -> Any:
    """The newest line of a call, once there are so many: the answer leaves before it."""
    while len(found := [line for line in log if line["event"] == "rpc"]) < count:
        await asyncio.sleep(0.01)
    return found[-1]


def calls_of_all_methods(stub: Any, token: str | None) -> Iterator[tuple[str, Any]]:
    """A call of every method with an empty request, read as far as its first answer."""
    for method in METHODS:
        request = getattr(pb, method.input_type.name)()
        metadata = bearer(token) if token else ()
        sent = iter([request]) if method.client_streaming else request
        call = getattr(stub, method.name)(sent, metadata=metadata, timeout=20)
        yield method.name, call.read() if method.server_streaming else call


@pytest.mark.parametrize("token", [None, "ast_nobody", "ast_boss2"])
async def test_no_method_is_for_those_who_are_not_known(stub: Any, token: str | None) -> None:
    for name, call in calls_of_all_methods(stub, token):
        told = await refusal(call)
        assert (told.code, told.reason) == (
            grpc.StatusCode.UNAUTHENTICATED,
            "CALLER_UNKNOWN",
        ), name
        assert told.metadata == {}


@pytest.mark.parametrize("scope", list(Scope))
async def test_a_scope_opens_its_methods_and_no_other(stub: Any, scope: Scope) -> None:
    for name, call in calls_of_all_methods(stub, f"ast_{scope}"):
        told = await refusal(call)
        if SCOPE_OF_METHOD[name] is scope:
            assert told.reason in {"INVALID_FIELD", "INTERNAL"}, name
        else:
            assert told.code == grpc.StatusCode.PERMISSION_DENIED, name
            assert told.reason == "CALLER_NOT_ALLOWED"
            assert told.metadata == {"scope": str(SCOPE_OF_METHOD[name])}


async def test_a_method_without_a_scope_is_for_nobody(
    stub: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delitem(SCOPE_OF_METHOD, "GetAudience")
    told = await refusal(stub.GetAudience(GET, metadata=bearer("ast_boss")))
    assert told.reason == "CALLER_NOT_ALLOWED"


async def test_a_revoked_token_ends_and_a_new_one_begins_without_a_restart(
    site: Site, stub: Any
) -> None:
    assert (await refusal(stub.GetAudience(GET, metadata=bearer("ast_boss")))).reason == "INTERNAL"
    site.write_tokens(a_line("shop", "ast_shop"))
    told = await refusal(stub.GetAudience(GET, metadata=bearer("ast_boss")))
    assert told.reason == "CALLER_UNKNOWN"
    assert (await refusal(stub.GetAudience(GET, metadata=bearer("ast_shop")))).reason == "INTERNAL"


async def test_an_expired_token_tells_the_caller_no_more_than_a_wrong_one(
    site: Site, stub: Any, log: list[Any]
) -> None:
    site.write_tokens(a_line("boss", "ast_boss", expires=PAST))
    expired = await refusal(stub.GetAudience(GET, metadata=bearer("ast_boss")))
    line = await line_of(log)
    assert (line["why"], line["caller"]) == ("the token has expired", "boss")
    assert expired == await refusal(stub.GetAudience(GET, metadata=bearer("ast_wrong")))


@pytest.mark.parametrize(
    ("token", "why", "caller"),
    [
        (None, "no token", ""),
        ("ast_secret", "no such token", ""),
        ("ast_write", "scope read is missing", "write"),
        ("ast_boss", "", "boss"),
    ],
)
async def test_the_line_of_a_call_tells_the_caller_and_why_it_was_refused(
    stub: Any, log: list[Any], token: str | None, why: str, caller: str
) -> None:
    told = await refusal(stub.GetAudience(GET, metadata=bearer(token) if token else ()))
    line = await line_of(log)
    assert line["method"] == "GetAudience"
    assert (line.get("why", ""), line.get("caller", "")) == (why, caller)
    assert line["code"] == told.code.name
    assert line["reason"] == told.reason
    assert "ast_" not in repr(log) + told.whole


async def test_a_refused_call_is_answered_before_its_request_is_there(stub: Any) -> None:
    asked = asyncio.Event()

    async def never() -> AsyncIterator[pb.ImportMembershipRequest]:
        await asked.wait()
        yield pb.ImportMembershipRequest()

    call = stub.ImportMembership(never(), metadata=bearer("ast_read"))
    assert (await refusal(call.read())).reason == "CALLER_NOT_ALLOWED"
    asked.set()


async def reflected(site: Site, token: str | None) -> Refusal | set[str]:
    async with grpc.aio.insecure_channel(site.address) as channel:
        stub: Any = reflection_pb2_grpc.ServerReflectionStub(channel)
        metadata = bearer(token) if token else ()
        call = stub.ServerReflectionInfo(iter([LIST_SERVICES]), metadata=metadata)
        if token != "ast_read":
            return await refusal(call.read())
        return {one.name for one in (await call.read()).list_services_response.service}


async def test_reflection_is_for_those_who_may_read(site: Site, log: list[Any]) -> None:
    names = await reflected(site, "ast_read")
    assert isinstance(names, set)
    assert "audiencesync.v1.AudienceSyncService" in names
    for count, token in enumerate((None, "ast_write"), start=2):
        told = await reflected(site, token)
        assert isinstance(told, Refusal)
        assert told.reason in {"CALLER_UNKNOWN", "CALLER_NOT_ALLOWED"}
        assert (await line_of(log, count))["method"] == "ServerReflectionInfo"


async def test_health_is_open(site: Site) -> None:
    async with grpc.aio.insecure_channel(site.address) as channel:
        stub: Any = health_pb2_grpc.HealthStub(channel)
        assert (await stub.Check(CHECK)).status == health_pb2.HealthCheckResponse.SERVING


async def test_watches_of_health_take_no_room_of_checks(site: Site) -> None:
    async with grpc.aio.insecure_channel(site.address) as channel:
        stub: Any = health_pb2_grpc.HealthStub(channel)
        watches = [stub.Watch(CHECK) for _ in range(HEALTH_CALLS_MAX)]
        for watch in watches:
            await watch.read()
        told = await refusal(stub.Watch(CHECK).read())
        assert told.code == grpc.StatusCode.RESOURCE_EXHAUSTED
        assert (await stub.Check(CHECK)).status == health_pb2.HealthCheckResponse.SERVING
        watches[0].cancel()
        while True:  # the server hears of it a little later
            again = stub.Watch(CHECK)
            try:
                assert await again.read()
            except grpc.aio.AioRpcError:
                continue
            break


async def test_thousands_of_idle_streams_of_one_caller_leave_others_alone(tmp_path: Path) -> None:
    lines = a_line("greedy", "ast_greedy"), a_line("boss", "ast_boss")
    bounds = CallerBounds(calls_per_second=10_000, streams_at_once=20)
    async with running_site(tmp_path, *lines, bounds=bounds) as site, calling(site) as greedy:
        streams = [greedy.ImportMembership(metadata=bearer("ast_greedy")) for _ in range(2_000)]
        refused = [asyncio.ensure_future(refusal(stream.read())) for stream in streams]
        async with asyncio.timeout(30):
            while sum(one.done() for one in refused) < len(streams) - 20:
                await asyncio.sleep(0.05)
        told = next(one for one in refused if one.done()).result()
        assert (told.code, told.reason) == (
            grpc.StatusCode.RESOURCE_EXHAUSTED,
            "CALLER_OVER_LIMIT",
        )
        assert told.retry_after_s == 1.0
        async with calling(site) as other:
            call = other.GetAudience(GET, metadata=bearer("ast_boss"), timeout=5)
            assert (await refusal(call)).reason == "INTERNAL"
        for one in refused:
            one.cancel()
        await asyncio.gather(*refused, return_exceptions=True)


async def test_calls_at_once_are_bounded_and_room_comes_back(tmp_path: Path) -> None:
    async with running_site(tmp_path, a_line(), bounds=FEW) as site, calling(site) as stub:
        site.doors.open.clear()
        mine = bearer("ast_billing")
        held = [asyncio.ensure_future(refusal(stub.GetAudience(GET, metadata=mine)))]
        held += [asyncio.ensure_future(refusal(stub.GetAudience(GET, metadata=mine)))]
        held += [asyncio.ensure_future(refusal(stub.GetAudience(GET, metadata=mine)))]
        await site.doors.reached.wait()
        while (told := await refusal(stub.GetAudience(GET, metadata=mine, timeout=1))).reason != (
            "CALLER_OVER_LIMIT"
        ):
            continue
        assert told.retry_after_s == 1.0
        site.doors.open.set()
        assert {(await one).reason for one in held} == {"INTERNAL"}
        assert (await refusal(stub.GetAudience(GET, metadata=mine))).reason == "INTERNAL"


async def test_who_calls_too_often_is_told_when_to_come_again(tmp_path: Path) -> None:
    rare = CallerBounds(calls_per_second=0.5)
    async with running_site(tmp_path, a_line(), bounds=rare) as site, calling(site) as stub:
        mine = bearer("ast_billing")
        assert (await refusal(stub.GetAudience(GET, metadata=mine))).reason == "INTERNAL"
        told = await refusal(stub.GetAudience(GET, metadata=mine))
        assert (told.code, told.reason) == (
            grpc.StatusCode.RESOURCE_EXHAUSTED,
            "CALLER_OVER_LIMIT",
        )
        assert told.retry_after_s is not None
        assert 0 < told.retry_after_s <= 2
        site.clock.passed_s += told.retry_after_s
        assert (await refusal(stub.GetAudience(GET, metadata=mine))).reason == "INTERNAL"
