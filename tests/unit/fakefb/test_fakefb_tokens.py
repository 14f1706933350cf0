"""Tokens, scopes and proofs: who is let in, and with which code the others are refused."""

import hashlib
import hmac

import pytest

from tests.unit.fakefb.client import ACCOUNT, TOKEN, FakeClient

LIST = f"{ACCOUNT}/customaudiences"


def proof(message: str) -> str:
    return hmac.new(b"fake-app-secret", message.encode(), hashlib.sha256).hexdigest()


async def make_token(fake: FakeClient, **values: object) -> str:
    body = {"access_token": "other", "ad_account_ids": [ACCOUNT], **values}
    assert (await fake.admin("POST", "/admin/tokens", body)).status == 201
    return "other"


async def test_refusal_carries_the_envelope_and_its_headers(fake: FakeClient) -> None:
    reply = await fake.graph("GET", LIST, token="nobody")
    assert reply.code == (400, 190, None)
    assert reply.error["type"] == "OAuthException"
    assert reply.headers["x-fb-request-id"] == reply.error["fbtrace_id"]
    assert reply.headers["WWW-Authenticate"].startswith(
        'OAuth "Facebook Platform" "invalid_token" "'
    )


async def test_missing_token_is_104_and_2500_for_me(fake: FakeClient) -> None:
    assert (await fake.graph("GET", LIST, token=None)).code == (400, 104, None)
    assert (await fake.graph("GET", "me/adaccounts", token=None)).code == (400, 2500, None)


async def test_token_expires_with_the_clock(fake: FakeClient) -> None:
    token = await make_token(fake, expires_at=int(fake.state.clock.now()) + 3600)
    assert (await fake.graph("GET", LIST, token=token)).status == 200
    await fake.admin("POST", "/admin/clock", {"advance_s": 3601})
    assert (await fake.graph("GET", LIST, token=token)).code == (400, 190, 463)


async def test_revoked_token_is_467_and_a_dropped_one_unknown(fake: FakeClient) -> None:
    await fake.admin("PATCH", f"/admin/tokens/{TOKEN}", {"revoked": True})
    assert (await fake.graph("GET", LIST)).code == (400, 190, 467)
    await fake.admin("DELETE", f"/admin/tokens/{TOKEN}")
    assert (await fake.graph("GET", LIST)).code == (400, 190, None)


@pytest.mark.parametrize(
    ("state", "subcode"),
    [("checkpoint", 459), ("password_changed", 460), ("session_invalid", 492), ("unused", 493)],
)
async def test_token_dies_of_what_the_admin_says(
    fake: FakeClient, state: str, subcode: int
) -> None:
    await fake.admin("PATCH", f"/admin/tokens/{TOKEN}", {"state": state})
    assert (await fake.graph("GET", LIST)).code == (400, 190, subcode)
    await fake.admin("PATCH", f"/admin/tokens/{TOKEN}", {"state": "live"})
    assert (await fake.graph("GET", LIST)).status == 200


async def test_missing_scopes(fake: FakeClient) -> None:
    token = await make_token(fake, scopes=["ads_read"])
    assert (await fake.graph("GET", LIST, token=token)).status == 200
    assert (await fake.graph("POST", LIST, token=token)).code == (400, 294, None)
    await fake.admin("PATCH", f"/admin/tokens/{token}", {"scopes": []})
    assert (await fake.graph("GET", LIST, token=token)).code == (403, 200, None)


async def test_invisible_objects_are_100_33_and_never_404(fake: FakeClient) -> None:
    audience = await fake.create()
    token = await make_token(fake, ad_account_ids=[])
    for path in (ACCOUNT, LIST, audience, f"{audience}/sessions", "act_77"):
        reply = await fake.graph("GET", path, token=token)
        assert reply.code == (400, 100, 33), path
        assert reply.error["type"] == "GraphMethodException"
    assert (await fake.graph("GET", f"{audience}/users")).code == (400, 100, 33)


async def test_proof_is_verified_where_it_is_given(fake: FakeClient) -> None:
    good = await fake.graph("GET", LIST, query={"appsecret_proof": proof(TOKEN)})
    assert good.status == 200
    bad = await fake.graph("GET", LIST, query={"appsecret_proof": proof("else")})
    assert bad.code == (400, 100, None)
    assert bad.error["type"] == "GraphMethodException"


async def test_proof_can_be_required(fake: FakeClient) -> None:
    await fake.admin("PATCH", f"/admin/tokens/{TOKEN}", {"require_proof": True})
    reply = await fake.graph("GET", LIST)
    assert reply.code == (400, 100, None)
    assert "appsecret_proof" in str(reply.error["message"])


async def test_timed_proof_lives_five_minutes(fake: FakeClient) -> None:
    made = str(int(fake.state.clock.now()))
    query = {"appsecret_proof": proof(f"{TOKEN}|{made}"), "appsecret_time": made}
    assert (await fake.graph("GET", LIST, query=query)).status == 200
    await fake.admin("POST", "/admin/clock", {"advance_s": 310})
    assert (await fake.graph("GET", LIST, query=query)).code == (400, 100, None)


async def test_proof_matches_the_vectors_of_the_contract(fake: FakeClient) -> None:
    secret = "demo-app-secret-0123"
    body = {"access_token": "EAADEMO1token", "app_secret": secret, "ad_account_ids": [ACCOUNT]}
    await fake.admin("POST", "/admin/tokens", body)
    plain = "92c408a74c5ac38742aa0880d71ea1573230ca68c2a15ffe6bdf208a5c37b423"
    query = {"appsecret_proof": plain}
    assert (await fake.graph("GET", LIST, token="EAADEMO1token", query=query)).status == 200


async def test_debug_token_tells_what_a_token_is(fake: FakeClient) -> None:
    app = "5550001|fake-app-secret"
    for caller in (app, TOKEN):
        reply = await fake.graph("GET", "debug_token", token=caller, query={"input_token": TOKEN})
        data = reply.json["data"]
        assert isinstance(data, dict)
        assert (data["is_valid"], data["app_id"], data["expires_at"]) == (True, "5550001", 0)
        assert "ads_management" in data["scopes"]


async def test_debug_token_of_a_bad_token_is_an_answer(fake: FakeClient) -> None:
    await make_token(fake, app_id="5550001", expires_at=1)
    for inspected, subcode in (("nobody", None), ("other", 463)):
        reply = await fake.graph("GET", "debug_token", query={"input_token": inspected})
        data = reply.json["data"]
        assert reply.status == 200
        assert isinstance(data, dict)
        assert data["is_valid"] is False
        assert (data["error"]["code"], data["error"].get("subcode")) == (190, subcode)


async def test_debug_token_wants_a_good_caller(fake: FakeClient) -> None:
    query = {"input_token": TOKEN}
    wrong = await fake.graph("GET", "debug_token", token="5550001|wrong", query=query)
    assert wrong.code == (400, 190, None)
    assert (await fake.graph("GET", "debug_token")).code == (400, 100, None)
