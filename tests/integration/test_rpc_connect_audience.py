"""Connecting audiences: the wish is committed, then the call waits for the worker."""

import asyncio
from collections.abc import AsyncIterator

import grpc
import pytest
from audiencesync.v1 import audience_sync_pb2 as pb
from google.protobuf.duration_pb2 import Duration

from service.store import leases
from tests.integration.rpc_refusals import refusal
from tests.integration.rpc_world import RpcWorld, claim, running_rpc
from tests.unit.rpc.builders import a_connect

Audience = pb.Audience


@pytest.fixture
async def rpc(database_url: str) -> AsyncIterator[RpcWorld]:
    async with running_rpc(database_url) as world:
        yield world


@pytest.fixture
async def patient_rpc(database_url: str) -> AsyncIterator[RpcWorld]:
    """Waits for a worker as long as the real one does."""
    async with running_rpc(database_url, connect_wait_s=10) as world:
        yield world


async def test_connecting_answers_when_the_worker_has_created_it(patient_rpc: RpcWorld) -> None:
    rpc = patient_rpc
    await rpc.connect_account()
    call = rpc.stub.ConnectAudience(a_connect(description="d", default_region="DE"))
    due = rpc.api.notifications.subscribe("audience_due", "")
    waiting = asyncio.ensure_future(call)
    assert await due.wait(5)
    assert not waiting.done()
    await rpc.create_on_facebook()
    audience = (await waiting).audience
    assert audience.state == Audience.STATE_ACTIVE
    assert audience.custom_audience_id == "9001"
    assert (audience.name, audience.description) == ("Shoppers", "d")
    assert audience.default_region == "DE"
    assert audience.sync_interval == Duration(seconds=3600)
    assert audience.customer_file_source == pb.CUSTOMER_FILE_SOURCE_USER_PROVIDED_ONLY


async def test_connecting_answers_when_facebook_refuses(patient_rpc: RpcWorld) -> None:
    rpc = patient_rpc
    await rpc.connect_account()
    due = rpc.api.notifications.subscribe("audience_due", "")
    waiting = asyncio.ensure_future(rpc.stub.ConnectAudience(a_connect()))
    assert await due.wait(5)
    async with rpc.api.transaction() as connection:
        work = await claim(connection)
        await leases.block(
            connection,
            work.audience_no,
            work.lease_token,
            reason="TERMS_NOT_ACCEPTED",
            message="Accept them.",
            probe_at=None,
        )
    audience = (await waiting).audience
    assert audience.state == Audience.STATE_CONNECTING
    assert audience.blocked_reason == Audience.BLOCKED_REASON_TERMS_NOT_ACCEPTED
    assert audience.blocked_message == "Accept them."


async def test_connecting_answers_before_the_callers_deadline(patient_rpc: RpcWorld) -> None:
    await patient_rpc.connect_account()
    answer = await patient_rpc.stub.ConnectAudience(a_connect(), timeout=2)
    assert answer.audience.state == Audience.STATE_CONNECTING


async def test_connecting_does_not_wait_for_ever(rpc: RpcWorld) -> None:
    audience = await rpc.connect_audience()
    assert audience.state == Audience.STATE_CONNECTING


async def test_connecting_again_with_the_same_values_is_harmless(rpc: RpcWorld) -> None:
    first = await rpc.connect_active_audience()
    second = (await rpc.stub.ConnectAudience(a_connect())).audience
    assert second == first
    assert await rpc.connected_ids() == ["shoppers"]


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"name": "Others"}, "name"),
        ({"description": "x"}, "description"),
        ({"sync_interval": Duration(seconds=300)}, "sync_interval"),
        ({"default_region": "DE"}, "default_region"),
        ({"customer_file_source": 2}, "customer_file_source"),
        ({"existing_custom_audience_id": "7"}, "existing_custom_audience_id"),
        ({"ad_account_id": "act_2"}, "ad_account_id"),
    ],
)
async def test_connecting_again_with_other_values_is_refused(
    rpc: RpcWorld, fields: dict[str, object], field: str
) -> None:
    first = await rpc.connect_active_audience()
    await rpc.connect_account("act_2")
    told = await refusal(rpc.stub.ConnectAudience(a_connect(**fields)))
    assert (told.code, told.reason) == (
        grpc.StatusCode.ALREADY_EXISTS,
        "AUDIENCE_ALREADY_CONNECTED",
    )
    assert told.metadata == {"audience_id": "shoppers", "field": field}
    assert told.fields == [field]
    assert await rpc.audience() == first


async def test_connecting_to_an_account_that_is_not_connected_is_refused(rpc: RpcWorld) -> None:
    told = await refusal(rpc.stub.ConnectAudience(a_connect(ad_account_id="act_9")))
    assert (told.code, told.reason) == (grpc.StatusCode.NOT_FOUND, "AD_ACCOUNT_NOT_CONNECTED")
    assert told.metadata == {"ad_account_id": "act_9"}
    assert await rpc.connected_ids() == []


async def test_one_custom_audience_is_never_connected_twice(rpc: RpcWorld) -> None:
    await rpc.connect_account()
    adopt = a_connect(existing_custom_audience_id="77")
    for _ in range(2):
        await rpc.stub.ConnectAudience(adopt)
    again = a_connect(audience_id="others", existing_custom_audience_id="77")
    told = await refusal(rpc.stub.ConnectAudience(again))
    assert (told.code, told.reason) == (grpc.StatusCode.ALREADY_EXISTS, "CUSTOM_AUDIENCE_IN_USE")
    assert told.metadata == {"custom_audience_id": "77"}
    assert await rpc.connected_ids() == ["shoppers"]


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"audience_id": "No Slug"}, "audience_id"),
        ({"ad_account_id": "1"}, "ad_account_id"),
        ({"name": ""}, "name"),
        ({"default_region": "XX"}, "default_region"),
        ({"sync_interval": Duration(seconds=300, nanos=1)}, "sync_interval"),
        ({"customer_file_source": 9}, "customer_file_source"),
    ],
)
async def test_a_malformed_wish_is_refused(
    rpc: RpcWorld, fields: dict[str, object], field: str
) -> None:
    await rpc.connect_account()
    told = await refusal(rpc.stub.ConnectAudience(a_connect(**fields)))
    assert (told.code, told.reason) == (grpc.StatusCode.INVALID_ARGUMENT, "INVALID_FIELD")
    assert told.fields == [field]
    assert await rpc.connected_ids() == []


async def test_a_repeated_request_id_connects_once_and_answers_with_the_state_reached(
    rpc: RpcWorld,
) -> None:
    await rpc.connect_account()
    request = a_connect(request_id="r1")
    calls = [rpc.stub.ConnectAudience(request) for _ in range(5)]
    answers = await asyncio.gather(*calls)
    assert {one.audience.state for one in answers} == {Audience.STATE_CONNECTING}
    await rpc.create_on_facebook()
    again = (await rpc.stub.ConnectAudience(request)).audience
    assert again.state == Audience.STATE_ACTIVE
    told = await refusal(rpc.stub.ConnectAudience(a_connect(name="x", request_id="r1")))
    assert (told.code, told.reason) == (grpc.StatusCode.ALREADY_EXISTS, "REQUEST_ID_REUSED")


async def test_a_disconnected_id_is_connected_anew_but_not_by_a_late_repeat(rpc: RpcWorld) -> None:
    await rpc.connect_account()
    first = a_connect(request_id="r1")
    await rpc.stub.ConnectAudience(first)
    await rpc.create_on_facebook()
    await rpc.stub.DisconnectAudience(pb.DisconnectAudienceRequest(audience_id="shoppers"))
    told = await refusal(rpc.stub.ConnectAudience(a_connect()))
    assert told.reason == "AUDIENCE_DISCONNECTED"
    await rpc.finish_disconnect()
    late = (await rpc.stub.ConnectAudience(first)).audience
    assert late.state == Audience.STATE_DISCONNECTED
    assert await rpc.connected_ids() == []
    anew = (await rpc.stub.ConnectAudience(a_connect(request_id="r2"))).audience
    assert (anew.state, anew.custom_audience_id) == (Audience.STATE_CONNECTING, "")
    assert await rpc.connected_ids() == ["shoppers"]
