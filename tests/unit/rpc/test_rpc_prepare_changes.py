"""What is made of a request's changes before the lock is taken."""

from collections import Counter
from datetime import UTC, datetime, timedelta

import pytest
from audiencesync.v1 import audience_sync_pb2 as pb

from service.identifiers.column_values import ColumnValues
from service.identifiers.keys import DropReason, Key
from service.identifiers.members import member_key
from service.rpc.convert_member import IDENTIFIERS_READ_MAX
from service.rpc.errors import InvalidField
from service.rpc.prepare_changes import MEMBERS_AT_ONCE, PreparedChanges, prepare_changes
from service.rpc.slices import SLICE_SECONDS_MAX, Slices
from tests.unit.rpc.builders import a_remove, an_add, an_update
from tests.unit.rpc.clocks import Ticking, counted_turns

NOW = datetime(2026, 11, 27, 12, tzinfo=UTC)


async def prepared(*changes: pb.Change, region: str = "US", step_s: float = 0) -> PreparedChanges:
    return await prepare_changes(
        an_update(*changes),
        values=ColumnValues(default_region=region, this_year=NOW.year),
        now=NOW,
        slices=Slices(Ticking(step_s)),
    )


async def test_the_last_change_of_a_member_wins_and_the_others_are_counted() -> None:
    made = await prepared(an_add("a", emails=["a@example.com"]), a_remove("b"), a_remove("a"))
    assert [(one.member_key, one.rows) for one in made.changes] == [
        (member_key("a"), None),
        (member_key("b"), None),
    ]
    assert made.overtaken == 1


async def test_what_an_overtaken_change_held_is_not_looked_at() -> None:
    made = await prepared(an_add("a", emails=["broken"], traits={"x": "y"}), a_remove("a"))
    assert (made.dropped, made.unknown_traits, made.unmatchable) == (Counter(), 0, 0)


async def test_of_one_who_left_only_the_id_is_read() -> None:
    leaver = a_remove("a")
    leaver.member.emails.append("broken")
    assert (await prepared(leaver)).dropped == Counter()


async def test_identifiers_are_hashed_and_bad_ones_counted_by_kind_and_reason() -> None:
    made = await prepared(
        an_add("a", emails=["Ann@Example.com ", "broken", "broken too"]),
        an_add("b", emails=["ann@example.com"], mobile_ad_ids=["x"]),
    )
    assert made.changes[0].rows == made.changes[1].rows
    assert made.dropped == Counter(
        {
            (Key.EMAIL, DropReason.NOT_AN_EMAIL): 2,
            (Key.MADID, DropReason.NOT_A_UUID): 1,
        }
    )


async def test_a_member_with_nothing_to_match_is_present_and_counted() -> None:
    made = await prepared(an_add("a", first_name="Ann", traits={"shoe_size": "42"}))
    assert [one.rows for one in made.changes] == [()]
    assert (made.unmatchable, made.unknown_traits) == (1, 1)


async def test_every_field_and_trait_reaches_the_rules() -> None:
    typed = an_add(
        "a",
        emails=["ann@example.com"],
        first_name="Ann",
        last_name="Lee",
        gender="f",
        birth_year="1990",
        birth_month="1",
        birth_day="2",
        city="Berlin",
        state="BE",
        zip="10115",
        country="DE",
        phones=["030 1234567"],
        mobile_ad_ids=["38400000-8cf0-11bd-b23e-10b96e40000d"],
    )
    (row,) = (await prepared(typed)).changes[0].rows or ()
    assert int.from_bytes(row[:2], "big") == 2**13 - 1
    by_trait = an_add("a", traits={"email": "ann@example.com", "firstName": "Ann"})
    by_field = an_add("a", emails=["ann@example.com"], first_name="Ann")
    assert (await prepared(by_trait)).changes == (await prepared(by_field)).changes


async def test_the_region_completes_national_phones() -> None:
    national = an_add("a", phones=["030 1234567"])
    international = an_add("a", phones=["+49 30 1234567"])
    assert (await prepared(national, region="DE")).changes == (
        await prepared(international)
    ).changes


async def test_a_list_without_end_is_cut_and_its_rest_counted() -> None:
    surplus = 7
    emails = [f"user{n}@example.com" for n in range(IDENTIFIERS_READ_MAX + surplus)]
    made = await prepared(an_add("a", emails=emails))
    assert made.dropped[Key.EMAIL, DropReason.TOO_MANY] == len(emails) - 100
    assert len(made.changes[0].rows or ()) == 100


async def test_a_time_is_handed_on_and_one_that_is_none_is_named() -> None:
    timed = an_add("a")
    timed.occurred_at.FromJsonString("2026-01-02T03:04:05.678901Z")
    (change,) = (await prepared(timed)).changes
    assert change.occurred_at is not None
    assert change.occurred_at.isoformat() == "2026-01-02T03:04:05.678901+00:00"
    timed.occurred_at.seconds = 10**12
    with pytest.raises(InvalidField) as caught:
        await prepared(an_add("b"), timed)
    assert caught.value.violations[0].field == "changes[1].occurred_at"


def timed(change: pb.Change, minutes: int) -> pb.Change:
    """The change, said to have occurred so many minutes after NOW."""
    change.occurred_at.FromDatetime(NOW + timedelta(minutes=minutes))
    return change


@pytest.mark.parametrize(
    ("changes", "is_in"),
    [
        ([timed(a_remove("a"), -1), timed(an_add("a"), -2)], False),
        ([timed(an_add("a"), -1), timed(a_remove("a"), -2)], True),
        ([timed(an_add("a"), -1), timed(a_remove("a"), -1)], False),
        ([timed(a_remove("a"), -1), timed(an_add("a"), -1)], True),
        ([a_remove("a"), timed(an_add("a"), -1)], False),
        ([timed(a_remove("a"), 9), timed(an_add("a"), 5)], True),
        ([timed(a_remove("a"), 9), an_add("a")], True),
        ([an_add("a"), timed(a_remove("a"), 9)], False),
    ],
)
async def test_of_one_member_the_change_that_occurred_last_wins_and_none_is_after_now(
    changes: list[pb.Change], *, is_in: bool
) -> None:
    made = await prepared(*changes)
    assert [change.rows is not None for change in made.changes] == [is_in]
    assert made.overtaken == 1


async def test_the_loop_is_given_away_between_slices() -> None:
    changes = [an_add(f"m{n}", emails=[f"user{n}@example.com"]) for n in range(500)]
    with counted_turns() as turns:
        await prepared(*changes, step_s=SLICE_SECONDS_MAX / 10)
    assert 1_000 / 12 <= turns.count <= 1_000 / 9


async def test_every_member_of_a_long_call_keeps_their_own_rows() -> None:
    kinds = [
        lambda n: an_add(f"m{n}", emails=[f"user{n}@example.com"]),
        lambda n: a_remove(f"m{n}"),
        lambda n: an_add(f"m{n}", emails=["broken", f"user{n}@example.com"], country="DE"),
        lambda n: an_add(f"m{n}", phones=[f"+1415555{n:04d}"], first_name="Ann"),
        lambda n: an_add(f"m{n}", first_name="Ann"),
    ]
    changes = [kinds[n % len(kinds)](n) for n in range(3 * MEMBERS_AT_ONCE + 7)]
    together = (await prepared(*changes)).changes
    alone = [(await prepared(change)).changes[0] for change in changes]
    assert together == alone
    assert len({change.rows for change in together if change.rows}) > len(changes) / 2
