from dataclasses import dataclass, field

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.sync.pace_shares import SILENT_S, TURN_S, AccountPace, Holder, Part, divide, take_part
from service.sync.pacing import Pace, Troubled, calls_allowed, on_event

CALL_S = 30.0


def account(*holders: Holder, allowance: float = 8) -> AccountPace:
    return AccountPace(Pace(calls_max=8, allowance=allowance), holders)


def part(name: str, *, wanted: int, in_flight: int = 0) -> Part:
    return Part(name, in_flight, wanted, CALL_S)


def places(taken: AccountPace) -> dict[str, int]:
    return {holder.name: holder.places for holder in taken.holders}


@pytest.mark.parametrize(
    ("room", "wishes", "shares"),
    [
        (8, {"a": 1}, {"a": 8}),
        (8, {"a": 8, "b": 8}, {"a": 4, "b": 4}),
        (8, {"a": 8, "b": 1}, {"a": 7, "b": 1}),
        (8, {"a": 1, "b": 1}, {"a": 4, "b": 4}),
        (8, {"a": 8, "b": 8, "c": 8}, {"a": 3, "b": 3, "c": 2}),
        (2, {"a": 8, "b": 8, "c": 8}, {"a": 1, "b": 1, "c": 0}),
        (0, {"a": 8}, {"a": 0}),
    ],
)
def test_places_are_divided_evenly_up_to_what_each_wishes(
    room: int, wishes: dict[str, int], shares: dict[str, int]
) -> None:
    assert divide(room, wishes, turn=0) == shares


def test_more_replicas_than_places_take_turns() -> None:
    wishes = dict.fromkeys("abcde", 3)
    served = {n for turn in range(5) for n, got in divide(2, wishes, turn=turn).items() if got}
    assert served == set("abcde")


@given(
    st.integers(0, 64),
    st.dictionaries(st.sampled_from("abcdefgh"), st.integers(0, 64), min_size=1),
    st.integers(0, 100),
)
def test_all_places_are_given_and_no_wish_is_passed_over(
    room: int, wishes: dict[str, int], turn: int
) -> None:
    shares = divide(room, wishes, turn=turn)
    assert sum(shares.values()) == room
    unmet = [shares[name] for name in wishes if shares[name] < wishes[name]]
    assert all(shares[name] - 1 <= min(unmet, default=64) for name in wishes)


def test_who_is_alone_has_all_places() -> None:
    assert places(take_part(account(), part("a", wanted=1), 0)) == {"a": 8}


def test_a_newcomer_waits_until_the_first_gives_its_share() -> None:
    first = take_part(account(), part("a", wanted=8), 0)
    both = take_part(first, part("b", wanted=8), 0.1)
    assert places(both) == {"a": 8, "b": 0}
    given_back = take_part(both, part("a", wanted=8, in_flight=6), 1)
    assert places(given_back) == {"a": 6, "b": 0}, "what is in flight cannot be given back"
    assert places(take_part(given_back, part("b", wanted=8), 1.1)) == {"a": 6, "b": 2}


def test_who_wants_nothing_leaves_and_its_places_are_free() -> None:
    both = account(Holder("a", 8, 4, 0), Holder("b", 8, 4, 0))
    left = take_part(both, part("b", wanted=0), 1)
    assert places(left) == {"a": 4}
    assert places(take_part(left, part("a", wanted=8), 1)) == {"a": 8}


def test_who_fell_silent_keeps_its_places_while_its_calls_may_run_but_one() -> None:
    dead = account(Holder("dead", 8, 8, 0))
    just_before = SILENT_S + CALL_S - 0.1
    assert places(take_part(dead, part("a", wanted=8), SILENT_S - 0.1))["a"] == 0
    assert places(take_part(dead, part("a", wanted=8), SILENT_S))["a"] == 1
    assert places(take_part(dead, part("a", wanted=8), just_before)) == {"dead": 8, "a": 1}
    assert places(take_part(dead, part("a", wanted=8), SILENT_S + CALL_S)) == {"a": 8}


def test_who_only_waited_and_fell_silent_is_forgotten() -> None:
    dead = account(Holder("dead", 8, 0, 0))
    assert places(take_part(dead, part("a", wanted=8), SILENT_S)) == {"a": 8}


def test_a_cut_of_the_allowance_is_divided_too() -> None:
    cut = account(Holder("a", 8, 4, 0), Holder("b", 8, 4, 0), allowance=4)
    cut = take_part(cut, part("a", wanted=8), TURN_S / 3)
    cut = take_part(cut, part("b", wanted=8), TURN_S / 3)
    cut = take_part(cut, part("a", wanted=8), TURN_S / 2)
    assert places(cut) == {"a": 2, "b": 2}


@dataclass
class Replica:
    """Makes calls as its places allow, and looks at the shared state now and then."""

    name: str
    waiting: int = 0
    in_flight: int = 0
    places: int = 0
    looked_at: float = field(default=-100.0)

    def look(self, shared: AccountPace, now: float) -> AccountPace:
        wanted = min(8, self.waiting + self.in_flight)
        taken = take_part(shared, Part(self.name, self.in_flight, wanted, CALL_S), now)
        self.places, self.looked_at = taken.places_of(self.name), now
        return taken

    def begin_calls(self, now: float) -> None:
        fresh = now - self.looked_at < SILENT_S / 2
        begun = min(self.waiting, self.places - self.in_flight) if fresh else 0
        self.waiting -= max(0, begun)
        self.in_flight += max(0, begun)


NAMES = ("a", "b", "c", "d")
steps = st.one_of(
    st.tuples(st.just("look"), st.integers(0, 3), st.just(0)),
    st.tuples(st.just("want"), st.integers(0, 3), st.integers(1, 8)),
    st.tuples(st.just("end"), st.integers(0, 3), st.integers(1, 8)),
    st.tuples(st.just("cut"), st.just(0), st.just(0)),
    st.tuples(st.just("wait"), st.just(0), st.integers(0, 20)),
)


@given(st.lists(steps, max_size=60))
def test_never_more_calls_than_the_most_over_all_replicas_while_they_speak(
    drawn: list[tuple[str, int, int]],
) -> None:
    shared, now = account(), 1000.0
    replicas = [Replica(name) for name in NAMES]
    for kind, who, count in drawn:
        replica = replicas[who]
        match kind:
            case "look":
                shared = replica.look(shared, now)
            case "want":
                replica.waiting += count
            case "end":
                replica.in_flight -= min(count, replica.in_flight)
            case "cut":
                pace = on_event(shared.pace, Troubled(now, now))
                shared = AccountPace(pace, shared.holders)
            case _:
                now += count / 10
        for one in replicas:
            one.begin_calls(now)
            if now - one.looked_at >= SILENT_S - 2 and one.in_flight:
                shared = one.look(shared, now)
        assert sum(one.in_flight for one in replicas) <= 8


@given(st.integers(1, 8), st.lists(st.integers(1, 8), min_size=1, max_size=6))
def test_when_calls_end_everybody_who_waits_gets_a_place_in_the_end(
    allowance: int, wants: list[int]
) -> None:
    shared = account(allowance=float(allowance))
    replicas = [Replica(f"r{n}", waiting=wanted) for n, wanted in enumerate(wants)]
    now = 1000.0
    for _ in range(200):
        for one in replicas:
            shared = one.look(shared, now)
            one.begin_calls(now)
        assert sum(one.in_flight for one in replicas) <= calls_allowed(shared.pace, now)
        for one in replicas:
            one.in_flight = 0
        now += 1
    assert all(one.waiting == 0 for one in replicas)
