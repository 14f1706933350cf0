"""Who is committed together: no two that touch each other, nobody before their turn, bounded."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.rpc.next_batch import BATCH_CALLS_MAX, BATCH_CHANGES_MAX, next_batch


@dataclass(frozen=True, eq=False)
class ACall:
    member_keys: frozenset[bytes]
    request_id: str = ""

    def touches(self, other: "ACall") -> bool:
        same_id = self.request_id != "" and self.request_id == other.request_id
        return same_id or not self.member_keys.isdisjoint(other.member_keys)


def a_call(*members: str, request_id: str = "") -> ACall:
    return ACall(frozenset(member.encode() for member in members), request_id)


def a_long_call(changes: int, name: str = "long") -> ACall:
    return a_call(*(f"{name}-{number}" for number in range(changes)))


CALLS = st.lists(
    st.builds(
        ACall,
        st.frozensets(st.sampled_from([b"a", b"b", b"c", b"d", b"e"]), min_size=1, max_size=4),
        st.sampled_from(["", "", "r1", "r2"]),
    ),
    min_size=1,
    max_size=12,
)
BOUNDS = st.tuples(st.integers(1, 4), st.integers(1, 6))


def all_batches(calls: Sequence[ACall], calls_max: int, changes_max: int) -> list[list[ACall]]:
    waiting, batches = list(calls), []
    while waiting:
        batch = next_batch(waiting, calls_max=calls_max, changes_max=changes_max)
        waiting = [call for call in waiting if call not in batch]
        batches.append(batch)
    return batches


def test_calls_of_different_members_go_together_in_the_order_of_their_arrival() -> None:
    calls = [a_call("a"), a_call("b", "c"), a_call("d")]
    assert next_batch(calls) == calls


def test_the_later_of_two_calls_that_name_a_member_waits() -> None:
    first, later, other = a_call("a"), a_call("a"), a_call("b")
    assert next_batch([first, later, other]) == [first, other]


def test_nobody_overtakes_a_call_that_waits_for_another() -> None:
    first, waits, waits_for_that = a_call("a"), a_call("a", "b"), a_call("b")
    assert next_batch([first, waits, waits_for_that]) == [first]


def test_the_later_of_two_calls_with_one_request_id_waits() -> None:
    first, repeat = a_call("a", request_id="r"), a_call("b", request_id="r")
    assert next_batch([first, repeat]) == [first]


def test_calls_without_a_request_id_have_none_in_common() -> None:
    calls = [a_call("a"), a_call("b")]
    assert next_batch(calls) == calls


@pytest.mark.parametrize("before", [0, 1])
def test_a_call_with_many_changes_goes_alone(before: int) -> None:
    short = [a_call(f"short-{number}") for number in range(before)]
    long = a_long_call(BATCH_CHANGES_MAX + 1)
    calls = [*short, long, a_call("after")]
    assert next_batch(calls) == (short or [long])


def test_a_batch_is_bounded_in_calls() -> None:
    calls = [a_call(f"member-{number}") for number in range(BATCH_CALLS_MAX + 1)]
    assert next_batch(calls) == calls[:-1]


def test_the_look_ahead_is_bounded_when_one_member_is_all_that_waits() -> None:
    looked_at = 0

    def waiting() -> Iterator[ACall]:
        nonlocal looked_at
        for _ in range(10 * BATCH_CHANGES_MAX):
            looked_at += 1
            yield a_call("a")

    assert len(next_batch(waiting())) == 1
    assert looked_at <= BATCH_CHANGES_MAX + 1


@given(calls=CALLS, bounds=BOUNDS)
def test_any_calls_go_in_batches_that_keep_every_order_that_matters(
    calls: list[ACall], bounds: tuple[int, int]
) -> None:
    calls_max, changes_max = bounds
    batches = all_batches(calls, calls_max, changes_max)
    place = {call: number for number, batch in enumerate(batches) for call in batch}
    assert sorted(place, key=calls.index) == calls, "each goes once"
    for number, call in enumerate(calls):
        for later in calls[number + 1 :]:
            assert place[call] < place[later] if call.touches(later) else True


@given(calls=CALLS, bounds=BOUNDS)
def test_any_batch_keeps_its_bounds_and_takes_who_waits_longest(
    calls: list[ACall], bounds: tuple[int, int]
) -> None:
    calls_max, changes_max = bounds
    batch = next_batch(calls, calls_max=calls_max, changes_max=changes_max)
    assert batch[0] is calls[0]
    assert len(batch) <= calls_max
    assert len(batch) == 1 or sum(len(call.member_keys) for call in batch) <= changes_max
