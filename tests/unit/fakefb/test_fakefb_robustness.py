"""Whatever is sent, the fake answers like Meta and never fails itself."""

import asyncio
import json
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import quote, urlencode

from hypothesis import given, settings
from hypothesis import strategies as st

from fakefb.server import RunningFake
from fakefb.testing import running_fake
from tests.unit.fakefb.client import ACCOUNT, TOKEN, sha

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner),
    max_leaves=8,
)
CELL = JSON | st.sampled_from(["", sha("a@x.org"), sha("a@x.org").upper()])
PAYLOAD = st.fixed_dictionaries(
    {
        "schema": JSON | st.lists(st.sampled_from(["EMAIL", "MADID", "EXTERN_ID", "FN", "UID"])),
        "data": JSON | st.lists(st.lists(CELL, max_size=3), max_size=3),
    }
)
NAMES = (
    "payload",
    "session",
    "name",
    "fields",
    "limit",
    "after",
    "before",
    "method",
    "batch",
    "summary",
    "input_token",
)
BODY = st.dictionaries(st.sampled_from(NAMES), JSON | PAYLOAD, max_size=4)
DEEP = b"[" * 5_000 + b"]" * 5_000
BODIES = (
    BODY.map(lambda body: json.dumps(body).encode())
    | st.binary(max_size=60)
    | st.sampled_from([DEEP, b'{"payload":' + DEEP + b"}", b'{"limit":1e999}', b"\xff\xfe"])
)
PATHS = st.sampled_from(
    [
        "",
        "debug_token",
        "me/adaccounts",
        ACCOUNT,
        f"{ACCOUNT}/customaudiences",
        "{A}",
        "{A}/users",
        "{A}/sessions",
        "act_%ff",
        "{A}/%00",
        "%2e%2e/x",
    ]
) | st.text(max_size=8).map(quote)
QUERIES = st.dictionaries(st.sampled_from(NAMES), st.text(max_size=12), max_size=2)
TYPES = st.sampled_from(["application/json", "application/x-www-form-urlencoded", "text/plain"])


@contextmanager
def fake_in_a_loop() -> Iterator[tuple[asyncio.Runner, RunningFake]]:
    with asyncio.Runner() as runner:
        context = running_fake()
        running = runner.run(context.__aenter__())
        try:
            yield runner, running
        finally:
            runner.run(context.__aexit__(None, None, None))


async def exchange(url: str, request: bytes) -> bytes:
    """Send raw bytes and return the status line, so that no client tidies the request up."""
    host, _, port = url.removeprefix("http://").partition(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    try:
        writer.write(request)
        return await asyncio.wait_for(reader.readline(), 10)
    finally:
        writer.close()


def raw_request(method: str, target: str, content_type: str, body: bytes) -> bytes:
    head = (
        f"{method} {target} HTTP/1.1\r\nHost: fake\r\nConnection: close\r\n"
        f"Content-Type: {content_type}\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


def test_random_requests_never_break_the_fake() -> None:
    with fake_in_a_loop() as (runner, running):
        body = urlencode({"name": "x", "customer_file_source": "USER_PROVIDED_ONLY"}).encode()
        target = f"/v26.0/{ACCOUNT}/customaudiences?access_token={TOKEN}"
        form = "application/x-www-form-urlencoded"
        status = runner.run(exchange(running.graph_url, raw_request("POST", target, form, body)))
        assert b" 200 " in status
        audience, made = next(iter(running.state.audiences.by_id.items()))

        @settings(max_examples=250, deadline=None)
        @given(
            method=st.sampled_from(["GET", "POST", "DELETE", "PUT", "HEAD"]),
            path=PATHS,
            query=QUERIES,
            content_type=TYPES,
            body=BODIES,
        )
        def send(
            method: str, path: str, query: dict[str, str], content_type: str, body: bytes
        ) -> None:
            running.state.audiences.put(made)  # an earlier request may have deleted it
            text = urlencode({"access_token": TOKEN, **query}, errors="replace")
            target = f"/v26.0/{path.replace('{A}', audience)}?{text}"
            request = raw_request(method, target, content_type, body)
            status = runner.run(exchange(running.graph_url, request))
            assert status.startswith(b"HTTP/1.1 ")
            assert b" 500 " not in status

        send()


def test_random_admin_requests_never_break_the_fake() -> None:
    paths = ["people", "people/generate", "match", "settings", "faults", "clock", "tokens"]
    with fake_in_a_loop() as (runner, running):

        @settings(max_examples=200, deadline=None)
        @given(
            method=st.sampled_from(["GET", "POST", "PUT", "DELETE", "PATCH"]),
            path=st.sampled_from([*paths, "ad_accounts", "ad_accounts/act_1", "tokens/x"]),
            body=BODIES | JSON.map(lambda value: json.dumps(value).encode()),
        )
        def send(method: str, path: str, body: bytes) -> None:
            request = raw_request(method, f"/admin/{path}", "application/json", body)
            status = runner.run(exchange(running.admin_url, request))
            assert status.startswith((b"HTTP/1.1 2", b"HTTP/1.1 4"))

        send()
