import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.graph.usage import REGAIN_SECONDS_MAX, Usage, parse_usage

CAPTURED = (
    '{"7000001":[{"type":"ads_management","call_count":99},{"type":"custom_audience",'
    '"call_count":32,"total_cputime":3,"total_time":47,"estimated_time_to_regain_access":2,'
    '"ads_api_access_tier":"standard_access"}],'
    '"8":[{"type":"custom_audience","call_count":90}]}'
)


def test_usage_is_the_fullest_budget_of_this_accounts_custom_audience_entry() -> None:
    usage = parse_usage({"X-Business-Use-Case-Usage": CAPTURED}, "7000001")
    assert usage == Usage(percent=47, regain_access_s=120, tier="standard_access")


def test_header_names_are_read_in_any_case() -> None:
    assert parse_usage({"x-BUSINESS-use-case-USAGE": CAPTURED}, "7000001") is not None


@pytest.mark.parametrize("number", [None, "999"])
def test_without_the_accounts_entry_every_custom_audience_entry_counts(number: str | None) -> None:
    usage = parse_usage({"X-Business-Use-Case-Usage": CAPTURED}, number)
    assert usage is not None
    assert usage.percent == 90


def test_app_and_account_headers_count_as_well() -> None:
    headers = {
        "X-Business-Use-Case-Usage": CAPTURED,
        "X-App-Usage": '{"call_count":10,"total_cputime":0,"total_time":81}',
        "X-Ad-Account-Usage": '{"acc_id_util_pct":36.33,"reset_time_duration":900}',
    }
    usage = parse_usage(headers, "7000001")
    assert usage == Usage(percent=81, regain_access_s=120, tier="standard_access")


def test_full_account_is_regained_after_the_seconds_of_its_header() -> None:
    header = '{"acc_id_util_pct":100,"reset_time_duration":300}'
    usage = parse_usage({"X-Ad-Account-Usage": header}, None)
    assert usage == Usage(percent=100, regain_access_s=300)


def test_wait_beyond_belief_is_cut() -> None:
    header = '{"7":[{"type":"custom_audience","estimated_time_to_regain_access":1e300}]}'
    usage = parse_usage({"X-Business-Use-Case-Usage": header}, "7")
    assert usage is not None
    assert usage.regain_access_s == REGAIN_SECONDS_MAX


@pytest.mark.parametrize(
    "header",
    [
        "",
        "rubbish",
        "[]",
        "null",
        '{"7":null}',
        '{"7":[null,3,{"type":1},{"type":"custom_audience"}]}',
        '{"7":[{"type":"ads_management","call_count":50}]}',
    ],
)
def test_headers_that_say_nothing_are_no_usage(header: str) -> None:
    assert parse_usage({"X-Business-Use-Case-Usage": header}, "7") is None


def test_odd_figures_count_as_nothing_and_texts_as_numbers() -> None:
    header = (
        '{"7":[{"type":"custom_audience","call_count":"61.5","total_cputime":-4,'
        '"total_time":true,"estimated_time_to_regain_access":"soon"}]}'
    )
    assert parse_usage({"X-Business-Use-Case-Usage": header}, "7") == Usage(percent=61.5)


@given(st.text(), st.text(), st.text())
def test_no_header_raises(first: str, second: str, third: str) -> None:
    headers = {
        "X-Business-Use-Case-Usage": first,
        "X-App-Usage": second,
        "X-Ad-Account-Usage": third,
    }
    parse_usage(headers, "7")
