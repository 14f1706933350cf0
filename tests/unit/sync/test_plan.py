from collections.abc import Sequence
from itertools import product

from hypothesis import given
from hypothesis import strategies as st

from service.identifiers import EMPTY_ROW, Identifier, Key, strong_identifiers, unpack_row
from service.sync.plan import HOLDERS_MAX, Holders, Plan, plan_removed
from tests.unit.sync.builders import a_row, plan_of, value


def both(plan: Plan) -> tuple[list[bytes], list[bytes]]:
    """Removals and additions, in an order that does not say anything."""
    return sorted(plan.removals), sorted(plan.additions)


def test_the_last_operation_on_a_row_wins() -> None:
    row, other = a_row(email="ann"), a_row(email="bob")

    plan = plan_of([("ADD", row + other), ("REMOVE", row), ("ADD", EMPTY_ROW)])

    assert both(plan) == ([row], [other])


def test_additions_go_as_whole_rows() -> None:
    row = a_row(email="ann", phone="1", last_name="lee")

    assert both(plan_of([("ADD", row)])) == ([], [row])


def test_a_leaver_whom_nobody_shares_is_removed_by_each_identifier_alone() -> None:
    row = a_row(email="ann", phone="1", first_name="ann", last_name="lee")

    plan = plan_of([("REMOVE", row)])

    assert both(plan) == (sorted([a_row(email="ann"), a_row(phone="1"), row]), [])


def test_weak_keys_go_along_only_in_the_whole_row() -> None:
    leaver = a_row(email="ann", phone="1", first_name="ann", last_name="lee")
    holders = Holders.among([a_row(phone="1")])

    assert list(plan_of([("REMOVE", leaver)], holders).removals) == [a_row(email="ann")]
    single = a_row(email="ann", first_name="ann", last_name="lee")
    assert list(plan_of([("REMOVE", single)]).removals) == [single]


def test_a_shared_email_stays_when_one_of_its_holders_leaves() -> None:
    leaver = a_row(email="home", phone="1")
    stayer = a_row(email="home", phone="2")

    plan = plan_of([("REMOVE", leaver)], Holders.among([stayer]))

    assert list(plan.removals) == [a_row(phone="1")]
    assert list(plan.additions) == [stayer], "Facebook may know both to be one person"


def test_all_rows_of_a_member_who_shares_something_with_a_leaver_are_added_again() -> None:
    leaver, stayer, beside = a_row(email="home", phone="1"), a_row(email="home"), a_row(device="d")

    plan = plan_of([("REMOVE", leaver)], Holders.among([stayer], {stayer: [beside]}))

    assert both(plan) == ([a_row(phone="1")], sorted([stayer, beside]))


def test_a_removed_row_that_somebody_present_holds_is_added() -> None:
    row = a_row(email="home")

    assert both(plan_of([("REMOVE", row)], Holders.among([row]))) == ([], [row])


def test_nothing_is_removed_of_a_row_whose_identifiers_are_all_held() -> None:
    removed = a_row(email="ann", phone="1")
    holders = Holders.among([a_row(email="ann"), a_row(phone="1")])

    plan = plan_of([("REMOVE", removed)], holders)

    assert both(plan) == ([], sorted([a_row(email="ann"), a_row(phone="1")]))


def test_an_identifier_with_too_many_holders_is_added_alone() -> None:
    leaver = a_row(email="shop", phone="1")
    crowd = [a_row(email="shop", phone=f"c{n}") for n in range(HOLDERS_MAX + 1)]

    plan = plan_of([("REMOVE", leaver)], Holders.among(crowd))

    assert list(plan.additions) == [a_row(email="shop")]


def test_planned_again_held_rows_go_in_and_the_others_out() -> None:
    held, gone = a_row(email="ann"), a_row(email="bob")

    assert both(plan_removed([held, gone], Holders.among([held]))) == ([gone], [held])


def test_a_refresh_takes_out_who_was_found_by_names_beside_an_identifier_that_is_still_held() -> (
    None
):
    leaver = a_row(email="home", first_name="ann", last_name="lee")
    stayer = a_row(email="home", first_name="bob", last_name="lee")

    again = plan_removed([leaver, stayer], Holders.among([stayer]), whole_rows=True)
    difference = plan_of([("REMOVE", leaver)], Holders.among([stayer]))

    assert both(again) == ([leaver], [stayer])
    assert both(difference) == ([], [stayer])


def test_a_refresh_takes_out_whole_rows_that_nobody_has_although_their_identifiers_are_held() -> (
    None
):
    alone, behind = a_row(phone="ann"), a_row(email="ann", phone="ann")

    again = plan_removed([alone, behind], Holders.among([behind]), whole_rows=True)

    assert both(again) == ([alone], [behind])


def test_a_namesake_stays_when_somebody_unknown_to_facebook_by_one_identifier_leaves() -> None:
    namesake = frozenset([*strong_identifiers(a_row(email="x"))])
    leaving = frozenset([*strong_identifiers(a_row(email="y"))])
    model = Model([namesake, leaving], last_names=["smith", "smith"])
    stayer = a_row(email="x", first_name="jo", last_name="smith")
    leaver = a_row(email="y", phone="not known", first_name="jo", last_name="smith")

    run(model, [[("ann", frozenset([stayer])), ("bob", frozenset([leaver]))]])
    assert model.inside == {0, 1}
    run(model, [[("bob", frozenset())]])
    assert model.inside == {0}


def test_a_row_that_was_lost_and_taken_up_by_another_still_brings_its_holders_back() -> None:
    home = a_row(device="home")
    one = frozenset([*strong_identifiers(a_row(email="a")), *strong_identifiers(a_row(email="d"))])
    model = Model([one])
    stays = frozenset([a_row(email="d"), home])

    run(model, [[("bob", frozenset([a_row(email="a"), home])), ("cat", stays)]])
    run(model, [[("bob", frozenset()), ("ann", frozenset([a_row(email="b"), home]))]])

    assert model.inside == {0}


# A model of Facebook: people who know identifiers; a row finds everybody who knows one of its, and
# namesakes only where nobody does.

EMAILS, PHONES = ("a", "b", "c", "d"), ("1", "2", "3")
ROWS = [
    a_row(email=email, phone=phone) for email, phone in product((*EMAILS, None), (*PHONES, None))
]
ROWS.remove(EMPTY_ROW)
IDENTIFIERS = sorted({one for row in ROWS for one in strong_identifiers(row)})
MEMBERS = ("ann", "bob", "cat", "dan")

changes = st.tuples(st.sampled_from(MEMBERS), st.frozensets(st.sampled_from(ROWS), max_size=2))
histories = st.lists(st.lists(changes, max_size=5), min_size=1, max_size=5)
populations = st.lists(
    st.frozensets(st.sampled_from(IDENTIFIERS), min_size=1, max_size=3), max_size=6
)


class Model:
    """Members, their change log, and Facebook's audience as a set of people."""

    def __init__(self, people: list[frozenset[Identifier]], last_names: Sequence[str] = ()) -> None:
        self.people = people
        self.last_names = [value(f"last name {name}") for name in last_names]
        self.members: dict[str, frozenset[bytes]] = {}
        self.inside: set[int] = set()

    def update(self, member: str, rows: frozenset[bytes]) -> list[tuple[str, bytes]]:
        before = self.members.get(member, frozenset())
        self.members[member] = rows
        removed = b"".join(before if before - rows else ())
        added = b"".join(rows - before)
        return [("REMOVE", removed)] * bool(removed) + [("ADD", added)] * bool(added)

    def sync(self, log: list[tuple[str, bytes]]) -> None:
        present = [row for rows in self.members.values() for row in rows]
        beside: dict[bytes, list[bytes]] = {}
        for rows in self.members.values():
            for row in rows:
                beside.setdefault(row, []).extend(rows - {row})
        holders = Holders.among(present, beside)
        plan = plan_of(log, holders)
        for row in plan.removals:
            self.inside -= self.found_by(row)
        for row in plan.additions:
            self.inside |= self.found_by(row)

    def found_by(self, row: bytes) -> set[int]:
        known = set(strong_identifiers(row))
        found = {number for number, person in enumerate(self.people) if person & known}
        last_name = unpack_row(row).get(Key.LN)
        return found or {n for n, name in enumerate(self.last_names) if name == last_name}

    def wanted(self) -> set[int]:
        rows = [row for rows in self.members.values() for row in rows]
        return set().union(*(self.found_by(row) for row in rows))


def run(model: Model, history: list[list[tuple[str, frozenset[bytes]]]]) -> None:
    for window in history:
        model.sync([entry for member, rows in window for entry in model.update(member, rows)])


@given(histories)
def test_people_of_one_identifier_each_are_exactly_the_wanted_ones(
    history: list[list[tuple[str, frozenset[bytes]]]],
) -> None:
    model = Model([frozenset([one]) for one in IDENTIFIERS])
    run(model, history)
    assert model.inside == model.wanted()


@given(populations, histories)
def test_nobody_wrong_is_ever_inside_and_adding_all_rows_again_makes_it_exact(
    people: list[frozenset[Identifier]], history: list[list[tuple[str, frozenset[bytes]]]]
) -> None:
    model = Model(people)
    run(model, history)
    assert model.inside <= model.wanted()
    for row in [row for rows in model.members.values() for row in rows]:
        model.inside |= model.found_by(row)
    assert model.inside == model.wanted()


@given(populations, st.lists(st.frozensets(st.sampled_from(ROWS), max_size=3), min_size=1))
def test_a_member_alone_is_exact_whatever_facebook_knows_of_people(
    people: list[frozenset[Identifier]], lives: list[frozenset[bytes]]
) -> None:
    model = Model(people)
    for rows in lives:
        run(model, [[("ann", rows)]])
        assert model.inside == model.wanted()


homes = st.tuples(st.sampled_from(MEMBERS), st.frozensets(st.sampled_from(ROWS), max_size=2))


@given(populations, st.lists(st.lists(homes, max_size=4), min_size=1, max_size=5))
def test_members_who_share_an_identifier_are_exact_whatever_facebook_knows_of_people(
    people: list[frozenset[Identifier]], history: list[list[tuple[str, frozenset[bytes]]]]
) -> None:
    home = a_row(device="home")
    model = Model(people)
    run(model, [[(who, rows | {home} if rows else rows) for who, rows in at] for at in history])
    assert model.inside == model.wanted()
