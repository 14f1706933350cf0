"""Members that come as columns are prepared as the same members in messages of their own."""

from datetime import UTC, datetime

import pytest
from audiencesync.v1 import audience_sync_pb2 as pb
from hypothesis import given
from hypothesis import strategies as st

from service.identifiers.column_values import ColumnValues
from service.identifiers.keys import DropReason, Key
from service.identifiers.members import member_key
from service.rpc.member_columns import FIELDS
from service.rpc.prepare_changes import PreparedChanges, prepare_changes
from service.rpc.prepare_columns import MEMBERS_OF_ONE_KEY_AT_ONCE, prepare_columns
from service.rpc.slices import SLICE_SECONDS_MAX, Slices
from service.store.member_batch import MemberBatch
from tests.unit.rpc.builders import a_remove, an_update
from tests.unit.rpc.clocks import Ticking, counted_turns
from tests.unit.rpc.expanded import changes_of

NOW = datetime(2026, 11, 27, 12, tzinfo=UTC)
ADD, REMOVE = pb.Change.OPERATION_ADD, pb.Change.OPERATION_REMOVE

TEXTS = {
    "emails": ["", " ", "a@x.com", " B@X.com ", "no address", "é@x.com", "0f" * 32, "a b@x.com"],
    "phones": ["", "+1 650 555 1212", "(030) 12345", "030 123456", "zero"],
    "mobile_ad_ids": ["", "", "no id", "EA7583CD-A667-48BC-B806-42ECB2B48606"],
    "first_names": ["", "Mary", "O'Brien"],
    "last_names": ["", "Smith"],
    "genders": ["", "f", "?"],
    "birth_years": ["", "1990", "99"],
    "birth_months": ["", "May", "13"],
    "birth_days": ["", "7", "1990-02-03", "1990-02-30"],
    "cities": ["", "Berlin", "123"],
    "states": ["", "California", "ca"],
    "zips": ["", "94105-1234", "10115"],
    "countries": ["", "US", "Germany", "Atlantis"],
}


@st.composite
def columns_of_members(draw: st.DrawFn) -> pb.MemberColumns:
    ids = draw(st.lists(st.sampled_from("abcdef"), min_size=1, max_size=6))
    columns = pb.MemberColumns(operation=ADD, member_ids=ids)
    for name in draw(st.sets(st.sampled_from(sorted(TEXTS)))):
        getattr(columns, name).extend(draw(st.sampled_from(TEXTS[name])) for _ in ids)
    return columns


async def prepared(
    columns: pb.MemberColumns, region: str = "US", step_s: float = 0
) -> PreparedChanges:
    values = ColumnValues(default_region=region, this_year=NOW.year)
    return await prepare_columns(columns, values=values, slices=Slices(Ticking(step_s)))


@given(columns=columns_of_members(), region=st.sampled_from(["US", "DE"]))
async def test_columns_say_what_their_members_alone_would(
    columns: pb.MemberColumns, region: str
) -> None:
    alone = await prepare_changes(
        an_update(*changes_of(columns)),
        values=ColumnValues(default_region=region, this_year=NOW.year),
        now=NOW,
        slices=Slices(Ticking(0)),
    )
    together = await prepared(columns, region)
    assert {one.member_key: one for one in together.changes} == {
        one.member_key: one for one in alone.changes
    }
    assert len(together.changes) == len(alone.changes)
    assert together.overtaken == alone.overtaken
    assert together.unmatchable == alone.unmatchable
    assert together.dropped == alone.dropped


async def test_of_one_who_left_only_the_id_is_read() -> None:
    columns = pb.MemberColumns(operation=REMOVE, member_ids=["a", "b", "a"], emails=["no"] * 3)
    made = await prepared(columns)
    assert [(one.member_key, one.rows) for one in made.changes] == [
        (member_key("a"), None),
        (member_key("b"), None),
    ]
    assert (made.overtaken, made.dropped.total()) == (1, 0)


async def test_a_member_with_one_row_needs_no_object() -> None:
    columns = pb.MemberColumns(operation=ADD, member_ids=["a", "b"], emails=["a@x.com", "none"])
    made = await prepared(columns)
    assert isinstance(made.changes, MemberBatch)
    assert list(made.changes.keys) == [member_key("a")]
    assert [one.member_key for one in made.changes.others] == [member_key("b")]
    assert made.dropped == {(Key.EMAIL, DropReason.NOT_AN_EMAIL): 1}


@pytest.mark.parametrize("operation", [ADD, REMOVE])
async def test_long_columns_give_the_loop_away(operation: "pb.Change.Operation.ValueType") -> None:
    count = 4 * MEMBERS_OF_ONE_KEY_AT_ONCE
    columns = pb.MemberColumns(
        operation=operation,
        member_ids=[f"m{number}" for number in range(count)],
        emails=[f"m{number}@x.com" for number in range(count)],
    )
    with counted_turns() as turns:
        made = await prepared(columns, step_s=2 * SLICE_SECONDS_MAX)
    assert turns.count >= (8 if operation == ADD else 4)
    assert len(made.changes) == count


async def test_the_loop_is_given_away_between_columns_too() -> None:
    columns = pb.MemberColumns(operation=ADD, member_ids=["m"])
    for name in FIELDS.values():
        getattr(columns, name).append("")
    with counted_turns() as turns:
        await prepared(columns, step_s=2 * SLICE_SECONDS_MAX)
    assert turns.count >= len(FIELDS)


def test_a_leaver_in_columns_is_one_in_messages() -> None:
    """Guards `changes_of`, on which the comparison above stands."""
    columns = pb.MemberColumns(operation=REMOVE, member_ids=["m1"])
    assert changes_of(columns) == [a_remove("m1")]
