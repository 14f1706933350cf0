"""Faults that need time: late and reordered writes, rules that rest, declared invalid rows."""

import asyncio

import aiohttp
import pytest

from fakefb.clock import Clock
from fakefb.fault_rules import LATE_MS_MAX, FaultRule
from fakefb.faults import Faults
from fakefb.testing import running_fake
from tests.unit.fakefb.client import ACCOUNT, FakeClient, sha

ANN = {"person_id": "ann", "emails": ["ann@example.com"]}
BEN = {"person_id": "ben", "emails": ["ben@example.com"]}
ROWS = [[sha("ann@example.com")]]
CUT = (aiohttp.ClientOSError, aiohttp.ServerDisconnectedError)


async def audience_with_people(fake: FakeClient) -> str:
    await fake.people(ANN, BEN)
    return await fake.create()


async def test_write_lands_after_a_reset(fake: FakeClient) -> None:
    audience = await audience_with_people(fake)
    await fake.arm({"reset_apply_late_ms": 150}, operation="add")
    with pytest.raises(CUT):
        await fake.add(audience, ["EMAIL"], ROWS)
    assert await fake.inside(audience) == []
    await fake.until_inside(audience, ["ann"])
    await fake.admin("GET", "/admin/requests/wait?operation=add&timeout_s=5")
    entry = (await fake.journal("?operation=add"))[0]
    assert (entry["applied"], entry["status"], entry["fault"]) == (True, None, "the fault")


async def test_fake_that_ends_does_not_wait_for_late_writes() -> None:
    async with running_fake() as running, aiohttp.ClientSession() as session:
        fake = FakeClient(running, session)
        audience = await audience_with_people(fake)
        await fake.arm({"reset_apply_late_ms": 60_000}, operation="add")
        with pytest.raises(CUT):
            await fake.add(audience, ["EMAIL"], ROWS)
    entry = running.state.journal.entries[-1]
    async with asyncio.timeout(5):
        while entry.ended is None:
            await asyncio.sleep(0)
    assert not entry.applied


async def test_lateness_has_a_bound(fake: FakeClient) -> None:
    rule = {"name": "x", "effect": {"apply_late_ms": LATE_MS_MAX + 1}}
    reply = await fake.admin("PUT", "/admin/faults", [rule])
    assert (reply.status, str(LATE_MS_MAX) in str(reply.json["error"])) == (400, True)


async def test_later_write_overtakes(fake: FakeClient) -> None:
    audience = await audience_with_people(fake)
    await fake.add(audience, ["EMAIL"], ROWS)
    await fake.arm({"reorder_ms": 5_000}, operation="add")
    adding = asyncio.create_task(fake.add(audience, ["EMAIL"], ROWS))
    async with asyncio.timeout(5):
        while len(await fake.journal("?operation=add")) < 2:
            pass  # each look is a round trip, so that the add gets its turn
    assert (await fake.remove(audience, ["EMAIL"], ROWS)).status == 200
    assert (await adding).status == 200
    # The removal came last and was done first.
    assert await fake.inside(audience) == ["ann"]


async def test_write_that_nothing_overtakes_is_done_after_its_bound(fake: FakeClient) -> None:
    audience = await audience_with_people(fake)
    other = await fake.create("Another")
    await fake.arm({"reorder_ms": 100}, custom_audience_id=audience)
    adding = asyncio.create_task(fake.add(audience, ["EMAIL"], ROWS))
    await fake.add(other, ["EMAIL"], ROWS)
    assert not adding.done()
    assert (await adding).status == 200
    assert await fake.inside(audience) == ["ann"]


async def test_rows_are_called_invalid_with_fewer_samples(fake: FakeClient) -> None:
    audience = await audience_with_people(fake)
    await fake.arm({"invalid_rows": {"n": 2, "samples": 1}})
    rows = [["bad"], [sha("ann@example.com")], [sha("x@x.org")], [sha("ben@example.com")]]
    reply = await fake.add(audience, ["EMAIL"], rows)
    assert (reply.json["num_received"], reply.json["num_invalid_entries"]) == (4, 3)
    samples = reply.json["invalid_entry_samples"]
    assert isinstance(samples, dict)
    assert len(samples) == 1
    assert await fake.inside(audience) == ["ben"]
    assert (await fake.journal())[-1]["invalid_rows"] == 3


async def test_headers_are_replaced(fake: FakeClient) -> None:
    usage = '{"1000000001":[{"type":"custom_audience","call_count":99}]}'
    await fake.arm({"headers": {"X-Business-Use-Case-Usage": usage, "X-New": "1"}})
    reply = await fake.graph("GET", ACCOUNT)
    assert (reply.status, reply.json["id"]) == (200, ACCOUNT)
    assert reply.headers["X-Business-Use-Case-Usage"] == usage
    assert reply.headers["X-New"] == "1"


@pytest.mark.parametrize(
    "headers", [{"Content-Length": "3"}, {"A B": "x"}, {"X-A": "a\r\nX-B: b"}, {}]
)
async def test_headers_that_would_break_the_answer_are_refused(
    fake: FakeClient, headers: dict[str, str]
) -> None:
    rule = {"name": "x", "effect": {"headers": headers}}
    assert (await fake.admin("PUT", "/admin/faults", [rule])).status == 400


async def test_rule_rests_from_a_time_of_the_fakes_clock(fake: FakeClient) -> None:
    now = float(str((await fake.admin("PUT", "/admin/clock", {"frozen": True})).json["now"]))
    await fake.arm({"empty": {"status": 503}}, until=now + 40)
    assert (await fake.graph("GET", ACCOUNT)).status == 503
    await fake.admin("POST", "/admin/clock", {"advance_s": 40})
    assert (await fake.graph("GET", ACCOUNT)).status == 200


def test_rule_rests_after_real_seconds_whatever_the_fakes_clock_says() -> None:
    seconds = [100.0]
    clock = Clock(lambda: seconds[0])
    clock.freeze()
    faults = Faults(0, clock)
    match = {"for_s": 5}
    rule = {"name": "x", "match": match, "effect": {"success_false": True}}
    faults.arm([FaultRule.model_validate(rule)])

    def fires() -> bool:
        return faults.pick(method="GET", path="/", operation=None) is not None

    clock.advance(1_000)
    assert fires()
    seconds[0] = 104.9
    assert fires()
    seconds[0] = 105.0
    assert not fires()
