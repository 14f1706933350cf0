import asyncio

import pytest

from service.graph import Verdict
from service.sync.account_gate import WAIT_INSIDE_RUN_S_MAX, AccountGate, AccountGates
from service.sync.account_view import BEAT_S
from service.sync.stops import ComeBack
from tests.unit.sync.gate_office import an_office
from tests.unit.sync.hand_clock import HandClock, settle_down
from tests.unit.sync.stub_graph import failure


async def test_no_more_calls_than_the_pace_allows_are_in_flight() -> None:
    async with an_office() as office:
        gate = office.gate(calls_max=4)
        for _ in range(5):
            office.call(gate)
        await settle_down()
        assert len(office.in_flight) == 2
        await office.end()
        assert len(office.in_flight) == 2


async def test_answers_let_more_calls_through_with_the_next_look_and_a_failure_fewer_at_once() -> (
    None
):
    async with an_office() as office:
        gate = office.gate()
        for _ in range(40):
            office.call(gate)
        await settle_down()
        assert len(office.in_flight) == 4
        await office.end(count=4)
        await office.end(count=4)
        await office.clock.advance(BEAT_S)
        await office.end(count=4)
        assert len(office.in_flight) == 6

        failing = asyncio.create_task(office.one_call(gate, "bad", failure(Verdict.TRANSIENT)))
        await settle_down()
        await office.end(count=2)
        await office.end(audience="bad")
        await asyncio.gather(failing, return_exceptions=True)
        assert gate._view.room() == 3


async def test_a_cancelled_call_gives_its_place_back() -> None:
    async with an_office() as office:
        gate = office.gate(calls_max=2)
        call = office.call(gate)
        await settle_down()
        call.cancel()
        await settle_down()
        async with gate.permit():
            assert gate._in_flight == 1


async def test_who_is_cancelled_while_waiting_does_not_hold_the_others_up() -> None:
    async with an_office() as office:
        gate = office.gate(calls_max=1)
        office.call(gate)
        await settle_down()
        waits = office.call(gate, "y")
        office.call(gate, "z")
        await settle_down()
        waits.cancel()
        await settle_down()
        await office.end()
        assert office.in_flight == [("a", "z")]


async def test_a_small_audience_waits_for_its_turn_and_not_for_a_first_load() -> None:
    async with an_office() as office:
        gate = office.gate(calls_max=1)
        for _ in range(100):
            office.call(gate, "large")
        await settle_down()
        office.call(gate, "small")
        office.call(gate, "other")
        await settle_down()
        for _ in range(5):
            await office.end(audience=office.in_flight[0][1])
        assert office.began == ["large", "large", "small", "other", "large", "large"]


async def test_a_long_stop_of_the_account_suspends_the_run() -> None:
    gate = AccountGate(calls_max=2, clock=HandClock())
    gate.throttled(WAIT_INSIDE_RUN_S_MAX + 1)
    with pytest.raises(ComeBack) as stop:
        async with gate.permit():
            pass
    assert stop.value.in_s == pytest.approx(WAIT_INSIDE_RUN_S_MAX + 1)


async def test_a_short_stop_is_sat_out_and_told() -> None:
    async with an_office() as office:
        gate = office.gate()
        gate.throttled(60)
        waited: list[float] = []

        async def call() -> None:
            async with gate.permit() as permit:
                waited.append(permit.stopped_for_s)

        calls = [asyncio.create_task(call()) for _ in range(2)]
        await office.clock.advance(59)
        assert waited == []
        await office.clock.advance(2)
        await asyncio.gather(*calls)
        assert waited == [60, 60]
        assert gate.stopped_total_s() == 60, "once, however many calls waited"


async def test_stops_that_overlap_count_once_and_never_shorten_each_other() -> None:
    clock = HandClock()
    gate = AccountGate(calls_max=2, clock=clock)
    gate.throttled(100)
    clock.time = 10
    gate.throttled(60)
    assert gate.stopped_for_s() == 90
    clock.time = 300
    assert (gate.stopped_for_s(), gate.stopped_total_s()) == (0, 100)
    gate.throttled(60)
    clock.time = 330
    assert (gate.stopped_for_s(), gate.stopped_total_s()) == (30, 130)


async def test_a_stop_found_while_the_lease_was_renewed_keeps_the_call_back() -> None:
    async with an_office() as office:
        gate, asked, go = office.gate(), asyncio.Event(), asyncio.Event()
        began: list[float] = []

        async def renew_lease() -> None:
            asked.set()
            await go.wait()

        async def call() -> None:
            async with gate.permit(ready=renew_lease):
                began.append(office.clock.time)

        calling = asyncio.create_task(call())
        await asked.wait()
        gate.throttled(60)
        go.set()
        await settle_down()
        assert began == []
        assert gate._in_flight == 0, "who waits for the account holds no place"
        await office.clock.advance(60)
        await calling
        assert began == [60]


async def test_audiences_of_one_account_share_a_gate() -> None:
    gates = AccountGates(calls_max=2, clock=HandClock())
    assert gates.of("act_1") is gates.of("act_1")
    assert gates.of("act_1") is not gates.of("act_2")
