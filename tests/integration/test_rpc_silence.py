"""Calls that say nothing, or drop by drop, or too much at once."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from pathlib import Path

import grpc
import pytest
import structlog

from service.rpc.access.caller_limits import CallerBounds
from service.rpc.access.silence import talking
from service.rpc.calls import CallInterceptor, Handler
from tests.integration.entrance_world import (
    GET,
    MESSAGE_BYTES_MAX,
    Site,
    bearer,
    calling,
    running_site,
)
from tests.integration.http2_by_hand import RawConnection, message_of, raw_connection
from tests.integration.rpc_refusals import Refusal, refusal
from tests.unit.rpc.access.builders import a_line

SERVICE = "/audiencesync.v1.AudienceSyncService"
MINE = bearer("ast_billing")
ONE = CallerBounds(calls_per_second=10_000, calls_at_once=1)
SOON_S = 0.3

pytestmark = pytest.mark.timeout(50)


@pytest.fixture
async def site(tmp_path: Path) -> AsyncIterator[Site]:
    made = running_site(tmp_path, a_line(), bounds=ONE, message_seconds_max=SOON_S)
    async with made as running:
        yield running


async def look(site: Site) -> Refusal:
    async with calling(site) as stub:
        return await refusal(stub.GetAudience(GET, metadata=MINE, timeout=10))


async def until_it_is(site: Site, reason: str) -> None:
    """Call until that is the answer."""
    async with asyncio.timeout(20):
        while (await look(site)).reason != reason:
            await asyncio.sleep(0.01)


async def hold(site: Site, raw: RawConnection, method: str, drops: bytes) -> int:
    """Begin a call that holds the one place there is; it may come while somebody looks."""
    async with asyncio.timeout(20):
        while True:
            stream = await raw.begin_call(f"{SERVICE}/{method}", "ast_billing")
            if drops:
                await raw.drip(stream, drops)
            if (await look(site)).reason == "CALLER_OVER_LIMIT":
                return stream


async def test_a_stream_that_brings_nothing_is_ended(site: Site) -> None:
    async with calling(site) as stub:
        told = await refusal(stub.ImportMembership(metadata=MINE).read())
    assert (told.code, told.reason) == (grpc.StatusCode.ABORTED, "STREAM_IDLE")
    await until_it_is(site, "INTERNAL")


async def test_a_stream_whose_messages_keep_coming_goes_on() -> None:
    async def slowly() -> AsyncIterator[int]:
        for number in range(4):
            await asyncio.sleep(SOON_S / 2)
            yield number

    assert [number async for number in talking(slowly(), SOON_S)] == [0, 1, 2, 3]


@pytest.mark.parametrize("drops", [b"", message_of(1_000) + b"x"])
@pytest.mark.parametrize("method", ["GetAudience", "WatchSync", "ImportMembership"])
async def test_a_call_whose_message_does_not_become_whole_gives_its_place_back(
    site: Site, method: str, drops: bytes
) -> None:
    async with raw_connection(site.server.port) as raw:
        await hold(site, raw, method, drops)
        await until_it_is(site, "INTERNAL")


async def test_the_log_tells_whose_request_did_not_come(site: Site) -> None:
    with structlog.testing.capture_logs() as log:
        async with raw_connection(site.server.port) as raw:
            await hold(site, raw, "GetAudience", b"")
            await until_it_is(site, "INTERNAL")
    told = next(line for line in log if line["event"] == "call ended")
    assert (told["method"], told["caller"]) == ("GetAudience", "billing")
    assert told["why"] == "its request did not come"


async def test_a_message_that_comes_drop_by_drop_has_no_more_time_than_one_that_does_not(
    site: Site,
) -> None:
    async with raw_connection(site.server.port) as raw:
        stream = await hold(site, raw, "UpdateMembership", message_of(MESSAGE_BYTES_MAX))

        async def drip() -> None:
            while True:
                await raw.drip(stream, b"x")
                await asyncio.sleep(SOON_S / 10)

        dripping = asyncio.ensure_future(drip())
        await until_it_is(site, "INTERNAL")
        assert not dripping.done()
        dripping.cancel()


async def test_a_call_that_takes_longer_than_its_request_is_left_alone(site: Site) -> None:
    site.doors.open.clear()
    async with calling(site) as stub:
        call = asyncio.ensure_future(refusal(stub.GetAudience(GET, metadata=MINE)))
        await site.doors.reached.wait()
        await asyncio.sleep(3 * SOON_S)
        site.doors.open.set()
        assert (await call).reason == "INTERNAL"


async def test_a_call_that_its_caller_gives_up_gives_its_place_back(site: Site) -> None:
    site.doors.open.clear()
    async with calling(site) as stub:
        call = stub.GetAudience(GET, metadata=MINE)
        await site.doors.reached.wait()
        assert (await look(site)).reason == "CALLER_OVER_LIMIT"
        call.cancel()
        site.doors.open.set()
        await until_it_is(site, "INTERNAL")


async def test_handlers_are_surrounded_once_and_not_with_every_call(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[str] = []
    surround = CallInterceptor._surround

    def noted(self: CallInterceptor, handler: Handler, method: str) -> Handler:
        made.append(f"{type(self).__name__} {method}")
        return surround(self, handler, method)

    monkeypatch.setattr(CallInterceptor, "_surround", noted)
    async with calling(site) as stub:
        for token in ("ast_billing", "ast_nobody", "ast_billing", "ast_nobody") * 3:
            await refusal(stub.GetAudience(GET, metadata=bearer(token)))
    times = Counter(made)
    assert times.pop("LogCalls GetAudience") == times.pop("AnswerErrors GetAudience") == 2
    assert set(times.values()) == {1}, "the handler that refuses is within those two only"


async def test_a_message_that_says_it_is_too_large_is_refused_at_once(site: Site) -> None:
    async with raw_connection(site.server.port) as raw:
        stream = await raw.begin_call(f"{SERVICE}/UpdateMembership", "ast_billing")
        await raw.drip(stream, message_of(2**32 - 1))
        await until_it_is(site, "INTERNAL")
