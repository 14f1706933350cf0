"""Connecting ad accounts: everything is checked with Facebook before anything is stored."""

from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime

import grpc
import pytest
from audiencesync.v1 import audience_sync_pb2 as pb

from service.store import ad_accounts as store
from service.store.rows import AdAccount
from tests.integration.rpc_graph_double import GraphDouble
from tests.integration.rpc_refusals import refusal
from tests.integration.rpc_world import TOKEN, RpcWorld, running_rpc

PRECONDITION = grpc.StatusCode.FAILED_PRECONDITION
UNAVAILABLE = grpc.StatusCode.UNAVAILABLE
TERMS_URL = "https://business.facebook.com/ads/manage/customaudiences/tos/?act=1"


@pytest.fixture
async def rpc(database_url: str) -> AsyncIterator[RpcWorld]:
    async with running_rpc(database_url) as world:
        yield world


def a_request(**fields: str) -> pb.ConnectAdAccountRequest:
    wanted = {"ad_account_id": "act_1", "access_token": TOKEN, **fields}
    return pb.ConnectAdAccountRequest(**wanted)


async def stored(rpc: RpcWorld) -> list[AdAccount]:
    async with rpc.api.connection() as connection:
        return list(await store.list_ad_accounts(connection, after_id="", limit=10))


async def test_an_account_that_passes_is_stored_with_its_token_sealed(rpc: RpcWorld) -> None:
    rpc.graph.token["expires_at"] = 1_900_000_000
    request = a_request(app_id="555", app_secret="s3cret")
    account = (await rpc.stub.ConnectAdAccount(request)).ad_account
    assert (account.ad_account_id, account.name, account.app_id) == ("act_1", "Shop", "555")
    assert account.state == pb.AdAccount.STATE_ACTIVE
    assert list(account.scopes) == ["ads_management", "ads_read"]
    assert account.token_expire_time.ToDatetime(tzinfo=UTC) == datetime.fromtimestamp(
        1_900_000_000, UTC
    )
    (row,) = await stored(rpc)
    assert TOKEN.encode() not in row.sealed_access_token
    unseal = rpc.api.keyring.unseal
    assert unseal(row.sealed_access_token, record="ad_account:act_1:access_token") == TOKEN
    assert row.sealed_app_secret is not None
    assert unseal(row.sealed_app_secret, record="ad_account:act_1:app_secret") == "s3cret"


async def test_the_token_is_inspected_with_the_apps_token_where_there_is_an_app(
    rpc: RpcWorld,
) -> None:
    await rpc.stub.ConnectAdAccount(a_request(app_id="555", app_secret="s3cret"))
    assert rpc.graph.paths == ["/v26.0/debug_token", "/v26.0/act_1"]
    assert rpc.graph.bearers == ["Bearer 555|s3cret", f"Bearer {TOKEN}"]


async def test_connecting_again_replaces_the_token_and_unblocks(rpc: RpcWorld) -> None:
    await rpc.connect_account()
    async with rpc.api.transaction() as connection:
        await store.block_ad_account(connection, "act_1", "TOKEN_INVALID")
    get = pb.GetAdAccountRequest(ad_account_id="act_1")
    blocked = (await rpc.stub.GetAdAccount(get)).ad_account
    assert blocked.state == pb.AdAccount.STATE_BLOCKED
    await rpc.stub.ConnectAdAccount(a_request(access_token="EAABanother"))
    account = (await rpc.stub.GetAdAccount(get)).ad_account
    assert account.state == pb.AdAccount.STATE_ACTIVE
    (row,) = await stored(rpc)
    opened = rpc.api.keyring.unseal(row.sealed_access_token, record="ad_account:act_1:access_token")
    assert opened == "EAABanother"


def token_is(**fields: object) -> Callable[[GraphDouble], None]:
    return lambda graph: graph.token.update(fields)


def account_is(**fields: object) -> Callable[[GraphDouble], None]:
    return lambda graph: graph.account.update(fields)


def token_fails(code: int, subcode: int = 0, status: int = 400) -> Callable[[GraphDouble], None]:
    return lambda graph: graph.fail_token(code, subcode, http_status=status)


def account_fails(code: int, subcode: int = 0, status: int = 400) -> Callable[[GraphDouble], None]:
    return lambda graph: graph.fail_account(code, subcode, http_status=status)


REFUSALS = {
    "wrong token": (token_fails(190), PRECONDITION, "TOKEN_INVALID", {"code": "190"}),
    "token that is not valid": (
        token_is(is_valid=False, error={"code": 190, "subcode": 467, "message": "no"}),
        PRECONDITION,
        "TOKEN_INVALID",
        {"code": "190", "subcode": "467"},
    ),
    "token of another app": (token_is(app_id="777"), PRECONDITION, "TOKEN_INVALID", {}),
    "expired token": (
        token_is(is_valid=False, expires_at=1_500_000_000),
        PRECONDITION,
        "TOKEN_EXPIRED",
        {"expired_at": "2017-07-14T02:40:00+00:00"},
    ),
    "token that Facebook calls expired": (
        token_fails(190, 463),
        PRECONDITION,
        "TOKEN_EXPIRED",
        {},
    ),
    "token without ads_management": (
        token_is(scopes=["ads_read"]),
        PRECONDITION,
        "SCOPE_MISSING",
        {"scope": "ads_management"},
    ),
    "account not visible": (
        account_fails(100, 33),
        PRECONDITION,
        "AD_ACCOUNT_NOT_VISIBLE",
        {"ad_account_id": "act_1"},
    ),
    "account without permission": (
        account_fails(200, status=403),
        PRECONDITION,
        "AD_ACCOUNT_NOT_VISIBLE",
        {"ad_account_id": "act_1"},
    ),
    "account disabled": (
        account_is(account_status=2),
        PRECONDITION,
        "AD_ACCOUNT_INACTIVE",
        {"ad_account_id": "act_1", "account_status": "2"},
    ),
    "terms not accepted": (
        account_is(tos_accepted={}),
        PRECONDITION,
        "TERMS_NOT_ACCEPTED",
        {"ad_account_id": "act_1", "url": TERMS_URL},
    ),
    "throttled": (account_fails(80003), UNAVAILABLE, "FACEBOOK_THROTTLED", {}),
    "broken": (
        account_fails(2, status=500),
        UNAVAILABLE,
        "FACEBOOK_UNAVAILABLE",
        {"verdict": "TRANSIENT"},
    ),
    "refused": (token_fails(100), PRECONDITION, "FACEBOOK_REFUSED", {"code": "100"}),
}


@pytest.mark.parametrize(("make", "code", "reason", "metadata"), REFUSALS.values(), ids=REFUSALS)
async def test_an_account_that_does_not_pass_is_refused_and_nothing_is_stored(
    rpc: RpcWorld,
    make: Callable[[GraphDouble], None],
    code: grpc.StatusCode,
    reason: str,
    metadata: dict[str, str],
) -> None:
    make(rpc.graph)
    told = await refusal(rpc.stub.ConnectAdAccount(a_request(app_id="555")))
    assert (told.code, told.reason) == (code, reason)
    assert metadata.items() <= told.metadata.items()
    assert (told.retry_after_s is not None) == (code is UNAVAILABLE)
    assert TOKEN not in told.whole
    assert await stored(rpc) == []


async def test_a_refused_token_leaves_the_former_one_in_place(rpc: RpcWorld) -> None:
    await rpc.connect_account()
    before = await stored(rpc)
    rpc.graph.fail_token(190)
    await refusal(rpc.stub.ConnectAdAccount(a_request(access_token="EAABwrong")))
    assert await stored(rpc) == before


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"ad_account_id": "1"}, "ad_account_id"),
        ({"access_token": ""}, "access_token"),
        ({"app_id": "x"}, "app_id"),
        ({"app_secret": "s"}, "app_id"),
    ],
)
async def test_a_malformed_request_never_reaches_facebook(
    rpc: RpcWorld, fields: dict[str, str], field: str
) -> None:
    told = await refusal(rpc.stub.ConnectAdAccount(a_request(**fields)))
    assert (told.code, told.reason) == (grpc.StatusCode.INVALID_ARGUMENT, "INVALID_FIELD")
    assert told.fields == [field]
    assert rpc.graph.paths == []


async def test_an_account_that_is_not_connected_is_not_found(rpc: RpcWorld) -> None:
    told = await refusal(rpc.stub.GetAdAccount(pb.GetAdAccountRequest(ad_account_id="act_9")))
    assert (told.code, told.reason) == (grpc.StatusCode.NOT_FOUND, "AD_ACCOUNT_NOT_CONNECTED")
    assert told.metadata == {"ad_account_id": "act_9"}


async def test_accounts_are_listed_page_by_page(rpc: RpcWorld) -> None:
    for number in (3, 1, 2):
        await rpc.connect_account(f"act_{number}")
    first = await rpc.stub.ListAdAccounts(pb.ListAdAccountsRequest(page_size=2))
    rest = await rpc.stub.ListAdAccounts(
        pb.ListAdAccountsRequest(page_size=2, page_token=first.next_page_token)
    )
    pages = [[one.ad_account_id for one in page.ad_accounts] for page in (first, rest)]
    assert pages == [["act_1", "act_2"], ["act_3"]]
    assert rest.next_page_token == ""
