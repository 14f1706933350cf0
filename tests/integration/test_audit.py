"""Who did what is recorded together with what was done, and found again."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import grpc
import grpc.aio
import pytest
from audiencesync.v1 import audience_sync_pb2 as pb
from audiencesync.v1.audience_sync_pb2_grpc import AudienceSyncServiceStub
from google.protobuf.field_mask_pb2 import FieldMask
from google.protobuf.timestamp_pb2 import Timestamp

from service.cli.client import USER_AGENT
from service.rpc.audit import COMMAND_LINE_AGENT, client_of, peer_kind_of
from service.store.audit_events import AuditAction, AuditClient, PeerKind, prune_events
from tests.integration.rpc_refusals import refusal
from tests.integration.rpc_world import TOKEN, RpcWorld, running_rpc
from tests.unit.rpc.builders import an_add

pytestmark = pytest.mark.timeout(30)

Event = pb.AuditEvent
SHOPPERS = "shoppers"


@pytest.fixture
async def rpc(database_url: str) -> AsyncIterator[RpcWorld]:
    async with running_rpc(database_url) as world:
        yield world


async def events(rpc: RpcWorld, **wanted: object) -> list[pb.AuditEvent]:
    request = pb.ListAuditEventsRequest(**wanted)  # type: ignore[arg-type]
    return list((await rpc.stub.ListAuditEvents(request)).audit_events)


async def actions(rpc: RpcWorld, **wanted: object) -> list[str]:
    """Oldest first."""
    names = [Event.Action.Name(one.action) for one in await events(rpc, **wanted)]
    return [name.removeprefix("ACTION_") for name in reversed(names)]


async def lead_a_life(rpc: RpcWorld) -> None:
    """Do everything once that is recorded of an audience, an import apart."""
    await rpc.connect_active_audience()
    await rpc.stub.UpdateAudience(
        pb.UpdateAudienceRequest(
            audience_id=SHOPPERS,
            name="planted-name",
            update_mask=FieldMask(paths=["name", "description"]),
        )
    )
    await rpc.stub.PauseAudience(pb.PauseAudienceRequest(audience_id=SHOPPERS))
    await rpc.stub.ResumeAudience(pb.ResumeAudienceRequest(audience_id=SHOPPERS))
    await rpc.stub.SyncNow(pb.SyncNowRequest(audience_id=SHOPPERS))
    await rpc.stub.DisconnectAudience(pb.DisconnectAudienceRequest(audience_id=SHOPPERS))


LIFE = [
    "CONNECT_AD_ACCOUNT",
    "CONNECT_AUDIENCE",
    "UPDATE_AUDIENCE",
    "PAUSE_AUDIENCE",
    "RESUME_AUDIENCE",
    "SYNC_NOW",
    "DISCONNECT_AUDIENCE",
]


async def test_what_is_done_to_an_audience_is_recorded_in_its_order(rpc: RpcWorld) -> None:
    began = datetime.now(UTC)
    await lead_a_life(rpc)
    assert await actions(rpc) == LIFE
    found = await events(rpc)
    times = [one.event_time.ToDatetime(tzinfo=UTC) for one in found]
    assert began <= times[-1] <= times[0] <= datetime.now(UTC)
    details = {one.action: dict(one.details) for one in found}
    assert details[Event.ACTION_UPDATE_AUDIENCE] == {"fields": "description,name"}
    assert details[Event.ACTION_DISCONNECT_AUDIENCE] == {"mode": "FLUSH"}
    assert details[Event.ACTION_SYNC_NOW].keys() == {"mode", "sync_id"}
    assert {(one.caller, one.client, one.peer_kind) for one in found} == {
        ("", Event.CLIENT_API, Event.PEER_KIND_LOOPBACK)
    }
    assert {one.ad_account_id for one in found} == {"act_1"}
    assert [one.audience_id for one in found] == [SHOPPERS] * 6 + [""]
    assert not any(planted in str(found) for planted in (TOKEN, "planted-name"))


async def test_what_was_so_already_or_is_refused_is_not_recorded(rpc: RpcWorld) -> None:
    await rpc.connect_active_audience()
    pause = pb.PauseAudienceRequest(audience_id=SHOPPERS)
    await rpc.stub.PauseAudience(pause)
    await rpc.stub.PauseAudience(pause)
    await rpc._connect(SHOPPERS)
    await refusal(rpc.stub.SyncNow(pb.SyncNowRequest(audience_id=SHOPPERS)))
    rpc.graph.fail_token(190)
    again = pb.ConnectAdAccountRequest(ad_account_id="act_1", access_token=TOKEN)
    await refusal(rpc.stub.ConnectAdAccount(again))
    assert await actions(rpc) == ["CONNECT_AD_ACCOUNT", "CONNECT_AUDIENCE", "PAUSE_AUDIENCE"]


async def test_a_sync_that_is_joined_is_recorded_once(rpc: RpcWorld) -> None:
    await rpc.connect_active_audience()
    for _ in range(3):
        await rpc.stub.SyncNow(pb.SyncNowRequest(audience_id=SHOPPERS))
    assert (await actions(rpc)).count("SYNC_NOW") == 1


async def test_of_an_import_the_beginning_and_the_end_are_recorded_and_no_update(
    rpc: RpcWorld,
) -> None:
    await rpc.connect_active_audience()
    changes = [an_add("planted-member"), an_add("planted-too")]
    await rpc.stub.UpdateMembership(
        pb.UpdateMembershipRequest(audience_id=SHOPPERS, changes=changes)
    )
    header = pb.ImportHeader(audience_id=SHOPPERS, import_id="planted@mail.example")
    chunks = [
        pb.ImportMembershipRequest(header=header),
        pb.ImportMembershipRequest(chunk=pb.ImportChunk(changes=changes)),
        pb.ImportMembershipRequest(chunk=pb.ImportChunk(offset=2, final=True)),
    ]
    for _ in range(2):  # the second time all is there already
        answers = [one async for one in rpc.stub.ImportMembership(iter(chunks))]
        assert answers[-1].acknowledged_offset == 2
    end, begin = await events(rpc, page_size=2)
    assert (begin.action, end.action) == (Event.ACTION_BEGIN_IMPORT, Event.ACTION_FINISH_IMPORT)
    assert begin.details["mode"] == "DELTA"
    assert begin.details["import"] == end.details["import"]
    assert (end.details["listed_count"], end.details["changed_count"]) == ("2", "0")
    assert len(await actions(rpc)) == 4
    assert "planted" not in str([begin, end])


async def test_events_are_found_by_audience_ad_account_caller_and_time(rpc: RpcWorld) -> None:
    await rpc.connect_audience()
    await rpc.connect_account("act_2")
    assert await actions(rpc, audience_id=SHOPPERS) == ["CONNECT_AUDIENCE"]
    assert await actions(rpc, ad_account_id="act_2") == ["CONNECT_AD_ACCOUNT"]
    assert await actions(rpc, ad_account_id="act_1") == ["CONNECT_AD_ACCOUNT", "CONNECT_AUDIENCE"]
    assert await actions(rpc, audience_id="nobody") == []
    assert await actions(rpc, caller="shop") == []
    assert len(await actions(rpc, caller="")) == 3
    second = (await events(rpc))[1].event_time
    assert await actions(rpc, end_time=second) == ["CONNECT_AD_ACCOUNT"]
    assert await actions(rpc, begin_time=second) == ["CONNECT_AUDIENCE", "CONNECT_AD_ACCOUNT"]


async def test_events_are_found_by_what_was_done(rpc: RpcWorld) -> None:
    await lead_a_life(rpc)
    paused_or_not = [Event.ACTION_RESUME_AUDIENCE, Event.ACTION_PAUSE_AUDIENCE]
    assert await actions(rpc, actions=paused_or_not) == ["PAUSE_AUDIENCE", "RESUME_AUDIENCE"]
    assert await actions(rpc, actions=[Event.ACTION_ERASE_AUDIENCE]) == []
    page = await rpc.stub.ListAuditEvents(
        pb.ListAuditEventsRequest(page_size=1, actions=paused_or_not)
    )
    token = page.next_page_token
    other = pb.ListAuditEventsRequest(page_token=token, actions=paused_or_not[:1])
    assert (await refusal(rpc.stub.ListAuditEvents(other))).reason == "PAGE_TOKEN_INVALID"
    assert await actions(rpc, page_token=token, actions=paused_or_not[::-1]) == ["PAUSE_AUDIENCE"]


@pytest.mark.parametrize("wrong", [0, 999])
async def test_a_kind_that_is_none_is_refused_by_name(rpc: RpcWorld, wrong: int) -> None:
    request = pb.ListAuditEventsRequest(actions=[1, wrong])  # type: ignore[list-item]
    assert (await refusal(rpc.stub.ListAuditEvents(request))).fields == ["actions[1]"]


async def test_pages_follow_each_other_and_a_token_is_good_for_its_own_filter_only(
    rpc: RpcWorld,
) -> None:
    await lead_a_life(rpc)
    whole = await events(rpc)
    paged: list[pb.AuditEvent] = []
    token, tokens = "", []
    while not paged or token:
        request = pb.ListAuditEventsRequest(page_size=2, page_token=token)
        page = await rpc.stub.ListAuditEvents(request)
        paged.extend(page.audit_events)
        token = page.next_page_token
        tokens.append(token)
    assert paged == whole
    assert len(tokens) == 4
    other = pb.ListAuditEventsRequest(page_token=tokens[0], caller="")
    assert (await refusal(rpc.stub.ListAuditEvents(other))).reason == "PAGE_TOKEN_INVALID"


async def test_a_time_that_is_none_is_refused_by_name(rpc: RpcWorld) -> None:
    wrong = pb.ListAuditEventsRequest(begin_time=Timestamp(nanos=-1))
    assert (await refusal(rpc.stub.ListAuditEvents(wrong))).fields == ["begin_time"]


async def test_what_the_command_line_does_is_told_as_such(rpc: RpcWorld) -> None:
    options = [("grpc.primary_user_agent", USER_AGENT)]
    address = f"127.0.0.1:{rpc.server.port}"
    async with grpc.aio.insecure_channel(address, options=options) as channel:
        await AudienceSyncServiceStub(channel).ConnectAdAccount(
            pb.ConnectAdAccountRequest(ad_account_id="act_1", access_token=TOKEN)
        )
    (event,) = await events(rpc)
    assert event.client == Event.CLIENT_COMMAND_LINE


async def test_what_a_newer_replica_has_recorded_is_told_without_its_name(rpc: RpcWorld) -> None:
    await rpc.connect_account()
    async with rpc.api.transaction() as connection:
        await connection.execute("update audit_event set action = 'FLY_TO_THE_MOON'")
    (event,) = await events(rpc)
    assert (event.action, event.ad_account_id) == (Event.ACTION_UNSPECIFIED, "act_1")


async def test_old_events_are_forgotten(rpc: RpcWorld) -> None:
    await rpc.connect_audience()
    times = [one.event_time.ToDatetime(tzinfo=UTC) for one in await events(rpc)]
    async with rpc.api.transaction() as connection:
        assert await prune_events(connection, times[0] - timedelta(days=1), limit=9) == 0
        assert await prune_events(connection, times[0], limit=9) == 1
    assert await actions(rpc) == ["CONNECT_AUDIENCE"]


def test_the_command_line_calls_itself_what_the_service_knows_it_by() -> None:
    assert USER_AGENT == COMMAND_LINE_AGENT
    assert client_of(f"{USER_AGENT} grpc-python/1.85.1") is AuditClient.COMMAND_LINE
    assert client_of("audience-sync-clients grpc-python") is AuditClient.API
    assert client_of("") is AuditClient.API


def test_the_contract_has_a_name_for_each_action_client_and_way() -> None:
    for enum, prefix, ours in (
        (Event.Action, "ACTION", AuditAction),
        (Event.Client, "CLIENT", AuditClient),
        (Event.PeerKind, "PEER_KIND", PeerKind),
    ):
        assert enum.keys() == [f"{prefix}_{one}" for one in ("UNSPECIFIED", *ours)]


@pytest.mark.parametrize(
    ("peer", "kind"),
    [
        ("ipv4:127.0.0.1:5000", PeerKind.LOOPBACK),
        ("ipv6:%5B::1%5D:5000", PeerKind.LOOPBACK),
        ("ipv6:[::1]:5000", PeerKind.LOOPBACK),
        ("ipv4:10.0.0.1:5000", PeerKind.NETWORK),
        ("ipv6:%5B2001:db8::1%5D:5000", PeerKind.NETWORK),
        ("unix:/run/audience-sync", PeerKind.UNIX_SOCKET),
        ("", PeerKind.NONE),
    ],
)
def test_a_peer_is_told_by_the_way_it_came(peer: str, kind: PeerKind) -> None:
    assert peer_kind_of(peer) is kind


async def test_old_events_go_in_slices_the_oldest_first(rpc: RpcWorld) -> None:
    await rpc.connect_audience()
    newest = (await events(rpc))[0].event_time.ToDatetime(tzinfo=UTC)
    async with rpc.api.transaction() as connection:
        later = newest + timedelta(days=1)
        assert await prune_events(connection, later, limit=1) == 1
    assert await actions(rpc) == ["CONNECT_AUDIENCE"]
