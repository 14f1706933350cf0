"""The life of an audience as callers see it."""

from collections.abc import AsyncIterator, Awaitable

import grpc
import pytest
from audiencesync.v1 import audience_sync_pb2 as pb
from google.protobuf.duration_pb2 import Duration
from google.protobuf.field_mask_pb2 import FieldMask

from service.store import leases
from tests.integration.rpc_refusals import refusal
from tests.integration.rpc_world import RpcWorld, claim, running_rpc
from tests.unit.rpc.builders import a_connect, a_remove, an_add, an_update

Audience = pb.Audience


@pytest.fixture
async def rpc(database_url: str) -> AsyncIterator[RpcWorld]:
    async with running_rpc(database_url) as world:
        yield world


async def test_an_unknown_audience_is_not_found(rpc: RpcWorld) -> None:
    mask = FieldMask(paths=["description"])
    calls: list[Awaitable[object]] = [
        rpc.stub.GetAudience(pb.GetAudienceRequest(audience_id="nobody")),
        rpc.stub.UpdateAudience(pb.UpdateAudienceRequest(audience_id="nobody", update_mask=mask)),
        rpc.stub.PauseAudience(pb.PauseAudienceRequest(audience_id="nobody")),
        rpc.stub.ResumeAudience(pb.ResumeAudienceRequest(audience_id="nobody")),
        rpc.stub.DisconnectAudience(pb.DisconnectAudienceRequest(audience_id="nobody")),
        rpc.stub.ListSyncs(pb.ListSyncsRequest(audience_id="nobody")),
        rpc.stub.SyncNow(pb.SyncNowRequest(audience_id="nobody")),
        rpc.stub.UpdateMembership(
            pb.UpdateMembershipRequest(audience_id="nobody", changes=[an_add()])
        ),
    ]
    for call in calls:
        told = await refusal(call)
        assert (told.code, told.reason) == (grpc.StatusCode.NOT_FOUND, "AUDIENCE_NOT_FOUND")
        assert told.metadata == {"audience_id": "nobody"}


async def test_an_update_changes_what_its_mask_names(rpc: RpcWorld) -> None:
    await rpc.connect_active_audience()
    request = pb.UpdateAudienceRequest(
        audience_id="shoppers",
        name="Renamed",
        description="ignored",
        sync_interval=Duration(seconds=600),
        default_region="FR",
        update_mask=FieldMask(paths=["name", "sync_interval", "default_region"]),
    )
    audience = (await rpc.stub.UpdateAudience(request)).audience
    assert (audience.name, audience.description) == ("Renamed", "")
    assert audience.sync_interval == Duration(seconds=600)
    assert audience.default_region == "FR"
    assert await rpc.audience() == audience


async def test_a_masked_field_that_is_not_set_goes_back_to_its_default(rpc: RpcWorld) -> None:
    await rpc.connect_account()
    odd = a_connect(description="d", sync_interval=Duration(seconds=300), default_region="DE")
    await rpc.stub.ConnectAudience(odd)
    mask = FieldMask(paths=["description", "sync_interval", "default_region"])
    request = pb.UpdateAudienceRequest(audience_id="shoppers", update_mask=mask)
    audience = (await rpc.stub.UpdateAudience(request)).audience
    assert (audience.description, audience.default_region) == ("", "US")
    assert audience.sync_interval == Duration(seconds=3600)


@pytest.mark.parametrize(
    ("fields", "paths", "field"),
    [
        ({"name": "x"}, [], "update_mask"),
        ({}, ["name"], "name"),
        ({"default_region": "XX"}, ["default_region"], "default_region"),
        ({"name": "x"}, ["paused"], "update_mask"),
        ({"sync_interval": Duration(seconds=1)}, ["sync_interval"], "sync_interval"),
    ],
)
async def test_a_malformed_update_changes_nothing(
    rpc: RpcWorld, fields: dict[str, object], paths: list[str], field: str
) -> None:
    before = await rpc.connect_audience()
    request = pb.UpdateAudienceRequest(
        audience_id="shoppers",
        update_mask=FieldMask(paths=paths),
        **fields,  # type: ignore[arg-type]
    )
    told = await refusal(rpc.stub.UpdateAudience(request))
    assert (told.code, told.fields) == (grpc.StatusCode.INVALID_ARGUMENT, [field])
    assert await rpc.audience() == before


async def test_pausing_and_resuming_are_idempotent(rpc: RpcWorld) -> None:
    await rpc.connect_active_audience()
    pause = pb.PauseAudienceRequest(audience_id="shoppers")
    resume = pb.ResumeAudienceRequest(audience_id="shoppers")
    for _ in range(2):
        paused = (await rpc.stub.PauseAudience(pause)).audience
        assert paused.state == Audience.STATE_PAUSED
        assert not paused.HasField("next_sync_time")
    for _ in range(2):
        resumed = (await rpc.stub.ResumeAudience(resume)).audience
        assert resumed.state == Audience.STATE_ACTIVE
        assert resumed.HasField("next_sync_time")


async def test_disconnecting_leaves_the_wish_and_may_change_its_mode_until_it_is_done(
    rpc: RpcWorld,
) -> None:
    await rpc.connect_active_audience()
    modes = pb.DisconnectAudienceRequest
    for mode in (modes.MODE_UNSPECIFIED, modes.MODE_ABANDON, modes.MODE_ABANDON):
        request = pb.DisconnectAudienceRequest(audience_id="shoppers", mode=mode)
        audience = (await rpc.stub.DisconnectAudience(request)).audience
        assert audience.state == Audience.STATE_ACTIVE
    async with rpc.api.transaction() as connection:
        work = await claim(connection)
        assert work.disconnect_mode == "ABANDON"
        assert await leases.finish_disconnect(connection, work.audience_no, work.lease_token)
    again = await rpc.stub.DisconnectAudience(pb.DisconnectAudienceRequest(audience_id="shoppers"))
    assert again.audience.state == Audience.STATE_DISCONNECTED
    assert again.audience.HasField("disconnect_time")
    assert await rpc.audience() == again.audience


@pytest.mark.parametrize("is_done", [False, True])
async def test_an_audience_that_leaves_takes_no_writes(rpc: RpcWorld, *, is_done: bool) -> None:
    await rpc.connect_active_audience()
    await rpc.stub.DisconnectAudience(pb.DisconnectAudienceRequest(audience_id="shoppers"))
    if is_done:
        await rpc.finish_disconnect()
    before = await rpc.audience()
    mask = FieldMask(paths=["description"])
    calls: list[Awaitable[object]] = [
        rpc.stub.UpdateAudience(pb.UpdateAudienceRequest(audience_id="shoppers", update_mask=mask)),
        rpc.stub.PauseAudience(pb.PauseAudienceRequest(audience_id="shoppers")),
        rpc.stub.ResumeAudience(pb.ResumeAudienceRequest(audience_id="shoppers")),
        rpc.stub.SyncNow(pb.SyncNowRequest(audience_id="shoppers")),
        rpc.stub.UpdateMembership(an_update(an_add(), a_remove("m2"))),
    ]
    for call in calls:
        told = await refusal(call)
        assert (told.code, told.reason) == (
            grpc.StatusCode.FAILED_PRECONDITION,
            "AUDIENCE_DISCONNECTED",
        )
        assert told.metadata == {"audience_id": "shoppers"}
    assert await rpc.audience() == before


async def test_audiences_are_listed_page_by_page_and_by_account(rpc: RpcWorld) -> None:
    await rpc.connect_account("act_2")
    for audience_id in ("c", "a", "b"):
        await rpc.connect_audience(audience_id)
    other = a_connect(audience_id="b2", ad_account_id="act_2")
    await rpc.stub.ConnectAudience(other)
    request = pb.ListAudiencesRequest(page_size=2, ad_account_id="act_1")
    first = await rpc.stub.ListAudiences(request)
    request.page_token = first.next_page_token
    rest = await rpc.stub.ListAudiences(request)
    pages = [[one.audience_id for one in page.audiences] for page in (first, rest)]
    assert pages == [["a", "b"], ["c"]]
    assert rest.next_page_token == ""
    assert await rpc.connected_ids() == ["a", "b", "b2", "c"]
    told = await refusal(
        rpc.stub.ListAudiences(pb.ListAudiencesRequest(page_token=first.next_page_token))
    )
    assert (told.code, told.reason) == (grpc.StatusCode.INVALID_ARGUMENT, "PAGE_TOKEN_INVALID")
    told = await refusal(rpc.stub.ListAudiences(pb.ListAudiencesRequest(page_size=-1)))
    assert told.fields == ["page_size"]
