"""What the official SDK is told when something is refused."""

import pytest
from facebook_business.adobjects.adaccount import AdAccount
from facebook_business.adobjects.customaudience import CustomAudience
from facebook_business.api import FacebookAdsApi
from facebook_business.exceptions import FacebookRequestError

from fakefb.testing import FakeFacebook
from tests.conformance.world import ACCOUNT_PATH, TOKEN_PATH, make_list


def refused(account: AdAccount) -> FacebookRequestError:
    with pytest.raises(FacebookRequestError) as caught:
        account.get_custom_audiences(fields=["name"])
    return caught.value


@pytest.mark.parametrize(
    ("state", "subcode"),
    [
        ("app_removed", 458),
        ("checkpoint", 459),
        ("password_changed", 460),
        ("unconfirmed", 464),
        ("revoked", 467),
        ("session_invalid", 492),
        ("unused", 493),
    ],
)
def test_dead_tokens(world: FakeFacebook, account: AdAccount, state: str, subcode: int) -> None:
    world.admin("PATCH", TOKEN_PATH, {"state": state})
    error = refused(account)
    assert (error.http_status(), error.api_error_code()) == (400, 190)
    assert error.api_error_subcode() == subcode
    assert error.api_error_type() == "OAuthException"


def test_expired_token(world: FakeFacebook, account: AdAccount) -> None:
    world.admin("PATCH", TOKEN_PATH, {"expires_at": 1})
    assert refused(account).api_error_subcode() == 463


def test_unknown_token_and_wrong_proof(account: AdAccount) -> None:
    api = FacebookAdsApi.init("5550001", "another-secret", "fake-token", crash_log=False)
    error = refused(AdAccount("act_1000000001", api=api))
    assert (error.api_error_code(), error.api_error_type()) == (100, "GraphMethodException")
    stranger = FacebookAdsApi.init(access_token="nobody", crash_log=False)
    assert refused(AdAccount("act_1000000001", api=stranger)).api_error_code() == 190
    for opened in (api, stranger):
        opened._session.requests.close()


def test_missing_file_source(account: AdAccount) -> None:
    with pytest.raises(FacebookRequestError) as missing:
        account.create_custom_audience(params={"name": "x", "subtype": "CUSTOM"})
    assert missing.value.api_error_message() == (
        "(#100) Missing parameter(s): customer_file_source"
    )


# The SDK warns of fields that its own tables lack; it asks for them all the same.
@pytest.mark.filterwarnings("ignore:.*does not allow field:UserWarning")
def test_unknown_field(account: AdAccount) -> None:
    made = make_list(account)
    with pytest.raises(FacebookRequestError) as unknown:
        made.api_get(fields=["shoe_size"])
    assert "nonexisting field (shoe_size)" in unknown.value.api_error_message()


def test_limits_are_http_400_without_retry_after(world: FakeFacebook, account: AdAccount) -> None:
    world.admin("PATCH", ACCOUNT_PATH, {"calls_per_hour": 0})
    error = refused(account)
    assert (error.http_status(), error.api_error_code()) == (400, 80003)
    assert error.api_error_subcode() == 2446079
    assert "retry-after" not in {name.lower() for name in error.http_headers()}


def test_single_key_lists_refuse_multi_key_uploads(account: AdAccount) -> None:
    made = make_list(account)
    made.add_users(CustomAudience.Schema.email_hash, ["a@example.org"])
    with pytest.raises(FacebookRequestError) as locked:
        made.add_users(["EMAIL"], [["a@example.org"]], is_raw=True)
    assert locked.value.api_error_code() == 2650
