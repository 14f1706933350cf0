from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime
from functools import partial

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.graph import objects
from service.graph.answers import Fields, OddAnswerError, read_answer
from service.graph.objects import AdAccount, Status, TokenInfo
from service.graph.usage import Usage
from tests.unit.graph.builders import AUDIENCE, a_page

STARTED = datetime.fromtimestamp(1_790_000_000, UTC)


def test_token_that_never_expires() -> None:
    answer = {
        "data": {
            "app_id": "555",
            "type": "SYSTEM_USER",
            "is_valid": True,
            "expires_at": 0,
            "data_access_expires_at": 0,
            "scopes": ["ads_management", "business_management"],
        }
    }
    assert objects.read_token_info(Fields(answer), scrub=str) == TokenInfo(
        is_valid=True,
        expires_at=None,
        data_access_expires_at=None,
        scopes=frozenset({"ads_management", "business_management"}),
        app_id="555",
        type="SYSTEM_USER",
        error_code=None,
        error_subcode=None,
        error_message="",
    )


def test_bad_token_comes_with_its_error() -> None:
    error = {"code": 190, "message": "Session has expired", "subcode": 463}
    answer = {"data": {"is_valid": False, "expires_at": 1_790_000_000, "error": error}}
    info = objects.read_token_info(Fields(answer), scrub=str.upper)
    assert (info.is_valid, info.expires_at) == (False, STARTED)
    assert (info.error_code, info.error_subcode) == (190, 463)
    assert info.error_message == "SESSION HAS EXPIRED"


def test_ad_account_with_its_terms() -> None:
    answer = {
        "id": "act_7",
        "account_id": "7",
        "name": "Shop",
        "account_status": 1,
        "tos_accepted": {"custom_audience_tos": 1, "value_based_custom_audience_tos": 0},
    }
    assert objects.read_ad_account(Fields(answer)) == AdAccount(
        id="act_7",
        name="Shop",
        account_status=1,
        tos_accepted={"custom_audience_tos": 1, "value_based_custom_audience_tos": 0},
        user_tos_accepted={},
    )


def test_custom_audience_as_documented() -> None:
    answer = {
        "id": AUDIENCE,
        "account_id": "7000001",
        "name": "Buyers EU",
        "subtype": "CUSTOM",
        "is_value_based": False,
        "approximate_count_lower_bound": -1,
        "approximate_count_upper_bound": 1000,
        "operation_status": {"code": 200, "description": "Normal"},
        "data_source": {"type": "FILE_IMPORTED", "sub_type": "HASHES_OR_USER_IDS"},
        "permission_for_actions": {"can_edit": True},
        "time_created": 1_790_000_000,
    }
    audience = objects.read_custom_audience(Fields(answer))
    assert audience.approximate_count_lower_bound == -1
    assert audience.operation_status == Status(code=200, description="Normal")
    assert audience.is_single_key
    assert audience.can_edit
    assert audience.time_created == STARTED
    assert audience.delete_time is None


def test_custom_audience_of_which_only_the_id_is_told() -> None:
    audience = objects.read_custom_audience(Fields({"id": AUDIENCE}))
    assert (audience.id, audience.name, audience.can_edit) == (AUDIENCE, "", None)
    assert not audience.is_single_key


def test_upload_session_is_read_from_texts() -> None:
    answer = {
        "session_id": "8812",
        "start_time": "1790000000",
        "end_time": "0",
        "num_received": "2",
        "num_matched": "-1",
        "num_invalid_entries": "0",
        "stage": "uploading",
    }
    session = objects.read_upload_session(Fields(answer))
    assert (session.session_id, session.start_time, session.end_time) == (8812, STARTED, None)
    assert (session.num_received, session.num_matched) == (2, -1)


def test_upload_session_may_have_any_id_of_64_bits() -> None:
    session = objects.read_upload_session(Fields({"session_id": str(2**63 - 1)}))
    assert session.session_id == 2**63 - 1


def test_page_takes_the_cursor_out_of_its_link() -> None:
    read = partial(objects.read_page, read_item=objects.read_created_id, at=None)
    assert read(Fields(a_page({"id": "1"}, after="c2"))).after == "c2"
    assert read(Fields(a_page({"id": "1"}))).after is None
    alone = {"data": [], "paging": {"next": "https://x/y?limit=2&after=c%202"}}
    assert read(Fields(alone)).after == "c 2"
    bare = {"data": [], "paging": {"cursors": {"after": "c3"}, "next": "https://x/y"}}
    assert read(Fields(bare)).after == "c3"
    last = {"data": [], "paging": {"cursors": {"after": "c3"}}}
    assert read(Fields(last)).after is None


@pytest.mark.parametrize(
    "page",
    [
        {},
        {"data": {}},
        {"data": ["x"]},
        {"data": [], "paging": {"next": "https://x/y"}},
        {"data": [], "paging": {"next": "https://[x/y"}},
        {"data": [], "paging": {"next": 7}},
        a_page(after="here"),
    ],
    ids=["nothing", "no list", "no objects", "no cursor", "no link", "number", "same again"],
)
def test_page_that_cannot_be_followed_is_odd(page: dict[str, object]) -> None:
    with pytest.raises(OddAnswerError):
        objects.read_page(Fields(page), read_item=objects.read_created_id, at="here")


@pytest.mark.parametrize("answer", [{}, {"success": None}, {"success": "maybe"}, {"id": "1"}])
def test_update_that_does_not_say_success_is_odd(answer: dict[str, object]) -> None:
    with pytest.raises(OddAnswerError):
        objects.read_done(Fields(answer))


READERS: tuple[Callable[[Fields], object], ...] = (
    partial(objects.read_token_info, scrub=str),
    objects.read_ad_account,
    objects.read_custom_audience,
    objects.read_upload_session,
    partial(objects.read_page, read_item=objects.read_custom_audience, at=None),
    objects.read_created_id,
    objects.read_done,
)
NAMES = [
    "id",
    "name",
    "data",
    "error",
    "success",
    "account_id",
    "account_status",
    "tos_accepted",
    "is_valid",
    "expires_at",
    "scopes",
    "operation_status",
    "data_source",
    "permission_for_actions",
    "can_edit",
    "code",
    "description",
    "time_created",
    "session_id",
    "end_time",
    "paging",
    "next",
    "cursors",
    "after",
    "app_id",
]
json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text()
    | st.sampled_from(["1", "0", "act_7", AUDIENCE, "https://x/?after=2", "-1", "9" * 40]),
    lambda inner: st.lists(inner) | st.dictionaries(st.sampled_from(NAMES), inner),
    max_leaves=12,
)


@given(st.dictionaries(st.sampled_from(NAMES), json_values))
def test_any_json_is_read_or_called_odd(answer: dict[str, object]) -> None:
    for read in READERS:
        with suppress(OddAnswerError):
            read(Fields(answer))


@pytest.mark.parametrize(
    ("header", "time"),
    [
        ("Sat, 28 Nov 2026 03:20:00 GMT", datetime(2026, 11, 28, 3, 20, tzinfo=UTC)),
        ("Sat, 28 Nov 2026 03:20:00 -0000", None),
        ("Sat, 99 Nov 2026 03:20:00 GMT", None),
        ("Sat, 28 Nov 2026 03:20:00 +999999999999", None),
        ("yesterday", None),
        ("", None),
        ("Sat, 28 Nov 2026 03:20:00 GMT" + " " * 64, None),
    ],
)
def test_the_date_of_an_answer_is_read_or_left(header: str, time: datetime | None) -> None:
    answer = read_answer(200, {"Date": header}, b"{}", ad_account_number=None)
    assert answer.answered_at == time


@given(header=st.text(max_size=64))
def test_no_date_header_is_too_odd(header: str) -> None:
    answer = read_answer(200, {"date": header}, b"{}", ad_account_number=None)
    assert answer.answered_at is None or answer.answered_at.tzinfo is not None


def test_an_inspected_ad_account_comes_with_usage_and_time() -> None:
    headers = {
        "Date": "Sat, 28 Nov 2026 03:20:00 GMT",
        "X-Business-Use-Case-Usage": '{"7":[{"type":"custom_audience","call_count":12,'
        '"ads_api_access_tier":"development_access"}]}',
    }
    body = b'{"id":"act_7","account_status":1}'
    inspected = objects.read_inspected_ad_account(
        read_answer(200, headers, body, ad_account_number="7")
    )
    assert (inspected.account.id, inspected.account.account_status) == ("act_7", 1)
    assert inspected.usage == Usage(percent=12, tier="development_access")
    assert inspected.answered_at == datetime(2026, 11, 28, 3, 20, tzinfo=UTC)
