"""Conversion between the contract and the store, both ways."""

import re
from datetime import UTC, datetime
from pathlib import Path

import pytest
from audiencesync.v1 import audience_sync_pb2 as pb
from google.protobuf.descriptor import EnumDescriptor
from google.protobuf.duration_pb2 import Duration
from google.protobuf.timestamp_pb2 import Timestamp
from hypothesis import given
from hypothesis import strategies as st

from service.identifiers.keys import DropReason, Key
from service.rpc.audiences import disconnect_mode_name
from service.rpc.convert_ad_account import ad_account_message
from service.rpc.convert_audience import audience_message, connect_wish, differing_field
from service.rpc.convert_sync import has_ended, mode_name, sync_message
from service.rpc.convert_values import seconds_of, time_of, timestamp
from service.rpc.errors import InvalidField
from service.store.rows import ConnectWish
from service.store.syncs import encode_sync_id
from tests.unit.rpc.builders import a_connect
from tests.unit.rpc.stored import THEN, a_stored_ad_account, a_stored_audience, a_stored_sync

SCHEMA = Path(__file__).parents[3] / "service/store/migrations_sql/0001_first.sql"


def names(enum: EnumDescriptor, prefix: str) -> set[str]:
    return {name.removeprefix(prefix) for name in enum.values_by_name} - {"UNSPECIFIED"}


def unset_fields(message: pb.Audience | pb.Sync | pb.AdAccount) -> set[str]:
    told = {field.name for field, _ in message.ListFields()}
    return {field.name for field in message.DESCRIPTOR.fields} - told


def words_of_schema(column: str) -> set[str]:
    """The words that the schema allows in a column."""
    (listed,) = re.findall(rf"check \(\s*{column} in \(([^)]*)\)", SCHEMA.read_text())[:1]
    return set(re.findall(r"'(\w+)'", listed))


@given(st.datetimes(timezones=st.just(UTC)))
def test_times_go_there_and_back(time: datetime) -> None:
    made = timestamp(time)
    assert made is not None
    assert time_of(made, field="x") == time


def test_a_time_that_is_not_set_stays_unset() -> None:
    assert timestamp(None) is None


@pytest.mark.parametrize(("seconds", "nanos"), [(10**12, 0), (-(10**12), 0), (0, -1), (0, 10**9)])
def test_a_timestamp_that_is_no_time_is_refused(seconds: int, nanos: int) -> None:
    with pytest.raises(InvalidField) as caught:
        time_of(Timestamp(seconds=seconds, nanos=nanos), field="a.b")
    assert caught.value.violations[0].field == "a.b"


def test_durations_are_whole_seconds() -> None:
    assert seconds_of(Duration(seconds=600), field="x") == 600
    with pytest.raises(InvalidField):
        seconds_of(Duration(seconds=600, nanos=1), field="x")


def test_what_a_wish_leaves_out_has_its_default() -> None:
    assert connect_wish(a_connect()) == ConnectWish(
        audience_id="shoppers",
        ad_account_id="act_1",
        name="Shoppers",
        description="",
        sync_interval_s=3600,
        default_region="US",
        customer_file_source="USER_PROVIDED_ONLY",
        existing_custom_audience_id=None,
    )


def test_what_a_wish_says_is_kept() -> None:
    request = a_connect(
        description="d",
        sync_interval=Duration(seconds=300),
        default_region="DE",
        customer_file_source=pb.CUSTOMER_FILE_SOURCE_PARTNER_PROVIDED_ONLY,
        existing_custom_audience_id="77",
    )
    wish = connect_wish(request)
    assert (wish.description, wish.sync_interval_s, wish.default_region) == ("d", 300, "DE")
    assert wish.customer_file_source == "PARTNER_PROVIDED_ONLY"
    assert wish.existing_custom_audience_id == "77"


def test_a_region_that_is_no_country_is_refused() -> None:
    with pytest.raises(InvalidField) as caught:
        connect_wish(a_connect(default_region="XX"))
    assert caught.value.violations[0].field == "default_region"


def test_a_wish_differs_from_what_is_connected_in_no_field_or_in_a_named_one() -> None:
    wish = connect_wish(a_connect(description="d"))
    assert differing_field(a_stored_audience(), wish) == ""
    assert differing_field(a_stored_audience(sync_interval_s=300), wish) == "sync_interval"


def test_an_audience_is_told_whole() -> None:
    audience = a_stored_audience(
        approximate_count_lower_bound=0,
        approximate_count_upper_bound=1000,
        operation_status=200,
        last_sync_at=THEN,
        adopted=True,
    )
    told = audience_message(audience)
    at = timestamp(THEN)
    assert told == pb.Audience(
        audience_id="shoppers",
        ad_account_id="act_1",
        custom_audience_id="9001",
        name="Shoppers",
        description="d",
        state=pb.Audience.STATE_ACTIVE,
        sync_interval=Duration(seconds=3600),
        default_region="US",
        customer_file_source=pb.CUSTOMER_FILE_SOURCE_USER_PROVIDED_ONLY,
        member_count=20,
        unmatchable_count=2,
        pending_change_count=5,
        revision=9,
        synced_revision=8,
        last_sync_time=at,
        next_sync_time=at,
        approximate_count_lower_bound=0,
        approximate_count_upper_bound=1000,
        operation_status=200,
        create_time=at,
        adopted=True,
    )
    assert told.HasField("approximate_count_lower_bound")


def test_every_field_of_the_messages_is_filled_by_somebody() -> None:
    full_audience = a_stored_audience(
        disconnected_at=THEN,
        last_sync_at=THEN,
        blocked_reason="POLICY",
        blocked_message="m",
        approximate_count_lower_bound=1,
        approximate_count_upper_bound=2,
        operation_status=3,
        adopted=True,
    )
    full_sync = a_stored_sync(
        **{name: n for n, name in enumerate(FIGURES, start=1)},
        target_revision=1,
        started_at=THEN,
        ended_at=THEN,
        error_reason="LIMITED",
        throttled_ms=1,
        addition_session_ids=[1],
        removal_session_ids=[2],
        matched_count=0,
    )
    full_account = a_stored_ad_account(token_expires_at=THEN, throttled_until=THEN)
    assert unset_fields(audience_message(full_audience)) == {"next_sync_time"}
    assert unset_fields(sync_message(full_sync)) == set()
    assert unset_fields(ad_account_message(full_account)) == set()


FIGURES = (
    "rows_to_add",
    "rows_to_remove",
    "rows_added",
    "rows_removed",
    "rows_invalid",
    "rows_carried_over",
    "rows_unknown",
    "calls",
)


def test_what_facebook_has_not_told_is_unset() -> None:
    told = audience_message(a_stored_audience(custom_audience_id=None))
    assert told.state == pb.Audience.STATE_CONNECTING
    for field in ("approximate_count_lower_bound", "operation_status", "last_sync_time"):
        assert not told.HasField(field)


def test_an_audience_that_rests_has_no_next_sync() -> None:
    assert not audience_message(a_stored_audience(paused=True)).HasField("next_sync_time")
    gone = audience_message(a_stored_audience(disconnected_at=THEN))
    assert not gone.HasField("next_sync_time")
    assert gone.disconnect_time == timestamp(THEN)


def test_the_window_under_way_counts_into_a_syncs_figures() -> None:
    sync = a_stored_sync(
        state="RUNNING",
        started_at=THEN,
        rows_to_add=100,
        rows_added=100,
        rows_to_remove=3,
        rows_removed=3,
        open_rows_to_add=10,
        open_rows_added=4,
        open_rows_to_remove=2,
        open_rows_removed=1,
    )
    told = sync_message(sync)
    assert (told.rows_to_add, told.rows_added) == (110, 104)
    assert (told.rows_to_remove, told.rows_removed) == (5, 4)
    assert not told.HasField("error")
    assert not has_ended(sync)


def test_a_sync_tells_what_went_wrong_and_names_itself() -> None:
    sync = a_stored_sync(
        state="FAILED",
        ended_at=THEN,
        error_reason="LIMITED",
        error_code=80003,
        error_message="Wait.",
        error_trace_id="T",
    )
    told = sync_message(sync)
    assert told.sync_id == encode_sync_id(1, 7)
    assert told.error == pb.Sync.Error(reason="LIMITED", code=80003, message="Wait.", trace_id="T")
    assert has_ended(sync)


def test_a_sync_tells_the_newest_of_its_upload_sessions_and_how_long_it_was_kept_waiting() -> None:
    told = sync_message(a_stored_sync(throttled_ms=61_500, addition_session_ids=[*range(1, 40)]))
    assert told.throttled_duration == Duration(seconds=61, nanos=500_000_000)
    assert list(told.addition_session_ids) == [*range(20, 40)]
    assert not told.HasField("matched_count")


def test_an_ad_account_never_tells_its_secrets() -> None:
    told = ad_account_message(a_stored_ad_account(blocked_reason="TOKEN_INVALID"))
    assert told.state == pb.AdAccount.STATE_BLOCKED
    assert list(told.scopes) == ["a", "b"]
    assert b"sealed" not in told.SerializeToString()


def test_modes_that_are_not_said_have_their_default() -> None:
    modes = pb.DisconnectAudienceRequest
    assert (mode_name(pb.Sync.MODE_UNSPECIFIED), mode_name(pb.Sync.MODE_REFRESH)) == (
        "CHANGES",
        "REFRESH",
    )
    assert disconnect_mode_name(modes.MODE_UNSPECIFIED) == "FLUSH"
    assert disconnect_mode_name(modes.MODE_DELETE_ON_FACEBOOK) == "DELETE_ON_FACEBOOK"


def test_the_words_of_the_schema_are_those_of_the_contract() -> None:
    assert words_of_schema("trigger") == names(pb.Sync.Trigger.DESCRIPTOR, "TRIGGER_")
    assert words_of_schema("mode") == names(pb.Sync.Mode.DESCRIPTOR, "MODE_")
    assert words_of_schema("state") == names(pb.Sync.State.DESCRIPTOR, "STATE_")
    modes = names(pb.DisconnectAudienceRequest.Mode.DESCRIPTOR, "MODE_")
    assert words_of_schema("disconnect_mode") == modes


def test_keys_and_drop_reasons_are_those_of_the_contract() -> None:
    assert {key.name for key in Key} == names(pb.Key.DESCRIPTOR, "KEY_")
    assert {one.name for one in DropReason} == names(pb.DropReason.DESCRIPTOR, "DROP_REASON_")


@pytest.mark.parametrize(
    "reason", sorted(names(pb.Audience.BlockedReason.DESCRIPTOR, "BLOCKED_REASON_"))
)
def test_every_blocked_reason_is_told(reason: str) -> None:
    told = audience_message(a_stored_audience(blocked_reason=reason, blocked_message="m"))
    assert told.state == pb.Audience.STATE_BLOCKED
    assert pb.Audience.BlockedReason.Name(told.blocked_reason) == f"BLOCKED_REASON_{reason}"
    assert told.blocked_message == "m"
