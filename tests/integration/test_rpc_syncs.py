"""Asking for syncs, looking at them, watching them."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import grpc
import pytest
from audiencesync.v1 import audience_sync_pb2 as pb

from service.store import leases, syncs
from service.store.history_rows import Sync
from service.store.rows import Work
from service.store.syncs import encode_sync_id
from tests.integration.rpc_refusals import refusal
from tests.integration.rpc_world import RpcWorld, claim, running_rpc
from tests.unit.rpc.builders import an_add, an_update

NOW = pb.SyncNowRequest(audience_id="shoppers")


@pytest.fixture
async def rpc(database_url: str) -> AsyncIterator[RpcWorld]:
    async with running_rpc(database_url) as world:
        yield world


async def move(watch: Any) -> pb.Sync:
    """The next message of a watch."""
    read: pb.WatchSyncResponse = await watch.read()
    return read.sync


async def start(rpc: RpcWorld) -> tuple[Work, Sync]:
    """Do what the worker does when it begins a sync."""
    async with rpc.api.transaction() as connection:
        work = await claim(connection)
        sync = await syncs.start_sync(
            connection,
            work.audience_no,
            work.lease_token,
            mode="CHANGES",
            trigger="SCHEDULE",
            target_revision=work.revision,
        )
    assert sync is not None
    return work, sync


async def progress(rpc: RpcWorld, work: Work, sync: Sync, added: int) -> None:
    async with rpc.api.transaction() as connection:
        assert await syncs.progress_sync(
            connection,
            work.audience_no,
            work.lease_token,
            sync_no=sync.sync_no,
            open_rows_to_add=10,
            open_rows_to_remove=0,
            open_rows_added=added,
            open_rows_removed=0,
            calls_delta=1,
        )


async def settle_and_end(rpc: RpcWorld, work: Work, sync: Sync) -> None:
    async with rpc.api.transaction() as connection:
        assert await syncs.settle_sync_window(
            connection,
            work.audience_no,
            work.lease_token,
            sync_no=sync.sync_no,
            rows_to_add=10,
            rows_to_remove=0,
            rows_added=10,
            rows_removed=0,
            rows_invalid=0,
            rows_carried_over=0,
            calls_delta=0,
        )
        assert await syncs.end_sync(
            connection,
            work.audience_no,
            work.lease_token,
            sync_no=sync.sync_no,
            state="SUCCEEDED",
            error=None,
            rows_to_add=0,
            rows_to_remove=0,
            rows_added=0,
            rows_removed=0,
            rows_invalid=0,
            rows_unknown=0,
            calls_delta=0,
        )


async def test_a_sync_is_asked_for_and_later_calls_join_it(rpc: RpcWorld) -> None:
    await rpc.connect_active_audience()
    first = (await rpc.stub.SyncNow(NOW)).sync
    assert (first.state, first.mode) == (pb.Sync.STATE_PENDING, pb.Sync.MODE_CHANGES)
    assert (first.trigger, first.audience_id) == (pb.Sync.TRIGGER_REQUEST, "shoppers")
    assert (await rpc.stub.SyncNow(NOW)).sync == first
    refresh = pb.SyncNowRequest(audience_id="shoppers", mode=pb.Sync.MODE_REFRESH)
    other = (await rpc.stub.SyncNow(refresh)).sync
    assert (other.mode, other.sync_id != first.sync_id) == (pb.Sync.MODE_REFRESH, True)


async def test_a_running_sync_is_joined_only_while_it_covers_everything(rpc: RpcWorld) -> None:
    await rpc.connect_active_audience()
    await rpc.stub.UpdateMembership(an_update(an_add("m1", emails=["a@example.com"])))
    _, running = await start(rpc)
    joined = (await rpc.stub.SyncNow(NOW)).sync
    assert joined.sync_id == encode_sync_id(running.audience_no, running.sync_no)
    await rpc.stub.UpdateMembership(an_update(an_add("m2", emails=["b@example.com"])))
    assert (await rpc.stub.SyncNow(NOW)).sync.state == pb.Sync.STATE_PENDING


async def test_a_repeated_request_id_gets_the_first_answer(rpc: RpcWorld) -> None:
    await rpc.connect_active_audience()
    request = pb.SyncNowRequest(audience_id="shoppers", request_id="r1")
    answers = await asyncio.gather(*(rpc.stub.SyncNow(request) for _ in range(5)))
    assert all(one == answers[0] for one in answers)
    work, sync = await start(rpc)
    await settle_and_end(rpc, work, sync)
    await rpc.stub.PauseAudience(pb.PauseAudienceRequest(audience_id="shoppers"))
    assert await rpc.stub.SyncNow(request) == answers[0]
    request.mode = pb.Sync.MODE_REFRESH
    assert (await refusal(rpc.stub.SyncNow(request))).reason == "REQUEST_ID_REUSED"


async def test_an_audience_that_is_not_active_is_not_synced(rpc: RpcWorld) -> None:
    await rpc.connect_audience()
    told = await refusal(rpc.stub.SyncNow(NOW))
    assert (told.code, told.reason) == (
        grpc.StatusCode.FAILED_PRECONDITION,
        "AUDIENCE_NOT_ACTIVE",
    )
    assert told.metadata == {
        "audience_id": "shoppers",
        "state": "CONNECTING",
        "blocked_reason": "",
    }
    listed = await rpc.stub.ListSyncs(pb.ListSyncsRequest(audience_id="shoppers"))
    assert list(listed.syncs) == []


async def test_a_blocked_audience_tells_why_it_is_not_synced(rpc: RpcWorld) -> None:
    await rpc.connect_active_audience()
    async with rpc.api.transaction() as connection:
        work = await claim(connection)
        await leases.block(
            connection,
            work.audience_no,
            work.lease_token,
            reason="TOKEN_INVALID",
            message="A new token is needed.",
            probe_at=None,
        )
    told = await refusal(rpc.stub.SyncNow(NOW))
    assert told.reason == "AUDIENCE_NOT_ACTIVE"
    assert (told.metadata["state"], told.metadata["blocked_reason"]) == ("BLOCKED", "TOKEN_INVALID")


@pytest.mark.parametrize("sync_id", ["aaaa", "zz", encode_sync_id(1, 99), encode_sync_id(9, 1)])
async def test_an_unknown_sync_is_not_found(rpc: RpcWorld, sync_id: str) -> None:
    await rpc.connect_active_audience()
    watch = rpc.stub.WatchSync(pb.WatchSyncRequest(sync_id=sync_id))
    for call in (rpc.stub.GetSync(pb.GetSyncRequest(sync_id=sync_id)), watch.read()):
        told = await refusal(call)
        assert (told.code, told.reason) == (grpc.StatusCode.NOT_FOUND, "SYNC_NOT_FOUND")
        assert told.metadata == {"sync_id": sync_id}


async def test_syncs_are_listed_newest_first_page_by_page(rpc: RpcWorld) -> None:
    await rpc.connect_active_audience()
    ids = []
    for _ in range(3):
        ids.append((await rpc.stub.SyncNow(NOW)).sync.sync_id)
        work, sync = await start(rpc)
        await settle_and_end(rpc, work, sync)
        async with rpc.api.transaction() as connection:
            await leases.release(connection, work.audience_no, work.lease_token, due_at=None)
    request = pb.ListSyncsRequest(audience_id="shoppers", page_size=2)
    first = await rpc.stub.ListSyncs(request)
    request.page_token = first.next_page_token
    rest = await rpc.stub.ListSyncs(request)
    listed = [[one.sync_id for one in page.syncs] for page in (first, rest)]
    assert listed == [ids[:0:-1], ids[:1]]
    assert rest.next_page_token == ""
    request.page_token = first.next_page_token[:-1]
    told = await refusal(rpc.stub.ListSyncs(request))
    assert (told.code, told.reason) == (grpc.StatusCode.INVALID_ARGUMENT, "PAGE_TOKEN_INVALID")


async def test_a_watch_tells_every_move_until_the_sync_has_ended(rpc: RpcWorld) -> None:
    await rpc.connect_active_audience()
    asked = (await rpc.stub.SyncNow(NOW)).sync
    watch = rpc.stub.WatchSync(pb.WatchSyncRequest(sync_id=asked.sync_id))
    assert (await move(watch)) == asked
    work, sync = await start(rpc)
    assert (await move(watch)).state == pb.Sync.STATE_RUNNING
    await progress(rpc, work, sync, added=4)
    moved = await move(watch)
    assert (moved.rows_to_add, moved.rows_added, moved.calls) == (10, 4, 1)
    await settle_and_end(rpc, work, sync)
    ended = await move(watch)
    assert (ended.state, ended.rows_added) == (pb.Sync.STATE_SUCCEEDED, 10)
    assert ended.HasField("end_time")
    assert await watch.read() == grpc.aio.EOF
    assert (await rpc.stub.GetSync(pb.GetSyncRequest(sync_id=asked.sync_id))).sync == ended


async def test_a_watch_of_an_ended_sync_tells_it_once(rpc: RpcWorld) -> None:
    await rpc.connect_active_audience()
    asked = (await rpc.stub.SyncNow(NOW)).sync
    await settle_and_end(rpc, *await start(rpc))
    watch = rpc.stub.WatchSync(pb.WatchSyncRequest(sync_id=asked.sync_id))
    states = [one.sync.state async for one in watch]
    assert states == [pb.Sync.STATE_SUCCEEDED]


async def test_a_watch_draws_many_moves_together(rpc: RpcWorld) -> None:
    await rpc.connect_active_audience()
    asked = (await rpc.stub.SyncNow(NOW)).sync
    work, sync = await start(rpc)
    moves = aiter(rpc.stub.WatchSync(pb.WatchSyncRequest(sync_id=asked.sync_id)))
    await anext(moves)
    for added in range(10):
        await progress(rpc, work, sync, added)
    await settle_and_end(rpc, work, sync)
    told = [one.sync async for one in moves]
    assert told[-1].state == pb.Sync.STATE_SUCCEEDED
    assert len(told) < 10


async def test_a_watch_that_the_caller_leaves_ends(rpc: RpcWorld) -> None:
    await rpc.connect_active_audience()
    asked = (await rpc.stub.SyncNow(NOW)).sync
    watch = rpc.stub.WatchSync(pb.WatchSyncRequest(sync_id=asked.sync_id))
    await watch.read()
    watch.cancel()
    async with asyncio.timeout(5):
        await rpc.server.stop(60)
