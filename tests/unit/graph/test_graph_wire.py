"""What only a real socket can show: lost connections, time-outs, cut answers, dead keep-alive."""

import asyncio
import gzip
import json
import traceback
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import aiohttp
import pytest
import structlog
from aiohttp import web
from aiohttp.abc import AbstractResolver, ResolveResult

from service.graph.client import GraphClient
from service.graph.failure import GraphFailure
from service.graph.transport import ANSWER_BYTES_MAX
from service.graph.verdicts import Verdict
from service.identifiers import Key
from service.tracing.spans import Kind, span
from tests.unit.graph.builders import AUDIENCE, CREDENTIALS, SECRET, TOKEN, a_receipt, a_row
from tests.unit.tracing.recorded import recorded

ROWS = [a_row("mary"), a_row("noah")]
Handler = Callable[[web.BaseRequest], Awaitable[web.StreamResponse]]
Act = Callable[[GraphClient], Awaitable[object]]


def add(client: GraphClient) -> Awaitable[object]:
    return client.add_users(CREDENTIALS, AUDIENCE, ROWS, session_id=1)


def remove(client: GraphClient) -> Awaitable[object]:
    return client.remove_users(CREDENTIALS, AUDIENCE, ROWS, session_id=1)


def read(client: GraphClient) -> Awaitable[object]:
    return client.debug_token(CREDENTIALS)


EACH_WAY = pytest.mark.parametrize(
    ("act", "verdict"),
    [
        (add, Verdict.UNKNOWN_OUTCOME),
        (remove, Verdict.UNKNOWN_OUTCOME),
        (read, Verdict.TRANSIENT),
    ],
    ids=["post", "delete", "get"],
)


@asynccontextmanager
async def serving(handler: Handler) -> AsyncIterator[str]:
    runner = web.ServerRunner(web.Server(handler), shutdown_timeout=0)
    await runner.setup()
    try:
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()


async def failure_of(act: Act, client: GraphClient) -> GraphFailure:
    with structlog.testing.capture_logs() as lines, pytest.raises(GraphFailure) as caught:
        await act(client)
    written = f"{lines} {''.join(traceback.format_exception(caught.value))}"
    assert TOKEN not in written
    assert SECRET not in written
    assert [line["verdict"] for line in lines] == [caught.value.verdict]
    assert caught.value.__context__ is None
    return caught.value


def abort(request: web.BaseRequest) -> None:
    assert request.transport is not None
    request.transport.abort()


async def test_facebook_is_not_told_that_a_call_is_traced(session: aiohttp.ClientSession) -> None:
    seen: list[dict[str, str]] = []

    async def answer(request: web.BaseRequest) -> web.StreamResponse:
        seen.append({name.lower(): value for name, value in request.headers.items()})
        await request.read()
        return web.json_response(a_receipt(2))

    async with serving(answer) as url:
        client = GraphClient(session, base_url=url)
        await add(client)
        with recorded(share=1.0) as exporter, span(Kind.SYNC, "run"):
            await add(client)
    untraced, traced = seen
    assert untraced.keys() == traced.keys()
    assert {one.name for one in exporter.get_finished_spans()} == {"run", "add_users"}
    for one in exporter.get_finished_spans():
        assert f"{one.context.trace_id:032x}" not in str(traced)
        assert TOKEN not in one.to_json()
        assert SECRET not in one.to_json()


async def test_delete_carries_its_body_over_the_wire(session: aiohttp.ClientSession) -> None:
    seen: list[tuple[str, str, object]] = []

    async def answer(request: web.BaseRequest) -> web.StreamResponse:
        seen.append((request.method, request.content_type, await request.json()))
        return web.json_response(a_receipt(2))

    async with serving(answer) as url:
        await remove(GraphClient(session, base_url=url))
    ((method, content_type, body),) = seen
    assert (method, content_type) == ("DELETE", "application/json")
    assert isinstance(body, dict)
    assert body["payload"]["data"] == [[row[2:].hex()] for row in ROWS]


async def test_ten_thousand_rows_above_a_mebibyte_are_sent_and_a_gzip_answer_is_read(
    session: aiohttp.ClientSession,
) -> None:
    async def answer(request: web.BaseRequest) -> web.StreamResponse:
        body = b"".join([part async for part in request.content.iter_any()])
        received = len(json.loads(body)["payload"]["data"])
        return web.Response(
            body=gzip.compress(json.dumps(a_receipt(received)).encode()),
            headers={"Content-Type": "application/json", "Content-Encoding": "gzip"},
        )

    rows = [a_row(str(number), Key.EMAIL, Key.PHONE) for number in range(10_000)]
    async with serving(answer) as url:
        client = GraphClient(session, base_url=url)
        receipt = await client.add_users(CREDENTIALS, AUDIENCE, rows, session_id=1)
    assert receipt.num_received == 10_000


async def test_cookies_are_never_sent_back(session: aiohttp.ClientSession) -> None:
    cookies: list[str | None] = []

    async def answer(request: web.BaseRequest) -> web.StreamResponse:
        cookies.append(request.headers.get("Cookie"))
        reply = web.json_response({"id": AUDIENCE})
        reply.set_cookie("sticky", "1")
        return reply

    async with serving(answer) as url:
        client = GraphClient(session, base_url=url.replace("127.0.0.1", "localhost"))
        await client.read_custom_audience(CREDENTIALS, AUDIENCE)
        await client.read_custom_audience(CREDENTIALS, AUDIENCE)
    assert cookies == [None, None]


@EACH_WAY
async def test_redirect_is_not_followed(
    act: Act, verdict: Verdict, session: aiohttp.ClientSession
) -> None:
    asked: list[str] = []

    async def answer(request: web.BaseRequest) -> web.StreamResponse:
        asked.append(request.path)
        return web.Response(status=307, headers={"Location": "/elsewhere"})

    async with serving(answer) as url:
        failure = await failure_of(act, GraphClient(session, base_url=url))
    assert (failure.verdict, failure.http_status) == (verdict, 307)
    assert len(asked) == 1


@EACH_WAY
async def test_reset_before_the_answer(
    act: Act, verdict: Verdict, session: aiohttp.ClientSession
) -> None:
    async def answer(request: web.BaseRequest) -> web.StreamResponse:
        abort(request)
        return web.Response()

    async with serving(answer) as url:
        failure = await failure_of(act, GraphClient(session, base_url=url))
    assert (failure.verdict, failure.http_status) == (verdict, None)


@EACH_WAY
async def test_answer_cut_in_the_middle(
    act: Act, verdict: Verdict, session: aiohttp.ClientSession
) -> None:
    async def answer(request: web.BaseRequest) -> web.StreamResponse:
        reply = web.StreamResponse(headers={"Content-Length": "1000"})
        await reply.prepare(request)
        await reply.write(b'{"num_received":2,')
        abort(request)
        return reply

    async with serving(answer) as url:
        failure = await failure_of(act, GraphClient(session, base_url=url))
    assert failure.verdict is verdict


@EACH_WAY
async def test_time_out_covers_the_last_byte(
    act: Act, verdict: Verdict, session: aiohttp.ClientSession
) -> None:
    over = asyncio.Event()

    async def answer(request: web.BaseRequest) -> web.StreamResponse:
        reply = web.StreamResponse(headers={"Content-Length": "1000"})
        await reply.prepare(request)
        await reply.write(b"{")
        await over.wait()
        return reply

    async with serving(answer) as url:
        failure = await failure_of(act, GraphClient(session, base_url=url, timeout_s=0.05))
        over.set()
    assert failure.verdict is verdict


@EACH_WAY
async def test_answer_without_an_end_is_given_up(
    act: Act, verdict: Verdict, session: aiohttp.ClientSession
) -> None:
    async def answer(request: web.BaseRequest) -> web.StreamResponse:
        packed = gzip.compress(b" " * (ANSWER_BYTES_MAX + 1), 1)
        return web.Response(body=packed, headers={"Content-Encoding": "gzip"})

    async with serving(answer) as url:
        failure = await failure_of(act, GraphClient(session, base_url=url))
    assert failure.verdict is verdict
    assert "ClientPayloadError" in failure.message


@EACH_WAY
async def test_nothing_is_sent_again_on_a_dead_kept_connection(
    act: Act, verdict: Verdict, session: aiohttp.ClientSession
) -> None:
    """The first call leaves its connection open; the second finds it dead and must say so."""
    arrived: list[str] = []

    async def answer(request: web.BaseRequest) -> web.StreamResponse:
        await request.read()
        arrived.append(request.method)
        if len(arrived) > 1:
            abort(request)
        return web.json_response({"id": AUDIENCE})

    async with serving(answer) as url:
        client = GraphClient(session, base_url=url)
        await client.read_custom_audience(CREDENTIALS, AUDIENCE)
        failure = await failure_of(act, client)
    assert failure.verdict is verdict
    assert len(arrived) == 2


@pytest.mark.parametrize("act", [add, remove, read], ids=["post", "delete", "get"])
async def test_refused_connection_was_never_sent(
    act: Act, session: aiohttp.ClientSession, unused_tcp_port: int
) -> None:
    client = GraphClient(session, base_url=f"http://127.0.0.1:{unused_tcp_port}")
    assert (await failure_of(act, client)).verdict is Verdict.NOT_SENT


async def test_failed_tls_handshake_was_never_sent(session: aiohttp.ClientSession) -> None:
    async def answer(_: web.BaseRequest) -> web.StreamResponse:
        return web.Response()

    async with serving(answer) as url:
        client = GraphClient(session, base_url=url.replace("http://", "https://"))
        assert (await failure_of(remove, client)).verdict is Verdict.NOT_SENT


class _NoNames(AbstractResolver):
    async def resolve(self, host: str, port: int = 0, family: int = 0) -> list[ResolveResult]:
        raise OSError(None, f"no such name: {host} {port} {family}")

    async def close(self) -> None:
        return


async def test_unknown_host_was_never_sent() -> None:
    connector = aiohttp.TCPConnector(resolver=_NoNames())
    async with aiohttp.ClientSession(connector=connector) as session:
        client = GraphClient(session, base_url="https://graph.test")
        assert (await failure_of(add, client)).verdict is Verdict.NOT_SENT


async def test_cancelled_call_is_logged_and_stays_cancelled(
    session: aiohttp.ClientSession,
) -> None:
    arrived, over = asyncio.Event(), asyncio.Event()

    async def answer(_: web.BaseRequest) -> web.StreamResponse:
        arrived.set()
        await over.wait()
        return web.Response()

    async with serving(answer) as url:
        with structlog.testing.capture_logs() as lines:
            call = asyncio.ensure_future(add(GraphClient(session, base_url=url)))
            await arrived.wait()
            call.cancel()
            with pytest.raises(asyncio.CancelledError):
                await call
        over.set()
    assert [line["verdict"] for line in lines] == ["CANCELLED"]
