"""Whatever is sent, the fake answers like Meta and never fails itself."""

import asyncio
import json
import logging.handlers
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import quote, urlencode

import aiohttp
from hypothesis import given, settings
from hypothesis import strategies as st

from fakefb.server import RunningFake
from fakefb.testing import running_fake
from tests.unit.fakefb.client import ACCOUNT, TOKEN, FakeClient, sha

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
    "ids",
    "filtering",
    "subtype",
    "customer_file_source",
    "origin_audience_id",
    "lookalike_spec",
    "adaccounts",
    "tos_id",
    "retention_days",
    "audience_labels",
)
ITEM = st.fixed_dictionaries(
    {
        "method": st.sampled_from(["GET", "POST", "DELETE"]),
        "relative_url": st.sampled_from(["me", ACCOUNT, f"{ACCOUNT}/customaudiences", "?ids=1"])
        | st.text(max_size=12),
        "body": st.text(max_size=12) | st.just("{result=x:$.id}"),
        "name": st.just("x"),
    }
)
BATCH = st.fixed_dictionaries({"batch": st.lists(ITEM, max_size=3)})
BODY = BATCH | st.dictionaries(st.sampled_from(NAMES), JSON | PAYLOAD, max_size=4)
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
        "{A}/usersreplace",
        "{A}/sessions",
        "{A}/adaccounts",
        f"{ACCOUNT}/usersofanyaudience",
        f"{ACCOUNT}/customaudiencestos",
        "{A}/usersreplace",
        "{A}/adaccounts",
        f"{ACCOUNT}/usersofanyaudience",
        f"{ACCOUNT}/customaudiencestos",
        "act_%ff",
        "{A}/%00",
        "%2e%2e/x",
    ]
) | st.text(max_size=8).map(quote)
QUERIES = st.dictionaries(st.sampled_from(NAMES), st.text(max_size=12), max_size=2)
RAW_QUERY = st.sampled_from(
    [
        "",
        "",
        "&fields=%ff%fe",
        "&payload=%00",
        "&payload=%7B",
        "&limit=" + "9" * 400,
        "&%ff=%",
        "&=&",
    ]
)
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


@contextmanager
def without_any_traceback() -> Iterator[None]:
    """Fail when the server has to log something of its own."""
    handler = logging.handlers.BufferingHandler(capacity=1_000)
    handler.setLevel(logging.WARNING)
    loggers = [logging.getLogger(name) for name in ("aiohttp.server", "asyncio")]
    for logger in loggers:
        logger.addHandler(handler)
    try:
        yield
        assert [record.getMessage() for record in handler.buffer] == []
    finally:
        for logger in loggers:
            logger.removeHandler(handler)


def test_random_requests_never_break_the_fake() -> None:
    with fake_in_a_loop() as (runner, running), without_any_traceback():
        body = urlencode({"name": "x", "customer_file_source": "USER_PROVIDED_ONLY"}).encode()
        target = f"/v26.0/{ACCOUNT}/customaudiences?access_token={TOKEN}"
        form = "application/x-www-form-urlencoded"
        status = runner.run(exchange(running.graph_url, raw_request("POST", target, form, body)))
        assert b" 200 " in status
        audience, made = next(iter(running.state.audiences.by_id.items()))

        @settings(max_examples=550, deadline=None)
        @given(
            method=st.sampled_from(["GET", "POST", "DELETE", "PUT", "HEAD"]),
            path=PATHS,
            query=QUERIES,
            raw_query=RAW_QUERY,
            content_type=TYPES,
            body=BODIES,
        )
        def send(
            method: str,
            path: str,
            query: dict[str, str],
            raw_query: str,
            content_type: str,
            body: bytes,
        ) -> None:
            running.state.audiences.put(made)  # an earlier request may have deleted it
            text = urlencode({"access_token": TOKEN, **query}, errors="replace")
            target = f"/v26.0/{path.replace('{A}', audience)}?{text}{raw_query}"
            request = raw_request(method, target, content_type, body)
            status = runner.run(exchange(running.graph_url, request))
            assert status.startswith(b"HTTP/1.1 ")
            assert b" 500 " not in status

        send()


ADMIN_PATHS = (
    "people",
    "people/generate",
    "match",
    "explain",
    "settings",
    "faults",
    "profile",
    "clock",
    "tokens",
    "tokens/x",
    "ad_accounts",
    "ad_accounts/act_1",
    "snapshots",
    "snapshots/1",
    "snapshots/1/restore",
    "requests",
    "requests/stats",
    "audiences",
    "audiences/1/people",
    "state",
    "reset",
)
ADMIN_FIELDS = (
    "people",
    "members",
    "member",
    "row",
    "seed",
    "frozen",
    "advance_s",
    "name",
    "plain",
    "access_token",
    "ad_account_id",
    "emails",
    "effect",
    "match",
)
ADMIN_BODIES = st.dictionaries(
    st.sampled_from(ADMIN_FIELDS),
    st.integers(-2, 3) | st.floats() | JSON | st.just({"EMAIL": "x", "emails": ["\ud800"]}),
    max_size=3,
) | st.fixed_dictionaries({"count": st.integers(-2, 3) | st.just(10**30)})
RULES = st.fixed_dictionaries(
    {
        "name": st.just("x") | JSON,
        "effect": st.dictionaries(st.sampled_from(["json", "html", "headers", "reset"]), JSON),
    }
)


def test_random_admin_requests_never_break_the_fake() -> None:
    with fake_in_a_loop() as (runner, running), without_any_traceback():

        @settings(max_examples=450, deadline=None)
        @given(
            method=st.sampled_from(["GET", "POST", "PUT", "DELETE", "PATCH"]),
            path=st.sampled_from(ADMIN_PATHS) | st.text(max_size=8).map(quote),
            query=st.dictionaries(
                st.sampled_from(["limit", "offset", "path", "method", "fault"]),
                st.text(max_size=8),
                max_size=2,
            ),
            body=BODIES
            | (JSON | ADMIN_BODIES | st.lists(RULES, max_size=2)).map(
                lambda value: json.dumps(value).encode()
            ),
        )
        def send(method: str, path: str, query: dict[str, str], body: bytes) -> None:
            target = f"/admin/{path}?{urlencode(query, errors='replace')}"
            request = raw_request(method, target, "application/json", body)
            status = runner.run(exchange(running.admin_url, request))
            assert status.startswith((b"HTTP/1.1 2", b"HTTP/1.1 4"))

        send()


def test_random_waits_are_answered_or_refused() -> None:
    words = st.dictionaries(
        st.sampled_from(["count", "operation", "path", "shoe"]), st.text(max_size=8), max_size=2
    )
    with fake_in_a_loop() as (runner, running), without_any_traceback():

        @settings(max_examples=50, deadline=None)
        @given(query=words, timeout=st.sampled_from(["0", "-1", "x", "99999999999999999999"]))
        def send(query: dict[str, str], timeout: str) -> None:
            text = urlencode({**query, "timeout_s": timeout}, errors="replace")
            request = raw_request("GET", f"/admin/requests/wait?{text}", "text/plain", b"")
            status = runner.run(exchange(running.admin_url, request))
            assert status.startswith(b"HTTP/1.1 4")

        send()


async def test_two_fakes_side_by_side_share_nothing() -> None:
    async with (
        running_fake(seed=1) as one,
        running_fake(seed=1) as other,
        aiohttp.ClientSession() as session,
    ):
        first, second = FakeClient(one, session), FakeClient(other, session)
        await first.people({"person_id": "ann", "emails": ["a@x.org"]})
        audience = await first.create()
        await first.add(audience, ["EMAIL"], [[sha("a@x.org")]])
        await first.switch(matching="first_strong")
        await first.arm({"empty": {"status": 503}}, operation="read")
        await first.admin("POST", "/admin/clock", {"advance_s": 60})
        await first.admin("POST", "/admin/snapshots")
        told = (await second.admin("GET", "/admin/state")).json
        assert (told["people"], told["audiences"], told["faults"]) == (0, [], [])
        assert (await second.admin("GET", "/admin/snapshots")).json == {"snapshots": []}
        assert (await second.graph("GET", ACCOUNT)).status == 200
        assert len(await second.journal()) == 1
        assert other.state.clock.advanced_s == 0
        assert other.state.settings.matching == "any_strong"
