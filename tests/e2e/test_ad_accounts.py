"""Tokens and accounts that cannot be used are refused before anything is stored."""

from collections.abc import Callable
from typing import Any

import grpc
import pytest
from audiencesync.v1 import audience_sync_pb2 as pb
from google.rpc import error_details_pb2
from grpc_status import rpc_status

from tests.e2e.conftest import AD_ACCOUNT_ID, Stack

pytestmark = pytest.mark.calm

Plant = Callable[[Stack], None]


def token(stack: Stack, **changes: Any) -> None:
    wish = {"access_token": "other-token", "scopes": ["ads_management", "ads_read"]}
    stack.admin.post("tokens", wish | {"ad_account_ids": [AD_ACCOUNT_ID]} | changes)


def without_terms(stack: Stack) -> None:
    stack.admin.post(
        "ad_accounts", {"ad_account_id": "act_77", "name": "No terms", "tos_accepted": False}
    )
    token(stack, ad_account_ids=["act_77"])


def disabled(stack: Stack) -> None:
    stack.admin.post(
        "ad_accounts", {"ad_account_id": "act_77", "name": "Disabled", "account_status": 2}
    )
    token(stack, ad_account_ids=["act_77"])


CASES: list[tuple[str, str, Plant]] = [
    ("TOKEN_INVALID", AD_ACCOUNT_ID, lambda _: None),
    ("TOKEN_EXPIRED", AD_ACCOUNT_ID, lambda stack: token(stack, expires_at=1)),
    ("SCOPE_MISSING", AD_ACCOUNT_ID, lambda stack: token(stack, scopes=["ads_read"])),
    ("AD_ACCOUNT_NOT_VISIBLE", "act_77", token),
    ("TERMS_NOT_ACCEPTED", "act_77", without_terms),
    ("AD_ACCOUNT_INACTIVE", "act_77", disabled),
]


@pytest.mark.parametrize(("reason", "ad_account_id", "plant"), CASES, ids=[one[0] for one in CASES])
def test_what_cannot_be_used_is_refused_with_its_reason_and_nothing_is_stored(
    shared_stack: Stack, reason: str, ad_account_id: str, plant: Plant
) -> None:
    plant(shared_stack)
    request = pb.ConnectAdAccountRequest(ad_account_id=ad_account_id, access_token="other-token")

    with pytest.raises(grpc.RpcError) as refusal:
        shared_stack.service.stub.ConnectAdAccount(request)

    assert refusal.value.code() is grpc.StatusCode.FAILED_PRECONDITION
    assert reason_of(refusal.value) == reason
    assert not shared_stack.service.stub.ListAdAccounts(pb.ListAdAccountsRequest()).ad_accounts


def reason_of(error: grpc.RpcError) -> str:
    status = rpc_status.from_call(error)
    assert status is not None
    info = error_details_pb2.ErrorInfo()
    assert status.details[0].Unpack(info)
    assert info.domain == "audiencesync.v1"
    return str(info.reason)
