import asyncio

import pytest

from service.clock import Clock
from service.sync.account_gate import WAIT_INSIDE_RUN_S_MAX, AccountGate, AccountGates
from service.sync.stops import ComeBack


class HandClock(Clock):
    def __init__(self) -> None:
        self.time = 0.0

    def monotonic(self) -> float:
        return self.time


async def enter(gate: AccountGate, leave: asyncio.Event) -> None:
    async with gate.permit():
        await leave.wait()


async def settle_down() -> None:
    for _ in range(5):
        await asyncio.sleep(0)


async def test_no_more_calls_than_the_pace_allows_are_in_flight() -> None:
    gate, leave = AccountGate(calls_max=4, clock=HandClock()), asyncio.Event()
    async with asyncio.TaskGroup() as tasks:
        calls = [tasks.create_task(enter(gate, leave)) for _ in range(5)]
        await settle_down()
        assert gate._in_flight == 2
        leave.set()
    assert all(call.done() for call in calls)
    assert gate._in_flight == 0


async def test_a_cancelled_call_gives_its_place_back() -> None:
    gate = AccountGate(calls_max=2, clock=HandClock())
    call = asyncio.create_task(enter(gate, asyncio.Event()))
    await settle_down()
    call.cancel()
    with pytest.raises(asyncio.CancelledError):
        await call
    async with gate.permit():
        assert gate._in_flight == 1


async def test_a_long_stop_of_the_account_suspends_the_run() -> None:
    gate = AccountGate(calls_max=2, clock=HandClock())
    gate.throttled(WAIT_INSIDE_RUN_S_MAX + 1)
    with pytest.raises(ComeBack) as stop:
        async with gate.permit():
            pass
    assert stop.value.in_s == pytest.approx(WAIT_INSIDE_RUN_S_MAX + 1)


async def test_audiences_of_one_account_share_a_gate() -> None:
    gates = AccountGates(calls_max=2, clock=HandClock())
    assert gates.of("act_1") is gates.of("act_1")
    assert gates.of("act_1") is not gates.of("act_2")
