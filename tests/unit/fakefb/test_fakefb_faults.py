"""Each kind of fault: what the caller sees, and whether the write took effect."""

import asyncio
from collections.abc import Mapping

import aiohttp
import pytest

from fakefb.clock import Clock
from fakefb.fault_rules import FaultRule
from fakefb.faults import Faults
from tests.unit.fakefb.client import ACCOUNT, FakeClient, sha

ANN = {"person_id": "ann", "emails": ["ann@example.com"]}
ROWS = [[sha("ann@example.com")]]
CUT = (aiohttp.ClientOSError, aiohttp.ServerDisconnectedError, aiohttp.ClientPayloadError)


async def audience_with_ann_to_add(fake: FakeClient) -> str:
    await fake.people(ANN)
    return await fake.create()


@pytest.mark.parametrize(
    ("effect", "status", "text"),
    [
        ({"html": {"status": 502}}, 502, "<!DOCTYPE html>"),
        ({"empty": {"status": 500}}, 500, ""),
        ({"json": {"status": 500, "body": {"a": 1}}}, 500, '{"a":1}'),
        ({"success_false": True}, 200, '{"success":false}'),
    ],
)
async def test_answers_instead_of_the_work(
    fake: FakeClient, effect: Mapping[str, object], status: int, text: str
) -> None:
    audience = await audience_with_ann_to_add(fake)
    await fake.arm(effect)
    reply = await fake.add(audience, ["EMAIL"], ROWS)
    assert (reply.status, reply.text[: len(text) or None]) == (status, text)
    assert await fake.inside(audience) == []
    entry = (await fake.journal())[-1]
    assert (entry["fault"], entry["applied"], entry["rows"]) == ("the fault", False, 1)


async def test_graph_error(fake: FakeClient) -> None:
    audience = await audience_with_ann_to_add(fake)
    error = {"code": 2, "subcode": 9, "http_status": 500, "is_transient": True, "message": "later"}
    await fake.arm({"graph_error": error}, operation="add")
    reply = await fake.add(audience, ["EMAIL"], ROWS)
    assert reply.code == (500, 2, 9)
    assert reply.error["is_transient"] is True
    entry = (await fake.journal())[-1]
    assert (entry["error_code"], entry["error_subcode"]) == (2, 9)
    assert (await fake.remove(audience, ["EMAIL"], ROWS)).status == 200


@pytest.mark.parametrize(
    ("effect", "applied"),
    [
        ({"reset": "before"}, False),
        ({"reset": "after"}, True),
        ({"truncate_body": True}, True),
    ],
)
async def test_cut_connections(
    fake: FakeClient, effect: Mapping[str, object], *, applied: bool
) -> None:
    audience = await audience_with_ann_to_add(fake)
    await fake.arm(effect, path="users$")
    with pytest.raises(CUT):
        await fake.add(audience, ["EMAIL"], ROWS)
    assert await fake.inside(audience) == (["ann"] if applied else [])
    entry = (await fake.journal("?path=users"))[-1]
    assert (entry["applied"], entry["status"]) == (applied, None)


async def test_reset_is_a_real_one(fake: FakeClient) -> None:
    await fake.arm({"reset": "before"})
    host, _, port = fake.graph_url.removeprefix("http://").partition(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    writer.write(b"GET /v26.0/me/adaccounts HTTP/1.1\r\nHost: fake\r\n\r\n")
    with pytest.raises(ConnectionResetError):
        await reader.read()
    writer.close()


async def test_lost_answer_is_applied_and_never_comes(fake: FakeClient) -> None:
    audience = await audience_with_ann_to_add(fake)
    await fake.arm({"lost_answer": True})
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(fake.add(audience, ["EMAIL"], ROWS), 0.2)
    assert await fake.inside(audience) == ["ann"]


async def test_late_write_lands_after_the_caller_gave_up(fake: FakeClient) -> None:
    audience = await audience_with_ann_to_add(fake)
    await fake.arm({"apply_late_ms": 200}, times=1)
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(fake.add(audience, ["EMAIL"], ROWS), 0.05)
    assert await fake.inside(audience) == []
    await fake.until_inside(audience, ["ann"])


async def test_delayed_answer_comes_and_the_work_is_done_at_once(fake: FakeClient) -> None:
    audience = await audience_with_ann_to_add(fake)
    await fake.arm({"delay_ms": 150})
    call = asyncio.create_task(fake.add(audience, ["EMAIL"], ROWS))
    await fake.until_inside(audience, ["ann"])
    assert not call.done()
    assert (await call).status == 200


async def test_short_receipt_leaves_the_last_rows_out(fake: FakeClient) -> None:
    audience = await audience_with_ann_to_add(fake)
    await fake.arm({"short_received": {"by": 1}})
    reply = await fake.add(audience, ["EMAIL"], [[sha("x@x.org")], *ROWS])
    assert reply.json["num_received"] == 1
    assert await fake.inside(audience) == []


async def test_fewer_samples_than_invalid_rows(fake: FakeClient) -> None:
    audience = await fake.create()
    await fake.arm({"invalid_samples_limit": {"n": 1}})
    reply = await fake.add(audience, ["EMAIL"], [["a"], ["b"], ["c"]])
    assert reply.json["num_invalid_entries"] == 3
    assert reply.json["invalid_entry_samples"] == {
        '["a"]': "not a SHA-256 hash in lower-case hexadecimal"
    }


async def test_nth_call_alone_is_hit(fake: FakeClient) -> None:
    await fake.arm({"empty": {"status": 503}}, nth=2, method="GET", path="^/act_")
    statuses = [(await fake.graph("GET", ACCOUNT)).status for _ in range(4)]
    assert statuses == [200, 503, 200, 200]
    armed = await fake.session.get(f"{fake.admin_url}/admin/faults")
    assert [(rule["seen"], rule["fired"]) for rule in await armed.json()] == [(4, 1)]


async def test_times_bounds_how_often_a_rule_fires(fake: FakeClient) -> None:
    await fake.arm({"empty": {"status": 503}}, times=2)
    statuses = [(await fake.graph("GET", ACCOUNT)).status for _ in range(3)]
    assert statuses == [503, 503, 200]
    await fake.arm({"empty": {"status": 503}})
    await fake.admin("DELETE", "/admin/faults")
    assert (await fake.graph("GET", ACCOUNT)).status == 200


def test_chance_repeats_with_the_seed() -> None:
    rule = FaultRule.model_validate(
        {"name": "x", "match": {"probability": 0.3}, "effect": {"success_false": True}}
    )

    def fired(seed: int) -> list[bool]:
        faults = Faults(seed, Clock(lambda: 0.0))
        faults.arm([rule])
        picks = [faults.pick(method="GET", path="/", operation=None) for _ in range(200)]
        return [pick is not None for pick in picks]

    assert fired(1) == fired(1) != fired(2)
    assert 30 < sum(fired(1)) < 90


async def test_latency_holds_answers_of_users_calls_only(fake: FakeClient) -> None:
    audience = await audience_with_ann_to_add(fake)
    await fake.switch(latency_ms=100)
    await fake.graph("GET", ACCOUNT)
    await asyncio.gather(*(fake.add(audience, ["EMAIL"], ROWS) for _ in range(2)))
    read, one, two = (await fake.journal())[-3:]
    assert float(str(read["duration_ms"])) < 100
    assert float(str(one["duration_ms"])) >= 99
    # The numbers tell that the two calls overlapped.
    assert int(str(two["started"])) < int(str(one["ended"]))
