"""Requests against the rules of the contract: every bad field is named by its path."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import cast
from unittest.mock import patch

import protovalidate
import pytest
from audiencesync.v1 import audience_sync_pb2 as pb
from buf.validate import validate_pb2
from google.protobuf.duration_pb2 import Duration
from google.protobuf.field_mask_pb2 import FieldMask
from google.protobuf.message import Message
from hypothesis import example, given
from hypothesis import strategies as st

from service.rpc.slices import SLICE_SECONDS_MAX
from service.rpc.validation import (
    VIOLATIONS_MAX,
    ValidateRequests,
    head_keeps_rules,
    keeps_rules,
    ready_validator,
)
from tests.unit.rpc.builders import a_connect, a_remove, an_add, an_update
from tests.unit.rpc.clocks import Ticking, counted_turns

VALIDATOR = protovalidate.Validator()


@given(
    operation=st.integers(-1, 4),
    member_id=st.text(max_size=3) | st.integers(0, 600).map(lambda n: "é" * n),
    traits=st.integers(98, 102),
)
def test_a_change_that_is_not_shown_to_the_validator_would_pass_it(
    operation: int, member_id: str, traits: int
) -> None:
    change = an_add(member_id, traits={f"t{n}": "v" for n in range(traits)})
    change.operation = cast("pb.Change.Operation.ValueType", operation)
    if keeps_rules(change):
        assert not VALIDATOR.collect_violations(change)


@given(
    audience_id=st.from_regex(r"[a-z.\n]{0,2}[a-z0-9_.-]{0,64}\n?", fullmatch=True),
    changes=st.sampled_from([0, 1, 2, 10_001]),
    request_id=st.text(max_size=3) | st.integers(60, 130).map(lambda n: "é" * n),
)
@example(audience_id="shoppers", changes=1, request_id="\0")
def test_a_request_that_is_not_shown_to_the_validator_would_pass_it(
    audience_id: str, changes: int, request_id: str
) -> None:
    request = an_update(*[a_remove("m1")] * changes, request_id=request_id)
    request.audience_id = audience_id
    if head_keeps_rules(request):
        assert "\0" not in request_id
        assert not VALIDATOR.collect_violations(request)


def test_every_rule_is_known_to_who_decides_without_the_validator() -> None:
    """A rule that the contract comes to have belongs into `keeps_rules` or `head_keeps_rules`."""
    known = [
        (pb.UpdateMembershipRequest.DESCRIPTOR, {"audience_id", "changes", "request_id"}),
        (pb.Change.DESCRIPTOR, {"operation", "member"}),
        (pb.Member.DESCRIPTOR, {"member_id", "traits"}),
    ]
    for descriptor, fields in known:
        ruled = {
            one.name
            for one in descriptor.fields
            if one.GetOptions().HasExtension(validate_pb2.field)
        }
        assert ruled == fields
        assert not descriptor.GetOptions().HasExtension(validate_pb2.message)


def test_an_ordinary_request_is_not_shown_to_the_validator() -> None:
    assert head_keeps_rules(an_update(an_add("m1"), request_id="r1"))
    assert not head_keeps_rules(an_update())


def test_an_ordinary_change_is_not_shown_to_the_validator() -> None:
    assert keeps_rules(an_add("m1", emails=["a@mail.example"]))
    assert keeps_rules(a_remove("m1"))
    assert not keeps_rules(pb.Change(operation=pb.Change.OPERATION_ADD))


async def bad_fields(request: Message) -> list[str]:
    found = await ValidateRequests(time.monotonic).violations(request)
    assert all(one.description for one in found)
    return [one.field for one in found]


@pytest.mark.parametrize(
    "request_",
    [
        an_update(an_add(emails=["not an address"], traits={"x": "y"}), a_remove("m2")),
        an_update(an_add("é" * 256)),
        an_update(*(an_add(f"m{n}") for n in range(10_000))),
        a_connect(sync_interval=Duration(seconds=300), existing_custom_audience_id="123"),
        pb.ListAudiencesRequest(page_size=5000),
        pb.ConnectAdAccountRequest(ad_account_id="act_1", access_token="EAAB"),
    ],
    ids=lambda one: type(one).__name__,
)
async def test_what_keeps_the_rules_passes(request_: Message) -> None:
    assert await bad_fields(request_) == []


@pytest.mark.parametrize(
    ("request_", "field"),
    [
        (an_update(), "changes"),
        (an_update(*(an_add(f"m{n}") for n in range(10_001))), "changes"),
        (an_update(an_add(), an_add("")), "changes[1].member.member_id"),
        (an_update(an_add("é" * 257)), "changes[0].member.member_id"),
        (an_update(pb.Change(operation=pb.Change.OPERATION_ADD)), "changes[0].member"),
        (an_update(pb.Change(member=pb.Member(member_id="m"))), "changes[0].operation"),
        (
            an_update(
                pb.Change(operation=77, member=pb.Member(member_id="m"))  # type: ignore[arg-type]
            ),
            "changes[0].operation",
        ),
        (
            an_update(an_add(traits={str(n): "x" for n in range(101)})),
            "changes[0].member.traits",
        ),
        (an_update(an_add(), request_id="r" * 129), "request_id"),
        (an_update(an_add(), request_id="r\x00"), "request_id"),
        (pb.UpdateMembershipRequest(audience_id="A b", changes=[an_add()]), "audience_id"),
        (pb.UpdateMembershipRequest(changes=[an_add()]), "audience_id"),
        (a_connect(ad_account_id="1"), "ad_account_id"),
        (a_connect(audience_id="a" * 65), "audience_id"),
        (a_connect(audience_id="shoppers\n"), "audience_id"),
        (a_connect(name=""), "name"),
        (a_connect(name="n\x00"), "name"),
        (a_connect(description="d" * 401), "description"),
        (a_connect(sync_interval=Duration(seconds=299)), "sync_interval"),
        (a_connect(sync_interval=Duration(seconds=604_801)), "sync_interval"),
        (a_connect(default_region="de"), "default_region"),
        (a_connect(customer_file_source=9), "customer_file_source"),
        (a_connect(existing_custom_audience_id="12x"), "existing_custom_audience_id"),
        (pb.UpdateAudienceRequest(audience_id="a"), "update_mask"),
        (
            pb.UpdateAudienceRequest(audience_id="a", update_mask=FieldMask(paths=["nmae"])),
            "update_mask",
        ),
        (pb.ListSyncsRequest(audience_id="a", page_size=-1), "page_size"),
        (pb.SyncNowRequest(audience_id="a", mode=9), "mode"),  # type: ignore[arg-type]
        (pb.DisconnectAudienceRequest(audience_id="a", mode=9), "mode"),  # type: ignore[arg-type]
        (pb.GetSyncRequest(sync_id="../../x"), "sync_id"),
        (
            pb.ConnectAdAccountRequest(ad_account_id="act_1", access_token="E", app_secret="s"),
            "app_id",
        ),
        (pb.ConnectAdAccountRequest(ad_account_id="act_1", access_token="a b"), "access_token"),
    ],
)
async def test_what_breaks_a_rule_is_named(request_: Message, field: str) -> None:
    assert await bad_fields(request_) == [field]


async def test_a_long_list_tells_where_its_bad_items_are_and_what_is_wrong_beside_it() -> None:
    changes = [an_add(f"m{n}") for n in range(10_000)]
    changes[17] = an_add("")
    changes[9_999] = pb.Change(operation=pb.Change.OPERATION_ADD)
    assert await bad_fields(an_update(*changes, request_id="r" * 129)) == [
        "request_id",
        "changes[17].member.member_id",
        "changes[9999].member",
    ]


async def test_violations_are_bounded() -> None:
    assert len(await bad_fields(an_update(*[pb.Change()] * 10_000))) == VIOLATIONS_MAX


async def test_violations_quote_no_value() -> None:
    validate = ValidateRequests(time.monotonic)
    found = await validate.violations(
        pb.ConnectAdAccountRequest(ad_account_id="act_x", access_token="EAAB secret")
    )
    assert len(found) == 2
    assert not any("act_x" in one.description or "secret" in one.description for one in found)


async def test_a_long_list_is_validated_in_slices() -> None:
    validate = ValidateRequests(Ticking(SLICE_SECONDS_MAX / 100))
    with counted_turns() as turns:
        await validate.violations(an_update(*(an_add(f"m{n}") for n in range(1_000))))
    assert turns.count >= 9


def test_the_validator_has_seen_every_kind_of_request_before_there_is_one() -> None:
    methods = pb.DESCRIPTOR.services_by_name["AudienceSyncService"].methods
    ready_validator.cache_clear()
    with seen_by_the_validator() as seen:
        ValidateRequests(time.monotonic)
    ready_validator.cache_clear()
    assert {type(one).DESCRIPTOR for one in seen} == {method.input_type for method in methods}


@contextmanager
def seen_by_the_validator() -> Iterator[list[Message]]:
    seen: list[Message] = []
    with patch("protovalidate.Validator") as validator:
        validator.return_value.collect_violations = seen.append
        yield seen
