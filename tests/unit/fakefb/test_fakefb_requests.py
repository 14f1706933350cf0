"""The journal from outside: filters, and waiting for calls."""

import asyncio

from tests.unit.fakefb.client import ACCOUNT, FakeClient, sha

ROWS = [[sha("ann@example.com")]]


async def test_wait_answers_once_enough_calls_have_ended(fake: FakeClient) -> None:
    audience = await fake.create()
    path = "/admin/requests/wait?operation=add&count=2&timeout_s=5"
    waiting = asyncio.create_task(fake.admin("GET", path))
    await fake.add(audience, ["EMAIL"], ROWS)
    await fake.graph("GET", audience)
    assert not waiting.done()
    await fake.add(audience, ["EMAIL"], ROWS)
    reply = await waiting
    requests = reply.json["requests"]
    assert isinstance(requests, list)
    assert [(one["operation"], one["status"]) for one in requests] == [("add", 200)] * 2


async def test_wait_counts_calls_that_have_ended_before(fake: FakeClient) -> None:
    audience = await fake.create()
    path = f"/admin/requests/wait?custom_audience_id={audience}&timeout_s=0"
    assert (await fake.admin("GET", path)).status == 200
    await fake.admin("DELETE", "/admin/requests")
    assert (await fake.admin("GET", path)).status == 408


async def test_wait_says_how_many_came_in_time(fake: FakeClient) -> None:
    await fake.graph("GET", ACCOUNT)
    reply = await fake.admin("GET", "/admin/requests/wait?count=3&timeout_s=0")
    assert reply.status == 408
    assert "1 of 3 calls" in str(reply.json["error"])


async def test_call_under_way_is_waited_for(fake: FakeClient) -> None:
    audience = await fake.create()
    await fake.arm({"delay_ms": 100}, operation="add")
    call = asyncio.create_task(fake.add(audience, ["EMAIL"], ROWS))
    reply = await fake.admin("GET", "/admin/requests/wait?fault=the%20fault&timeout_s=5")
    requests = reply.json["requests"]
    assert isinstance(requests, list)
    assert requests[0]["ended"] is not None
    await call


async def test_waiting_leaves_nothing_behind(fake: FakeClient) -> None:
    await fake.admin("GET", "/admin/requests/wait?timeout_s=0")
    assert fake.state.journal._watches == []


async def test_journal_is_filtered_by_audience_and_fault(fake: FakeClient) -> None:
    one, other = await fake.create(), await fake.create()
    await fake.arm({"empty": {"status": 503}}, custom_audience_id=other)
    for audience in (one, other):
        await fake.add(audience, ["EMAIL"], ROWS)
    assert len(await fake.journal(f"?custom_audience_id={one}&operation=add")) == 1
    faulty = await fake.journal("?fault=the%20fault")
    assert [entry["custom_audience_id"] for entry in faulty] == [other]
