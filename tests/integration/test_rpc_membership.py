"""Changes of membership: atomic, repeatable, counted, and never refused for a bad identifier."""

import asyncio
import gc
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import grpc
import pytest
from audiencesync.v1 import audience_sync_pb2 as pb
from audiencesync.v1.audience_sync_pb2_grpc import AudienceSyncServiceStub
from google.protobuf.field_mask_pb2 import FieldMask
from google.protobuf.timestamp_pb2 import Timestamp

from service.rpc.find_audience import existing_audience
from service.store import membership as store
from service.store.connection import Connection
from service.store.rows import Audience, MemberRow
from tests.integration.rpc_refusals import refusal
from tests.integration.rpc_world import RpcWorld, running_rpc
from tests.unit.rpc.builders import a_remove, an_add, an_update

INVALID = grpc.StatusCode.INVALID_ARGUMENT


@pytest.fixture
async def rpc(database_url: str) -> AsyncIterator[RpcWorld]:
    async with running_rpc(database_url) as world:
        yield world


@asynccontextmanager
async def longest_gap() -> AsyncIterator[list[float]]:
    """Seconds of our own work between two turns of the loop at most, while the block runs.

    Counted on the thread's processor time: other programs on the machine do not hold our loop.
    """
    longest = [0.0]
    is_over = asyncio.Event()

    async def beat() -> None:
        last = time.thread_time()
        while not is_over.is_set():
            await asyncio.sleep(0.001)
            longest[0] = max(longest[0], time.thread_time() - last)
            last = time.thread_time()

    beating = asyncio.create_task(beat())
    try:
        yield longest
    finally:
        is_over.set()
        await beating


async def stored_rows(rpc: RpcWorld) -> list[MemberRow]:
    async with rpc.api.connection() as connection:
        return await store.read_member_page(
            connection, 1, after_key=None, after_row_no=None, limit=100
        )


async def test_changes_are_counted_and_reach_the_audience(rpc: RpcWorld) -> None:
    await rpc.connect_active_audience()
    answer = await rpc.stub.UpdateMembership(
        an_update(
            an_add("m1", emails=["ann@example.com"]),
            an_add("m2", emails=["bob@example.com", "not an address"], gender="?"),
            an_add("m3", phones=["12"], traits={"shoe_size": "42"}),
            a_remove("m4"),
            an_add("m5", emails=["eve@example.com"]),
            a_remove("m5"),
        )
    )
    assert (answer.changed_count, answer.unchanged_count) == (3, 3)
    assert (answer.unmatchable_count, answer.unknown_trait_count) == (1, 1)
    assert sum(one.count for one in answer.dropped_identifiers) == 3
    dropped = {(one.key, one.reason): one.count for one in answer.dropped_identifiers}
    assert dropped[pb.KEY_EMAIL, pb.DROP_REASON_NOT_AN_EMAIL] == 1
    assert dropped[pb.KEY_GEN, pb.DROP_REASON_UNKNOWN_VALUE] == 1
    audience = await rpc.audience()
    assert (audience.member_count, audience.unmatchable_count) == (3, 1)
    assert (audience.revision, audience.pending_change_count) == (answer.revision, 2)
    assert len(await stored_rows(rpc)) == 2


async def test_the_last_change_of_a_member_wins(rpc: RpcWorld) -> None:
    await rpc.connect_active_audience()
    answer = await rpc.stub.UpdateMembership(
        an_update(a_remove("m1"), an_add("m1", emails=["a@example.com"]))
    )
    assert (answer.changed_count, answer.unchanged_count) == (1, 1)
    assert (await rpc.audience()).member_count == 1


async def test_changes_that_are_already_so_change_nothing(rpc: RpcWorld) -> None:
    await rpc.connect_active_audience()
    update = an_update(an_add("m1", emails=["a@example.com"]), a_remove("m2"))
    first = await rpc.stub.UpdateMembership(update)
    second = await rpc.stub.UpdateMembership(update)
    assert (second.changed_count, second.unchanged_count) == (0, 2)
    assert second.revision == first.revision


async def test_a_late_change_changes_nothing_and_one_from_the_future_is_read_as_now(
    rpc: RpcWorld,
) -> None:
    await rpc.connect_active_audience()
    future = an_add("m1", emails=["a@example.com"])
    future.occurred_at.FromJsonString("2999-01-01T00:00:00Z")
    late = a_remove("m1")
    late.occurred_at.FromJsonString("2020-01-01T00:00:00Z")
    assert (await rpc.stub.UpdateMembership(an_update(future))).changed_count == 1
    assert (await rpc.stub.UpdateMembership(an_update(late))).changed_count == 0
    assert (await rpc.stub.UpdateMembership(an_update(a_remove("m1")))).changed_count == 1


async def test_changes_are_taken_while_connecting_and_while_paused(rpc: RpcWorld) -> None:
    await rpc.connect_audience()
    update = an_update(an_add("m1", emails=["a@example.com"]))
    assert (await rpc.stub.UpdateMembership(update)).changed_count == 1
    await rpc.stub.PauseAudience(pb.PauseAudienceRequest(audience_id="shoppers"))
    update = an_update(an_add("m2", emails=["b@example.com"]))
    assert (await rpc.stub.UpdateMembership(update)).changed_count == 1


def timed(seconds: int, nanos: int = 0) -> pb.Change:
    change = an_add("m2", emails=["b@example.com"])
    change.occurred_at.CopyFrom(Timestamp(seconds=seconds, nanos=nanos))
    return change


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ([], "changes"),
        ([an_add(f"m{n}") for n in range(10_001)], "changes"),
        ([an_add(), pb.Change(operation=pb.Change.OPERATION_ADD)], "changes[1].member"),
        ([an_add(), an_add("")], "changes[1].member.member_id"),
        ([an_add(), an_add("m" * 513)], "changes[1].member.member_id"),
        ([an_add(), pb.Change(member=pb.Member(member_id="m"))], "changes[1].operation"),
        (
            [
                an_add(),
                pb.Change(operation=9, member=pb.Member(member_id="m")),  # type: ignore[arg-type]
            ],
            "changes[1].operation",
        ),
        ([an_add(), timed(10**15)], "changes[1].occurred_at"),
        ([an_add(), timed(0, -1)], "changes[1].occurred_at"),
    ],
)
async def test_a_malformed_request_fails_whole(
    rpc: RpcWorld, changes: list[pb.Change], field: str
) -> None:
    before = await rpc.connect_audience()
    told = await refusal(rpc.stub.UpdateMembership(an_update(*changes)))
    assert (told.code, told.reason, told.fields) == (INVALID, "INVALID_FIELD", [field])
    assert await rpc.audience() == before
    assert await stored_rows(rpc) == []


async def test_an_identifier_that_is_too_long_is_dropped_and_fails_nothing(rpc: RpcWorld) -> None:
    await rpc.connect_active_audience()
    long = "x" * 600 + "@example.com"
    answer = await rpc.stub.UpdateMembership(an_update(an_add("m1", emails=[long, "a@b.example"])))
    (dropped,) = answer.dropped_identifiers
    assert (dropped.key, dropped.reason, dropped.count) == (
        pb.KEY_EMAIL,
        pb.DROP_REASON_TOO_LONG,
        1,
    )
    assert len(await stored_rows(rpc)) == 1


async def test_a_repeated_request_id_gets_the_first_answer_and_changes_nothing(
    rpc: RpcWorld,
) -> None:
    await rpc.connect_active_audience()
    update = an_update(an_add("m1", emails=["a@example.com"], traits={"a": "1", "b": "2"}))
    update.request_id = "r1"
    first = await rpc.stub.UpdateMembership(update)
    await rpc.stub.UpdateMembership(an_update(a_remove("m1")))
    assert await rpc.stub.UpdateMembership(update) == first
    assert (await rpc.audience()).member_count == 0


async def test_a_request_id_of_another_request_is_refused(rpc: RpcWorld) -> None:
    await rpc.connect_active_audience()
    await rpc.stub.UpdateMembership(an_update(an_add("m1"), request_id="r1"))
    before = await rpc.audience()
    told = await refusal(rpc.stub.UpdateMembership(an_update(an_add("m2"), request_id="r1")))
    assert (told.code, told.reason) == (grpc.StatusCode.ALREADY_EXISTS, "REQUEST_ID_REUSED")
    assert told.metadata == {"request_id": "r1"}
    assert await rpc.audience() == before


async def test_request_ids_are_apart_by_method_and_audience(rpc: RpcWorld) -> None:
    await rpc.connect_active_audience()
    await rpc.connect_active_audience("others")
    await rpc.stub.UpdateMembership(an_update(an_add("m1"), request_id="r1"))
    await rpc.stub.SyncNow(pb.SyncNowRequest(audience_id="shoppers", request_id="r1"))
    other = an_update(an_add("m2"), request_id="r1")
    other.audience_id = "others"
    assert (await rpc.stub.UpdateMembership(other)).changed_count == 1


async def test_concurrent_repeats_change_once_and_get_one_answer(rpc: RpcWorld) -> None:
    await rpc.connect_active_audience()
    update = an_update(an_add("m1", emails=["a@example.com"]), request_id="r1")
    answers = await asyncio.gather(*(rpc.stub.UpdateMembership(update) for _ in range(8)))
    assert all(one == answers[0] for one in answers)
    assert answers[0].changed_count == 1
    assert (await rpc.audience()).revision == answers[0].revision


async def test_the_region_that_holds_under_the_lock_decides(
    rpc: RpcWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    await rpc.connect_active_audience()

    async def then_moved(connection: Connection, audience_id: str) -> Audience:
        """The region changes between the look and the lock."""
        found = await existing_audience(connection, audience_id)
        request = pb.UpdateAudienceRequest(
            audience_id=audience_id,
            default_region="DE",
            update_mask=FieldMask(paths=["default_region"]),
        )
        await rpc.stub.UpdateAudience(request)
        return found

    monkeypatch.setattr("service.rpc.membership.existing_audience", then_moved)
    await rpc.stub.UpdateMembership(an_update(an_add("m1", phones=["030 1234567"])))
    monkeypatch.undo()
    (moved,) = await stored_rows(rpc)
    await rpc.stub.UpdateMembership(an_update(an_add("m1", phones=["+49 30 1234567"])))
    assert [moved] == await stored_rows(rpc)


async def test_ten_thousand_changes_never_hold_the_loop(rpc: RpcWorld) -> None:
    await rpc.connect_active_audience()
    changes = [
        an_add(f"m{n}", emails=[f"user{n}@example.com"], phones=[f"+4930{n:07d}"], city="Berlin")
        for n in range(10_000)
    ]
    request = an_update(*changes, request_id="r1")
    with grpc.insecure_channel(f"127.0.0.1:{rpc.server.port}") as channel:
        caller = AudienceSyncServiceStub(channel)
        gc.freeze()  # as a service does once it serves; the caller's own objects are no part of it
        async with longest_gap() as gap:
            answer = await asyncio.to_thread(caller.UpdateMembership, request, timeout=60)
        gc.unfreeze()
    assert answer.changed_count == 10_000
    assert gap[0] < 0.1, "30 ms on quiet cores; shared ones count up to twice the processor time"
