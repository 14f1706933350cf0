"""Judging ad accounts."""

from datetime import timedelta
from typing import Any

import pytest

from service.diagnosis.ad_accounts import (
    AccountFacts,
    Refusal,
    Seal,
    judge_account,
)
from service.diagnosis.findings import Severity
from service.graph.objects import AdAccount as AccountAtFacebook
from service.graph.objects import TokenInfo
from service.graph.usage import Usage
from tests.unit.diagnosis.builders import DAY, NOW, account_facts, an_account, found

INFO, WARNING, ERROR = Severity
SECOND = timedelta(seconds=1)


def a_token(**values: Any) -> TokenInfo:
    well: dict[str, Any] = {
        "is_valid": True,
        "expires_at": None,
        "data_access_expires_at": None,
        "scopes": frozenset({"ads_management"}),
        "app_id": "",
        "type": "SYSTEM_USER",
        "error_code": None,
        "error_subcode": None,
        "error_message": "",
    }
    return TokenInfo(**{**well, **values})


def at_facebook(account_status: int | None = 1) -> AccountAtFacebook:
    return AccountAtFacebook(
        id="act_1",
        name="Shop",
        account_status=account_status,
        tos_accepted={"custom_audience_tos": 1},
        user_tos_accepted={},
    )


def refused(reason: str) -> AccountFacts:
    return account_facts(refusals=(Refusal(reason=reason, message="No.", metadata={"a": "b"}),))


def test_of_an_account_that_is_well_nothing_is_found() -> None:
    usage = Usage(percent=74.9, tier="standard_access")
    assert found(judge_account(account_facts())) == []
    facts = account_facts(token=a_token(), at_facebook=at_facebook(), usage=usage)
    assert found(judge_account(facts)) == []


@pytest.mark.parametrize(
    ("reason", "code", "severity"),
    [
        ("TOKEN_EXPIRED", "TOKEN_INVALID", ERROR),
        ("TOKEN_INVALID", "TOKEN_INVALID", ERROR),
        ("SCOPE_MISSING", "SCOPE_MISSING", ERROR),
        ("AD_ACCOUNT_NOT_VISIBLE", "AD_ACCOUNT_NOT_VISIBLE", ERROR),
        ("TERMS_NOT_ACCEPTED", "TERMS_NOT_ACCEPTED", ERROR),
        ("AD_ACCOUNT_INACTIVE", "AD_ACCOUNT_CLOSED", ERROR),
        ("FACEBOOK_THROTTLED", "AD_ACCOUNT_THROTTLED", WARNING),
        ("FACEBOOK_UNAVAILABLE", "AD_ACCOUNT_UNCHECKED", WARNING),
        ("FACEBOOK_REFUSED", "AD_ACCOUNT_UNCHECKED", WARNING),
    ],
)
def test_each_check_that_does_not_pass_is_one_finding(
    reason: str, code: str, severity: Severity
) -> None:
    (finding,) = judge_account(refused(reason))
    assert (finding.code, finding.severity) == (code, severity)
    assert finding.evidence == {"reason": reason, "a": "b"}
    assert (finding.ad_account_id, finding.audience_id) == ("act_1", "")


@pytest.mark.parametrize(
    ("left", "expected"),
    [
        (14 * DAY + SECOND, []),
        (14 * DAY, [("TOKEN_EXPIRES_SOON", WARNING)]),
        (2 * DAY + SECOND, [("TOKEN_EXPIRES_SOON", WARNING)]),
        (2 * DAY, [("TOKEN_EXPIRES_SOON", ERROR)]),
        (-DAY, [("TOKEN_EXPIRES_SOON", ERROR)]),
    ],
)
def test_a_token_is_told_before_it_ends(
    left: timedelta, expected: list[tuple[str, Severity]]
) -> None:
    assert found(judge_account(account_facts(token=a_token(expires_at=NOW + left)))) == expected
    data_access = a_token(data_access_expires_at=NOW + left)
    assert found(judge_account(account_facts(token=data_access))) == expected
    not_asked = account_facts(an_account(token_expires_at=NOW + left))
    assert found(judge_account(not_asked)) == expected


def test_a_token_that_has_ended_is_told_once() -> None:
    facts = account_facts(
        token=a_token(expires_at=NOW - DAY),
        refusals=(Refusal(reason="TOKEN_EXPIRED", message="It has expired."),),
    )
    assert found(judge_account(facts)) == [("TOKEN_INVALID", ERROR)]


def test_what_facebook_says_of_the_end_counts_more_than_what_is_stored() -> None:
    facts = account_facts(an_account(token_expires_at=NOW + DAY), token=a_token())
    assert found(judge_account(facts)) == []


@pytest.mark.parametrize(
    ("seal", "code"),
    [(Seal.KEY_MISSING, "SEALING_KEY_MISSING"), (Seal.DAMAGED, "SEALED_TOKEN_DAMAGED")],
)
def test_a_token_that_does_not_open_is_found(seal: Seal, code: str) -> None:
    assert found(judge_account(account_facts(seal=seal))) == [(code, ERROR)]


def test_a_blocked_account_is_told_with_its_reason_and_since_when() -> None:
    (finding,) = judge_account(account_facts(an_account(blocked_reason="POLICY", blocked_at=NOW)))
    assert (finding.code, finding.severity) == ("AD_ACCOUNT_BLOCKED", ERROR)
    assert finding.evidence == {"reason": "POLICY", "since": NOW.isoformat()}


@pytest.mark.parametrize(("until", "times"), [(NOW, 0), (NOW + SECOND, 1)])
def test_an_account_is_throttled_until_its_time_is_up(until: object, times: int) -> None:
    findings = found(judge_account(account_facts(an_account(throttled_until=until))))
    assert findings == [("AD_ACCOUNT_THROTTLED", WARNING)] * times


@pytest.mark.parametrize(("status", "times"), [(None, 0), (1, 0), (3, 1), (7, 1)])
def test_an_account_that_owes_money_or_is_under_review_is_found(
    status: int | None, times: int
) -> None:
    findings = found(judge_account(account_facts(at_facebook=at_facebook(status))))
    assert findings == [("AD_ACCOUNT_IN_TROUBLE", WARNING)] * times


def test_the_budget_is_told_when_syncs_slow_down() -> None:
    (finding,) = judge_account(account_facts(usage=Usage(percent=75.0), audience_count=3))
    assert (finding.code, finding.severity) == ("BUDGET_NEARLY_USED", WARNING)
    assert finding.evidence == {"usage_percent": "75.0", "audiences": "3"}


def test_the_limited_tier_is_told_with_what_it_allows() -> None:
    usage = Usage(percent=1.0, tier="development_access")
    (finding,) = judge_account(account_facts(usage=usage, audience_count=10))
    assert (finding.code, finding.severity) == ("ACCESS_TIER_LIMITED", INFO)
    assert finding.evidence["calls_an_hour"] == "5400"
