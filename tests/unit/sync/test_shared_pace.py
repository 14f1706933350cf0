import asyncio

import pytest

from service.graph import GraphFailure, Verdict
from service.store.errors import StoreUnavailable
from service.sync.account_gate import AccountGates
from service.sync.account_view import BEAT_S
from service.sync.pace_shares import SILENT_S
from tests.unit.sync.gate_office import ACCOUNT, CALL_S, SharedBoard, an_office, usage
from tests.unit.sync.hand_clock import HandClock, settle_down
from tests.unit.sync.stub_graph import failure


@pytest.mark.parametrize(
    ("ends", "stop_s"),
    [
        (failure(Verdict.LIMITED, retry_after_s=90), 90),
        (failure(Verdict.LIMITED), 60),
        (usage(95), 60),
        (usage(97, regain_access_s=100), 100),
    ],
)
async def test_a_stop_found_by_one_replica_holds_for_all_before_their_next_call(
    ends: object, stop_s: float
) -> None:
    async with an_office() as office:
        one, other = office.gate("a"), office.gate("b")
        finder = asyncio.create_task(office.one_call(one, "x", ends))
        await settle_down()
        waits = office.call(other)
        await settle_down()
        await office.end()
        await asyncio.gather(finder, return_exceptions=True)
        assert office.board.stopped_until == office.clock.time + stop_s

        await office.clock.advance(stop_s - 0.1)
        assert office.in_flight == []
        await office.clock.advance(2 * BEAT_S)
        assert office.in_flight == [("b", "x")]
        assert not waits.done()


async def test_a_hint_of_a_stop_counts_for_the_very_next_call() -> None:
    async with an_office() as office:
        gate = office.gate()
        office.call(gate)
        await settle_down()
        office.board.stopped_until = office.clock.time + 60
        gate.look_soon()
        office.call(gate)
        await settle_down()
        assert len(office.in_flight) == 1
        assert gate.stopped_for_s() == 60


async def test_without_a_hint_a_stop_is_seen_within_a_second() -> None:
    async with an_office() as office:
        gate = office.gate()
        office.call(gate)
        await settle_down()
        office.board.stopped_until = office.clock.time + 60
        await office.clock.advance(BEAT_S)
        office.call(gate)
        await settle_down()
        assert len(office.in_flight) == 1


async def test_a_stop_of_the_board_never_shortens_one_that_was_found_here() -> None:
    async with an_office() as office:
        gate = office.gate()
        await gate._view.look()
        gate.throttled(100)
        office.board.stopped_until = office.clock.time + 10
        await gate._view.look()
        assert gate.stopped_for_s() == 100
        assert office.board.stopped_until == 100


async def test_a_stop_that_is_over_does_not_count_again() -> None:
    async with an_office() as office:
        office.clock.time = 1000
        office.board.stopped_until = 900
        gate = office.gate()
        await gate._view.look()
        assert (gate.stopped_for_s(), gate.stopped_total_s()) == (0, 0)


async def test_a_stop_is_sat_out_once_even_if_the_database_counts_more_slowly() -> None:
    async with an_office() as office:
        gate = office.gate()
        office.board.stopped_until = 60
        office.call(gate)
        await office.clock.advance(30)
        office.board.lag_s = 20
        await office.clock.advance(31)
        assert len(office.in_flight) == 1


async def test_a_stop_that_could_not_be_shared_is_shared_with_the_next_look() -> None:
    async with an_office() as office:
        gate = office.gate()
        limited = asyncio.create_task(office.one_call(gate, "x", failure(Verdict.LIMITED)))
        await settle_down()
        office.board.is_down = True
        await office.end()
        with pytest.raises(GraphFailure):
            await limited
        assert office.board.stopped_until == 0
        office.board.is_down = False
        await office.clock.advance(BEAT_S)
        assert office.board.stopped_until == 60


async def test_the_board_is_asked_once_a_second_however_many_calls_there_are() -> None:
    async with an_office() as office:
        gate = office.gate()
        for _ in range(200):
            office.call(gate)
        await settle_down()
        for _ in range(10):
            await office.end(count=len(office._ends["a", "x"]))
        assert (office.board.reads, office.board.swaps) == (1, 1)
        await office.clock.advance(BEAT_S)
        await office.end(count=len(office._ends["a", "x"]))
        assert (office.board.reads, office.board.swaps) == (1, 2)


async def test_replicas_share_the_places_and_never_exceed_them() -> None:
    async with an_office() as office:
        one, other = office.gate("a"), office.gate("b")
        for _ in range(20):
            office.call(one)
        await settle_down()
        assert office.count("a") == 4
        for _ in range(20):
            office.call(other)
        await settle_down()
        assert office.count("b") == 0, "no place is free yet"
        for _ in range(6):
            await office.clock.advance(BEAT_S)
            for holder in ("a", "b"):
                if office.count(holder):
                    await office.end(holder)
        await office.clock.advance(2 * BEAT_S)
        assert min(office.count("a"), office.count("b")) >= 2
        assert office.most_in_flight <= 8


async def test_a_replica_that_has_no_more_calls_gives_its_places_back() -> None:
    async with an_office() as office:
        one, other = office.gate("a"), office.gate("b")
        office.call(one)
        await settle_down()
        office.call(other)
        await office.clock.advance(0.1)
        assert office.in_flight == [("a", "x")]
        await office.end()
        await office.clock.advance(2 * BEAT_S)
        assert office.in_flight == [("b", "x")]
        assert set(await office.board.holders()) == {"b"}


async def test_a_replica_that_dies_leaves_one_place_soon_and_all_when_its_calls_have_ended() -> (
    None
):
    async with an_office() as office:
        office.call(office.gate("dead"))
        await settle_down()
        gate = office.gate("a")
        for _ in range(8):
            office.call(gate)
        await office.clock.advance(SILENT_S - 1)
        assert office.count("a") == 0
        await office.clock.advance(2)
        assert office.count("a") == 1
        await office.clock.advance(CALL_S * 1.1 + SILENT_S)
        assert office.count("a") == 4


async def test_no_call_starts_while_the_board_cannot_be_seen() -> None:
    async with an_office() as office:
        gate = office.gate()
        office.board.is_down = True
        with pytest.raises(StoreUnavailable):
            async with gate.permit():
                pass
        office.board.is_down = False
        async with gate.permit():
            assert gate._in_flight == 1


async def test_places_that_a_look_gives_back_are_not_used_while_it_is_answered() -> None:
    async with an_office() as office:
        gate, asked, go = office.gate(), asyncio.Event(), asyncio.Event()
        office.call(gate)
        await settle_down()
        await office.end()
        await office.clock.advance(BEAT_S / 2)
        gate.look_soon()
        office.call(gate)
        await settle_down()
        await office.end()

        async def hang() -> None:
            asked.set()
            await go.wait()

        office.board.before_swap = hang
        await office.clock.advance(BEAT_S / 2)
        await asked.wait()
        office.call(gate)
        await settle_down()
        assert office.in_flight == []
        go.set()
        await settle_down()
        assert office.in_flight == [("a", "x")]
        assert (await office.board.holders())["a"].places > 0


async def test_closing_gives_the_places_back_at_once() -> None:
    clock = HandClock()
    board = SharedBoard(clock)
    gates = AccountGates(calls_max=8, clock=clock, board=board, holder="a")
    async with gates.of(ACCOUNT).permit():
        assert set(await board.holders()) == {"a"}
    await gates.close()
    assert await board.holders() == {}
