from hypothesis import given
from hypothesis import strategies as st

from service.sync import pacing
from service.sync.pacing import Pace, calls_allowed

START = Pace.start(8)


def after_answers(pace: Pace, count: int, *, usage: float = 0.0) -> Pace:
    for _ in range(count):
        pace = pacing.on_answer(pace, usage_percent=usage, regain_access_s=0, now=0)
    return pace


def test_it_starts_in_the_middle_and_grows_to_the_most_by_one_a_round() -> None:
    assert calls_allowed(START) == 4
    assert calls_allowed(after_answers(START, 5)) == 5
    assert calls_allowed(after_answers(START, 1000)) == 8


def test_trouble_halves_it_and_never_stops_it() -> None:
    pace = pacing.on_trouble(START)
    assert calls_allowed(pace) == 2
    for _ in range(10):
        pace = pacing.on_trouble(pace)
    assert calls_allowed(pace) == 1


def test_it_slows_from_75_percent_and_stops_from_95() -> None:
    full = after_answers(START, 1000)
    assert calls_allowed(after_answers(full, 1, usage=74)) == 8
    assert calls_allowed(after_answers(full, 1, usage=85)) == 4
    stopped = pacing.on_answer(full, usage_percent=95, regain_access_s=0, now=100)
    assert stopped.resume_at == 160


def test_a_throttle_stops_for_as_long_as_facebook_says() -> None:
    throttled = pacing.on_throttle(START, retry_after_s=300, now=100)
    assert throttled.resume_at == 400
    assert pacing.on_throttle(throttled, retry_after_s=0, now=100).resume_at == 400


@given(
    st.lists(
        st.one_of(
            st.tuples(st.just("answer"), st.floats(0, 200), st.floats(0, 1e4)),
            st.tuples(st.just("throttle"), st.floats(0, 1e4), st.just(0.0)),
            st.tuples(st.just("trouble"), st.just(0.0), st.just(0.0)),
        )
    )
)
def test_it_stays_between_one_and_the_most_whatever_comes(
    events: list[tuple[str, float, float]],
) -> None:
    pace = START
    for kind, first, second in events:
        match kind:
            case "answer":
                pace = pacing.on_answer(pace, usage_percent=first, regain_access_s=second, now=0)
            case "throttle":
                pace = pacing.on_throttle(pace, retry_after_s=first, now=0)
            case _:
                pace = pacing.on_trouble(pace)
        assert 1 <= calls_allowed(pace) <= 8
