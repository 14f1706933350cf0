"""Long computing gives the loop away in time."""

from service.rpc.slices import SLICE_SECONDS_MAX, Slices
from tests.unit.rpc.clocks import Ticking, counted_turns


async def test_the_loop_is_given_away_when_a_slice_is_used_up() -> None:
    slices = Slices(Ticking(SLICE_SECONDS_MAX / 4))
    with counted_turns() as turns:
        for _ in range(100):
            await slices.turn()
    assert 100 / 5 <= turns.count <= 100 / 3


async def test_the_loop_is_kept_while_the_slice_lasts() -> None:
    slices = Slices(Ticking(SLICE_SECONDS_MAX / 1000))
    with counted_turns() as turns:
        for _ in range(100):
            await slices.turn()
    assert turns.count == 0
