from functools import reduce

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.sync.pacing import (
    SLOW_CALL_S_MIN,
    STOP_S_MIN,
    USAGE_FADES_S,
    Answered,
    Event,
    Pace,
    Throttled,
    Told,
    Troubled,
    calls_allowed,
    is_slow,
    on_event,
    stop_until,
)

START = Pace.start(8)


def after(pace: Pace, *events: Event) -> Pace:
    return reduce(on_event, events, pace)


def after_answers(pace: Pace, count: int, *, took_s: float = 0.1, at: float = 0.0) -> Pace:
    return after(pace, *[Answered(at, took_s)] * count)


FULL = after_answers(START, 1000)


def test_it_starts_in_the_middle_and_grows_to_the_most_by_one_a_round() -> None:
    assert calls_allowed(START, 0) == 4
    assert calls_allowed(after_answers(START, 5), 0) == 5
    assert calls_allowed(FULL, 0) == 8


def test_trouble_halves_it_and_never_stops_it() -> None:
    pace = after(START, Troubled(at=2, began_at=1))
    assert calls_allowed(pace, 2) == 2
    for n in range(2, 20):
        pace = after(pace, Troubled(at=n + 1, began_at=n))
    assert calls_allowed(pace, 20) == 1


def test_calls_that_were_under_way_at_a_cut_do_not_cut_again() -> None:
    together = [Troubled(at=10 + n, began_at=5) for n in range(8)]
    assert calls_allowed(after(FULL, *together), 20) == 4
    assert calls_allowed(after(FULL, *together, Troubled(at=21, began_at=11)), 21) == 2


def test_it_grows_again_by_one_a_round_after_a_cut() -> None:
    cut = after(FULL, Troubled(at=10, began_at=9))
    assert [calls_allowed(after_answers(cut, n, at=11), 11) for n in (0, 5, 10, 100)] == [
        4,
        5,
        6,
        8,
    ]


@pytest.mark.parametrize(
    ("usage", "allowed"), [(0, 8), (75, 8), (80, 6), (85, 4), (90, 2), (94, 1), (95, 1), (150, 1)]
)
def test_it_slows_from_75_percent_on(usage: float, allowed: int) -> None:
    pace = after(FULL, Told(at=10, usage_percent=usage, regain_access_s=0))
    assert calls_allowed(pace, 10) == allowed


def test_an_old_usage_counts_no_more() -> None:
    pace = after(FULL, Told(at=10, usage_percent=90, regain_access_s=0))
    assert calls_allowed(pace, 10 + USAGE_FADES_S - 1) == 2
    assert calls_allowed(pace, 10 + USAGE_FADES_S) == 8


def test_a_usage_that_was_told_earlier_does_not_replace_a_later_one() -> None:
    pace = after(FULL, Told(20, 90, 0), Told(10, 0, 0))
    assert calls_allowed(pace, 20) == 2


@pytest.mark.parametrize(
    ("event", "until"),
    [
        (Told(at=100, usage_percent=94.9, regain_access_s=600), None),
        (Told(at=100, usage_percent=95, regain_access_s=0), 100 + STOP_S_MIN),
        (Told(at=100, usage_percent=95, regain_access_s=600), 700),
        (Throttled(at=100, began_at=90, retry_after_s=0), 100 + STOP_S_MIN),
        (Throttled(at=100, began_at=90, retry_after_s=300), 400),
        (Troubled(at=100, began_at=90), None),
        (Answered(at=100, took_s=1), None),
    ],
)
def test_a_throttle_and_95_percent_stop_for_as_long_as_facebook_says(
    event: Event, until: float | None
) -> None:
    assert stop_until(event) == until


def test_a_call_far_slower_than_usual_halves_it_once_a_round() -> None:
    slow_s = SLOW_CALL_S_MIN + 1
    slow = after_answers(FULL, 8, took_s=slow_s, at=100)
    assert calls_allowed(slow, 100) == 4


def test_a_quick_call_is_never_slow_and_the_first_sets_what_is_usual() -> None:
    assert not is_slow(FULL, SLOW_CALL_S_MIN)
    first = after_answers(START, 1, took_s=20)
    assert not is_slow(first, 60)
    assert is_slow(first, 60.1)


def test_when_all_calls_stay_slow_that_becomes_the_usual_and_it_grows_again() -> None:
    pace = FULL
    for n in range(40):
        pace = after(pace, Answered(at=100 + 20 * n, took_s=12))
    assert not is_slow(pace, 12)
    assert calls_allowed(after_answers(pace, 100, took_s=12, at=2000), 2000) == 8


seconds = st.floats(0, 1e4)
events = st.one_of(
    st.builds(Answered, seconds, seconds),
    st.builds(Told, seconds, st.floats(0, 200), seconds),
    st.builds(Throttled, seconds, seconds, seconds),
    st.builds(Troubled, seconds, seconds),
)


@given(st.lists(events), st.integers(1, 64), seconds)
def test_it_stays_between_one_and_the_most_whatever_comes(
    drawn: list[Event], calls_max: int, now: float
) -> None:
    pace = after(Pace.start(calls_max), *drawn)
    assert 1 <= pace.allowance <= calls_max
    assert 1 <= calls_allowed(pace, now) <= calls_max


@given(st.lists(events), st.integers(1, 64))
def test_from_anywhere_it_recovers_additively_to_the_most(
    drawn: list[Event], calls_max: int
) -> None:
    pace = after(Pace.start(calls_max), *drawn)
    for _ in range(3000):
        if pace.allowance == calls_max:
            break
        grown = after(pace, Answered(1e6, took_s=0))
        assert pace.allowance < grown.allowance <= pace.allowance + 1
        pace = grown
    assert calls_allowed(pace, 1e6) == calls_max
