"""Every verdict on a read from Facebook has its answer for the caller."""

import pytest

from service.graph.failure import GraphFailure
from service.graph.objects import AdAccount
from service.graph.verdicts import Verdict
from service.rpc.ad_account_checks import account_error_of, check_account, error_of
from service.rpc.errors import AdAccountInactive

UNAVAILABLE = {
    Verdict.TRANSIENT,
    Verdict.NOT_SENT,
    Verdict.UNKNOWN_OUTCOME,
    Verdict.BUSY,
    Verdict.NOT_READY,
}
OF_THEIR_OWN = {Verdict.TOKEN: "TOKEN_INVALID", Verdict.LIMITED: "FACEBOOK_THROTTLED"}
OF_AN_ACCOUNT = {
    Verdict.GONE: "AD_ACCOUNT_NOT_VISIBLE",
    Verdict.PERMISSION: "AD_ACCOUNT_NOT_VISIBLE",
    Verdict.TERMS: "TERMS_NOT_ACCEPTED",
}


def expected(verdict: Verdict) -> str:
    if verdict in UNAVAILABLE:
        return "FACEBOOK_UNAVAILABLE"
    return OF_THEIR_OWN.get(verdict, "FACEBOOK_REFUSED")


@pytest.mark.parametrize("verdict", Verdict)
def test_every_verdict_has_its_error(verdict: Verdict) -> None:
    failure = GraphFailure(verdict, message="m", code=100, trace_id="t", retry_after_s=60)
    assert error_of(failure).reason == expected(verdict)
    of_account = account_error_of(failure, "act_1").reason
    assert of_account == OF_AN_ACCOUNT.get(verdict, expected(verdict))


def test_the_wait_that_facebook_asks_for_is_handed_on() -> None:
    failure = GraphFailure(Verdict.LIMITED, message="m", trace_id="t", retry_after_s=61.5)
    error = error_of(failure)
    assert (error.retry_after_s, error.metadata) == (61.5, {"trace_id": "t"})


@pytest.mark.parametrize(
    ("status", "is_usable"),
    [
        (1, True),
        (2, False),
        (3, True),
        (7, True),
        (8, True),
        (9, True),
        (100, False),
        (101, False),
        (201, True),
        (202, False),
        (None, True),
    ],
)
def test_closed_accounts_are_refused_and_owing_ones_are_not(
    status: int | None, *, is_usable: bool
) -> None:
    account = AdAccount(
        id="act_1",
        name="",
        account_status=status,
        tos_accepted={"custom_audience_tos": 1},
        user_tos_accepted={},
    )
    if is_usable:
        check_account(account, "act_1")
    else:
        with pytest.raises(AdAccountInactive):
            check_account(account, "act_1")
