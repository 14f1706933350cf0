import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.rpc.access.caller_limits import (
    AT_ONCE_RETRY_SECONDS,
    BURST_SECONDS,
    KNOWN_MAX,
    CallerBounds,
    CallerLimits,
)
from service.rpc.errors import CallerOverLimit


def limits(rate: float = 1_000.0, calls: int = 3, streams: int = 2) -> CallerLimits:
    bounds = CallerBounds(calls_per_second=rate, calls_at_once=calls, streams_at_once=streams)
    return CallerLimits(bounds)


def refusal(of: CallerLimits, now: float = 0.0, *, is_stream: bool = False) -> CallerOverLimit:
    with pytest.raises(CallerOverLimit) as caught:
        of.admit("a", now, is_stream=is_stream)
    return caught.value


def test_calls_at_once_are_bounded_and_room_comes_back() -> None:
    mine = limits(calls=2)
    leave = mine.admit("a", 0, is_stream=False)
    mine.admit("a", 0, is_stream=False)
    told = refusal(mine)
    assert (told.why, told.retry_after_s) == ("calls at once", AT_ONCE_RETRY_SECONDS)
    mine.admit("b", 0, is_stream=False)
    leave()
    mine.admit("a", 0, is_stream=False)


def test_streams_leave_room_for_other_calls() -> None:
    mine = limits(calls=3, streams=1)
    leave = mine.admit("a", 0, is_stream=True)
    assert refusal(mine, is_stream=True).why == "streams at once"
    mine.admit("a", 0, is_stream=False)
    leave()
    mine.admit("a", 0, is_stream=True)


def test_a_refused_call_uses_nothing_up() -> None:
    mine = limits(calls=1)
    leave = mine.admit("a", 0, is_stream=False)
    for _ in range(5_000):
        refusal(mine)
    leave()
    mine.admit("a", 0, is_stream=False)


def test_who_calls_too_often_is_told_when_the_next_call_may_come() -> None:
    mine = limits(rate=0.5)
    mine.admit("a", 0, is_stream=False)()
    told = refusal(mine, now=0.5)
    assert told.why == "calls a second"
    assert told.retry_after_s == pytest.approx(1.5)
    mine.admit("a", 2.0, is_stream=False)


@given(st.lists(st.floats(0, 0.3), max_size=200))
def test_however_calls_come_no_more_pass_than_the_burst_and_the_rate_allow(
    gaps: list[float],
) -> None:
    mine, now, passed = limits(rate=10, calls=1), 0.0, 0
    waits: list[float] = []
    for gap in gaps:
        now += gap
        try:
            mine.admit("a", now, is_stream=False)()
            passed += 1
        except CallerOverLimit as error:
            waits.append(error.retry_after_s or 0)
    assert passed <= 10 * (BURST_SECONDS + now) + 1e-6
    assert all(0 < wait <= 0.1 for wait in waits)


def test_a_clock_that_goes_back_gives_nothing_away() -> None:
    mine = limits(rate=0.5)
    mine.admit("a", 10, is_stream=False)()
    assert refusal(mine, now=5).retry_after_s == pytest.approx(2)


def test_those_who_are_as_new_are_forgotten_and_only_they() -> None:
    mine = limits(rate=1.0, calls=1)
    mine.admit("a", 0, is_stream=False)
    for number in range(3 * KNOWN_MAX):
        mine.admit(f"b{number}", number * 10.0, is_stream=False)()
    assert mine.known <= KNOWN_MAX + 1
    assert refusal(mine, now=1e6).why == "calls at once"
