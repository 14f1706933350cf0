import dataclasses
from datetime import UTC, datetime, timedelta

import pytest

from service.rpc.access.callers import ANYBODY, Caller
from service.rpc.access.scopes import Scope

BILLING = Caller(name="billing", scopes=frozenset({Scope.READ}))
NOW = datetime(2027, 1, 31, tzinfo=UTC)


@pytest.mark.parametrize(
    ("patterns", "audience_id", "may"),
    [
        ((), "anything", True),
        (("news",), "news", True),
        (("news",), "newsletter", False),
        (("news*",), "newsletter", True),
        (("news*",), "news", True),
        (("news.*",), "newsx", False),
        (("a", "crm-*"), "crm-1", True),
        (("a", "crm-*"), "b", False),
    ],
)
def test_patterns_are_ids_or_beginnings(
    patterns: tuple[str, ...], audience_id: str, *, may: bool
) -> None:
    caller = dataclasses.replace(BILLING, audience_patterns=patterns)
    assert caller.may_use_audience(audience_id) is may


def test_accounts_are_all_or_those_that_are_named() -> None:
    assert BILLING.may_use_ad_account("act_9")
    limited = dataclasses.replace(BILLING, ad_account_ids=frozenset({"act_1"}))
    assert limited.may_use_ad_account("act_1")
    assert not limited.may_use_ad_account("act_11")


def test_a_token_ends_at_its_time() -> None:
    assert not BILLING.has_expired(NOW)
    ending = dataclasses.replace(BILLING, expires_at=NOW)
    assert ending.has_expired(NOW)
    assert not ending.has_expired(NOW - timedelta(seconds=1))


def test_anybody_may_do_everything() -> None:
    assert set(Scope) == ANYBODY.scopes
    assert not ANYBODY.is_limited
