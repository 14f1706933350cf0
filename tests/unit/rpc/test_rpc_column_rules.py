"""Columns against the rules of the contract, as the validator would judge them."""

import time
from typing import cast

import protovalidate
import pytest
from audiencesync.v1 import audience_sync_pb2 as pb
from hypothesis import given
from hypothesis import strategies as st

from service.rpc.column_rules import MEMBERS_MAX, column_violations
from service.rpc.validation import VIOLATIONS_MAX, ValidateRequests

ADD = pb.Change.OPERATION_ADD
VALIDATOR = protovalidate.Validator()


@given(
    operation=st.integers(-1, 3),
    ids=st.lists(st.text(max_size=2) | st.integers(250, 260).map(lambda n: "é" * n), max_size=3),
)
def test_ids_and_operation_are_judged_as_by_the_validator(operation: int, ids: list[str]) -> None:
    known = cast("pb.Change.Operation.ValueType", operation)
    columns = pb.MemberColumns(operation=known, member_ids=ids)
    found = column_violations(columns, most=VIOLATIONS_MAX)
    assert bool(found) == bool(VALIDATOR.collect_violations(columns))


@pytest.mark.parametrize(
    ("columns", "fields"),
    [
        (pb.MemberColumns(operation=ADD, member_ids=["a"], emails=["a@x.com"]), []),
        (pb.MemberColumns(operation=ADD, member_ids=["é" * 256]), []),
        (pb.MemberColumns(), ["operation", "member_ids"]),
        (pb.MemberColumns(operation=ADD, member_ids=["m"] * (MEMBERS_MAX + 1)), ["member_ids"]),
        (pb.MemberColumns(operation=ADD, member_ids=["a", "", "é" * 257]), ["member_ids[1]", "member_ids[2]"]),
        (
            pb.MemberColumns(operation=ADD, member_ids=["a", "b"], emails=["a@x.com"], zips=[""] * 3),
            ["emails", "zips"],
        ),
    ],
)  # fmt: skip
async def test_every_bad_field_is_named_by_its_path(
    columns: pb.MemberColumns, fields: list[str]
) -> None:
    request = pb.ImportMembershipRequest(chunk=pb.ImportChunk(members=columns))
    found = await ValidateRequests(time.monotonic).violations(request)
    assert [one.field for one in found] == [f"chunk.members.{field}" for field in fields]
    assert all(one.description for one in found)


async def test_the_chunk_around_columns_is_judged_too() -> None:
    columns = pb.MemberColumns(operation=ADD, member_ids=[""] * 50)
    request = pb.ImportMembershipRequest(chunk=pb.ImportChunk(offset=-1, members=columns))
    found = await ValidateRequests(time.monotonic).violations(request)
    assert found[0].field == "chunk.offset"
    assert len(found) == VIOLATIONS_MAX
