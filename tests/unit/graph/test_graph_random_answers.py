"""Whatever Facebook, or something in its place, answers: a result or a GraphFailure."""

import asyncio
import json
from collections.abc import Awaitable, Callable, Iterator

import pytest
from aioresponses import aioresponses
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from service.graph.client import GraphClient
from service.graph.failure import GraphFailure
from service.graph.transport import open_http_session
from service.graph.verdicts import Verdict
from tests.unit.graph.builders import (
    AD_ACCOUNT,
    ANY_URL,
    AUDIENCE,
    BASE_URL,
    CREDENTIALS,
    a_page,
    a_receipt,
    a_row,
    an_error,
)

ROWS = [a_row("mary"), a_row("noah")]


async def walk(client: GraphClient) -> None:
    async for _ in client.list_custom_audiences(CREDENTIALS, AD_ACCOUNT):
        pass


async def walk_sessions(client: GraphClient) -> None:
    async for _ in client.list_sessions(CREDENTIALS, AUDIENCE):
        pass


CALLS: dict[str, Callable[[GraphClient], Awaitable[object]]] = {
    "debug_token": lambda client: client.debug_token(CREDENTIALS),
    "account": lambda client: client.read_ad_account(CREDENTIALS, AD_ACCOUNT),
    "create": lambda client: client.create_custom_audience(
        CREDENTIALS, AD_ACCOUNT, name="", description="", customer_file_source=""
    ),
    "read": lambda client: client.read_custom_audience(CREDENTIALS, AUDIENCE),
    "delete": lambda client: client.delete_custom_audience(CREDENTIALS, AUDIENCE),
    "list": walk,
    "add": lambda client: client.add_users(CREDENTIALS, AUDIENCE, ROWS, session_id=1),
    "remove": lambda client: client.remove_users(CREDENTIALS, AUDIENCE, ROWS, session_id=1),
    "session": walk_sessions,
}
WRITES = {"create", "delete", "add", "remove"}

scalars = st.none() | st.booleans() | st.integers() | st.text() | st.sampled_from(["1", "act_7"])
json_values = st.recursive(
    scalars,
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4)
    ),
    max_leaves=6,
)
right_answers: list[dict[str, object]] = [
    a_receipt(2),
    an_error(190),
    a_page({"id": "1"}, after="c"),
    {"id": "1"},
    {"success": True},
]
nearly_right = st.sampled_from(right_answers).flatmap(
    lambda right: st.fixed_dictionaries(
        {name: st.just(value) | json_values for name, value in right.items()}
    )
)
bodies = st.binary() | (json_values | nearly_right).map(
    lambda value: json.dumps(value).encode("utf-8", "replace")
)


@pytest.fixture(scope="module")
def runner() -> Iterator[asyncio.Runner]:
    with asyncio.Runner() as opened:
        yield opened


async def outcome_of(name: str, client: GraphClient) -> Verdict | None:
    try:
        await CALLS[name](client)
    except GraphFailure as failure:
        return failure.verdict
    return None


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@pytest.mark.parametrize("name", CALLS)
@given(
    http_status=st.sampled_from([200, 200, 201, 302, 400, 403, 404, 413, 429, 500, 502, 503]),
    content_type=st.sampled_from(["application/json", "text/html", "text/javascript"]),
    body=bodies,
)
def test_any_answer_is_a_result_or_a_graph_failure(
    runner: asyncio.Runner, name: str, http_status: int, content_type: str, body: bytes
) -> None:
    async def call() -> Verdict | None:
        with aioresponses() as facebook:
            for method in ("GET", "POST", "DELETE"):
                facebook.add(
                    ANY_URL,
                    method,
                    status=http_status,
                    body=body,
                    content_type=content_type,
                    repeat=True,
                )
            async with open_http_session() as session:
                return await outcome_of(name, GraphClient(session, base_url=BASE_URL))

    verdict = runner.run(call())
    if http_status != 200:
        assert verdict is not None
    assert verdict is not Verdict.NOT_SENT
    if name not in WRITES:
        assert verdict is not Verdict.UNKNOWN_OUTCOME


http_bytes = st.binary(max_size=200) | st.builds(
    lambda head, rest: b"HTTP/1.1 " + head + b"\r\n" + rest,
    st.sampled_from([b"200 OK", b"400 Bad", b"99 x", b"abc", b"302 Found"]),
    st.binary(max_size=60)
    | st.sampled_from(
        [
            b"Content-Length: -1\r\n\r\n{}",
            b"Content-Length: 9\r\n\r\n{}",
            b"Transfer-Encoding: chunked\r\n\r\nzz\r\n",
            b"Transfer-Encoding: chunked\r\n\r\n5\r\n{}",
            b"Content-Encoding: gzip\r\nContent-Length: 3\r\n\r\nabc",
            b"Content-Encoding: deflate\r\n\r\nabc",
            b"Location: ::\r\n\r\n",
            b"Set-Cookie: \x00=;;\r\n\r\n{}",
        ]
    ),
)


@settings(max_examples=40, deadline=None)
@pytest.mark.parametrize("name", ["add", "remove", "read"])
@given(answer=http_bytes)
def test_any_bytes_on_the_socket_are_a_graph_failure(
    runner: asyncio.Runner, name: str, answer: bytes
) -> None:
    async def reply(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(answer)
        await writer.drain()
        writer.close()
        await writer.wait_closed()

    async def call() -> Verdict | None:
        server = await asyncio.start_server(reply, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        async with server, open_http_session() as session:
            client = GraphClient(session, base_url=f"http://127.0.0.1:{port}", timeout_s=5)
            return await outcome_of(name, client)

    expected = Verdict.UNKNOWN_OUTCOME if name in WRITES else Verdict.TRANSIENT
    assert runner.run(call()) is expected
