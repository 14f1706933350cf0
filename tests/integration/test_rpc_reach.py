"""Callers with tokens for some audiences or ad accounts: all others are kept from them."""

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, NamedTuple

import grpc
import grpc.aio
import pytest
from audiencesync.v1 import audience_sync_pb2 as pb
from audiencesync.v1.audience_sync_pb2_grpc import AudienceSyncServiceStub

from service.rpc.access.door import Entrance
from service.rpc.access.known_callers import KnownCallers
from service.rpc.server import RpcServer
from tests.integration.entrance_world import bearer
from tests.integration.import_calls import chunk, header, member
from tests.integration.rpc_refusals import read_refusal, refusal
from tests.integration.rpc_world import RpcWorld, running_rpc
from tests.unit.rpc.access.builders import a_line, replaced
from tests.unit.rpc.builders import a_connect, an_add

METHODS = pb.DESCRIPTOR.services_by_name["AudienceSyncService"].methods
LISTS = {"ListAudiences", "ListAdAccounts", "ListAuditEvents"}
LIMITED = ("ast_audiences", "ast_accounts")

pytestmark = pytest.mark.timeout(50)


class Guarded(NamedTuple):
    """Two audiences of two ad accounts, and the server that tells callers apart."""

    rpc: RpcWorld
    stub: Any
    syncs: dict[str, str]


@pytest.fixture
async def guarded(database_url: str, tmp_path: Path) -> AsyncIterator[Guarded]:
    lines = (
        a_line("boss", "ast_boss"),
        a_line("audiences", "ast_audiences", audiences=("crm-*",)),
        a_line("accounts", "ast_accounts", ad_accounts=("act_1",)),
    )
    async with running_rpc(database_url, connect_wait_s=0.05) as rpc:
        syncs = {}
        for audience_id, account in (("crm-1", "act_1"), ("shop", "act_2")):
            await rpc.connect_account(account)
            wish = a_connect(audience_id=audience_id, ad_account_id=account)
            await rpc.stub.ConnectAudience(wish)
            await rpc.create_on_facebook()
            sync = await rpc.stub.SyncNow(pb.SyncNowRequest(audience_id=audience_id))
            syncs[audience_id] = sync.sync.sync_id
        async with second_server(rpc, tmp_path, *lines) as stub:
            yield Guarded(rpc, stub, syncs)


@asynccontextmanager
async def second_server(rpc: RpcWorld, folder: Path, *lines: str) -> AsyncIterator[Any]:
    path = replaced(folder / "tokens.toml", "\n".join(lines))
    server = RpcServer(
        rpc.api,
        address="127.0.0.1:0",
        new_error_id=lambda: "error",
        entrance=Entrance(callers=KnownCallers(path, rpc.api.clock.monotonic)),
    )
    await server.start()
    async with grpc.aio.insecure_channel(f"127.0.0.1:{server.port}") as channel:
        yield AudienceSyncServiceStub(channel)
    await server.stop(0)


def requests_about(audience_id: str, account: str, sync_id: str) -> Iterator[tuple[str, Any]]:
    """A request of every method that means an audience or its ad account."""
    values: dict[str, object] = {
        "audience_id": audience_id,
        "ad_account_id": account,
        "sync_id": sync_id,
        "access_token": "EAABtoken",
        "name": "Shoppers",
        "changes": [an_add("m1", emails=["a@mail.example"])],
    }
    for method in METHODS:
        kind = getattr(pb, method.input_type.name)
        names = {field.name for field in kind.DESCRIPTOR.fields}
        if method.name == "ListRejectedRows":
            names -= {"sync_id"}
        fields = {name: value for name, value in values.items() if name in names}
        request = kind(**fields)
        if method.client_streaming:
            request = header(audience_id=audience_id)
        if method.name == "UpdateAudience":
            request.update_mask.paths.append("name")
        yield method.name, request


async def outcome(stub: Any, name: str, request: Any, token: str) -> tuple[str, str]:
    """The code and reason that a call ends with, or what its first answer is."""
    method = next(one for one in METHODS if one.name == name)
    sent = iter([request]) if method.client_streaming else request
    call = getattr(stub, name)(sent, metadata=bearer(token), timeout=20)
    try:
        await (call.read() if method.server_streaming else call)
    except grpc.aio.AioRpcError as error:
        return error.code().name, read_refusal(error).reason
    finally:
        call.cancel()
    return "OK", ""


async def test_what_is_not_for_a_caller_is_refused_by_every_method(guarded: Guarded) -> None:
    about = list(requests_about("shop", "act_2", guarded.syncs["shop"]))
    for token in LIMITED:
        for name, request in about:
            named = {field.name for field in request.DESCRIPTOR.fields}
            is_about_account = not named & {"audience_id", "sync_id", "header"}
            if name in LISTS or (token == "ast_audiences" and is_about_account):
                continue
            ended = await outcome(guarded.stub, name, request, token)
            assert ended == ("PERMISSION_DENIED", "CALLER_NOT_ALLOWED"), (name, token)
    kept = await guarded.rpc.audience("shop")
    assert (kept.state, kept.member_count) == (pb.Audience.STATE_ACTIVE, 0)


@pytest.mark.parametrize("token", LIMITED)
async def test_what_is_for_a_caller_is_open_by_every_method(guarded: Guarded, token: str) -> None:
    for name, request in requests_about("crm-1", "act_1", guarded.syncs["crm-1"]):
        code, reason = await outcome(guarded.stub, name, request, token)
        assert reason in {"", "AUDIENCE_ALREADY_CONNECTED", "AUDIENCE_DISCONNECTED"}, (name, code)


@pytest.mark.parametrize(
    ("token", "audiences", "accounts"),
    [
        ("ast_boss", ["crm-1", "shop"], ["act_1", "act_2"]),
        ("ast_audiences", ["crm-1"], ["act_1", "act_2"]),
        ("ast_accounts", ["crm-1"], ["act_1"]),
    ],
)
async def test_lists_leave_out_what_is_not_for_a_caller(
    guarded: Guarded, token: str, audiences: list[str], accounts: list[str]
) -> None:
    mine = bearer(token)
    listed = await guarded.stub.ListAudiences(pb.ListAudiencesRequest(), metadata=mine)
    assert [one.audience_id for one in listed.audiences] == audiences
    listed = await guarded.stub.ListAdAccounts(pb.ListAdAccountsRequest(), metadata=mine)
    assert [one.ad_account_id for one in listed.ad_accounts] == accounts


async def test_what_is_done_is_recorded_with_the_callers_name_and_told_to_whom_it_is_for(
    guarded: Guarded,
) -> None:
    pause = pb.PauseAudienceRequest(audience_id="shop")
    await guarded.stub.PauseAudience(pause, metadata=bearer("ast_boss"))
    everything = pb.ListAuditEventsRequest()
    listed = await guarded.stub.ListAuditEvents(everything, metadata=bearer("ast_boss"))
    newest, *before = listed.audit_events
    assert (newest.caller, newest.audience_id) == ("boss", "shop")
    assert {one.caller for one in before} == {""}, "the other server asks for no token"
    for token, account_ids in (
        ("ast_audiences", {"act_1", "act_2"}),
        ("ast_accounts", {"act_1"}),
    ):
        answer = await guarded.stub.ListAuditEvents(everything, metadata=bearer(token))
        assert {one.audience_id for one in answer.audit_events} == {"", "crm-1"}
        assert {one.ad_account_id for one in answer.audit_events} == account_ids


@pytest.mark.parametrize(
    ("token", "audiences", "accounts"),
    [
        ("ast_boss", {"crm-1", "shop"}, {"act_1", "act_2"}),
        ("ast_audiences", {"crm-1"}, {"act_1", "act_2"}),
        ("ast_accounts", {"crm-1"}, {"act_1"}),
    ],
)
async def test_a_diagnosis_leaves_out_what_is_not_for_a_caller(
    guarded: Guarded, token: str, audiences: set[str], accounts: set[str]
) -> None:
    """All audiences are empty, no token opens, and the tests' Postgres may lose commits."""
    async with guarded.rpc.api.connection() as connection:
        await connection.execute("update ad_account set sealed_access_token = ''")
    told = await guarded.stub.Diagnose(pb.DiagnoseRequest(), metadata=bearer(token))
    of_audiences = {one.audience_id for one in told.findings if one.audience_id}
    rest = [one for one in told.findings if not one.audience_id]
    of_accounts = {one.ad_account_id for one in rest if one.ad_account_id}
    assert (of_audiences, of_accounts) == (audiences, accounts)
    assert any(not one.ad_account_id for one in rest) == (token == "ast_boss")


async def test_pages_lead_on_past_what_is_left_out(guarded: Guarded) -> None:
    mine = bearer("ast_accounts")
    seen, token = [], ""
    while True:
        page = pb.ListAudiencesRequest(page_size=1, page_token=token)
        answer = await guarded.stub.ListAudiences(page, metadata=mine)
        seen += [one.audience_id for one in answer.audiences]
        token = answer.next_page_token
        if not token:
            break
    assert seen == ["crm-1"]


async def test_the_ad_account_of_somebody_elses_audience_is_not_told(guarded: Guarded) -> None:
    request = pb.GetAudienceRequest(audience_id="shop")
    told = await refusal(guarded.stub.GetAudience(request, metadata=bearer("ast_accounts")))
    assert told.metadata == {"audience_id": "shop"}
    assert "act_2" not in told.whole


async def test_a_stream_ends_with_its_token(guarded: Guarded, tmp_path: Path) -> None:
    mine = bearer("ast_boss")
    watched = pb.WatchSyncRequest(sync_id=guarded.syncs["shop"])
    watch = guarded.stub.WatchSync(watched, metadata=mine)
    taking = guarded.stub.ImportMembership(metadata=mine)
    await watch.read()
    await taking.write(header(audience_id="shop"))
    await taking.read()
    replaced(tmp_path / "tokens.toml", a_line("other", "ast_other"))
    assert (await refusal(watch.read())).reason == "CALLER_UNKNOWN"  # it has looked at the file
    await taking.write(chunk(0, member(1), final=True))
    assert (await refusal(taking.read())).reason == "CALLER_UNKNOWN"
    assert (await guarded.rpc.audience("shop")).member_count == 0
