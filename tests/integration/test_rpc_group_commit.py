"""Updates that wait for one audience at the same time are committed together, each on its own terms.

The audience's lock is held while callers line up, so who waits for whom is no matter of chance.
"""

import asyncio
from collections.abc import AsyncIterator
from typing import Final

import grpc
import grpc.aio
import pytest
from audiencesync.v1 import audience_sync_pb2 as pb

from service.store import audiences
from service.store.connection import Connection
from tests.integration.line_of_callers import WAIT_S, Line, Update, running_line
from tests.integration.rpc_refusals import Refusal, read_refusal
from tests.integration.store_builders import connected
from tests.unit.rpc.builders import a_remove, an_add, an_update

pytestmark = pytest.mark.timeout(30)

CALLERS: Final = 100


@pytest.fixture
async def line(database_url: str, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Line]:
    async with running_line(database_url, monkeypatch) as line:
        yield line


def an_entry(number: int, request_id: str = "") -> pb.UpdateMembershipRequest:
    added = an_add(f"m{number}", emails=[f"m{number}@example.com"])
    return an_update(added, request_id=request_id)


async def refused(call: Update) -> Refusal:
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await call
    return read_refusal(caught.value)


async def test_many_callers_are_committed_together_and_each_is_counted(line: Line) -> None:
    async with line.held_lock():
        calls = await line.begin_behind(*(an_entry(n) for n in range(1, CALLERS)))
    answers = await asyncio.gather(*calls)
    assert [one.changed_count for one in answers] == [1] * CALLERS
    assert [one.unchanged_count for one in answers] == [0] * CALLERS
    assert await line.members() == CALLERS
    assert await line.transactions() == 2
    audience = await line.rpc.audience()
    assert (audience.member_count, audience.pending_change_count) == (CALLERS, CALLERS)
    assert audience.revision == max(one.revision for one in answers) == 2


async def test_callers_who_never_wait_for_each_other_lose_nothing_either(line: Line) -> None:
    async def one_after_the_other(caller: int) -> int:
        numbers = range(caller, 4 * CALLERS, 20)
        answers = [await line.rpc.stub.UpdateMembership(an_entry(n)) for n in numbers]
        return sum(one.changed_count for one in answers)

    changed = await asyncio.gather(*(one_after_the_other(caller) for caller in range(20)))
    assert sum(changed) == await line.members() == 4 * CALLERS
    assert await line.transactions() < 2 * CALLERS


async def test_each_call_is_told_what_became_of_its_own_changes(line: Line) -> None:
    await line.rpc.stub.UpdateMembership(an_entry(1))
    async with line.held_lock():
        calls = await line.begin_behind(
            an_entry(1),
            an_update(an_add("m2", emails=["m2@example.com"]), a_remove("m3")),
            an_update(an_add("m4", emails=["no address"], traits={"shoe_size": "42"})),
            an_update(a_remove("m5"), an_add("m5", emails=["m5@example.com"])),
        )
    answers = (await asyncio.gather(*calls))[1:]
    assert [one.changed_count for one in answers] == [0, 1, 1, 1]
    assert [one.unchanged_count for one in answers] == [1, 1, 0, 1]
    assert [one.unmatchable_count for one in answers] == [0, 0, 1, 0]
    assert [one.unknown_trait_count for one in answers] == [0, 0, 1, 0]
    assert [len(one.dropped_identifiers) for one in answers] == [0, 0, 1, 0]
    assert {one.revision for one in answers} == {(await line.rpc.audience()).revision}


async def test_a_call_that_the_database_refuses_fails_alone(line: Line) -> None:
    async with connected(line.database_url) as connection:
        await connection.execute("alter table request add check (request_id <> 'bad')")
    async with line.held_lock():
        calls = await line.begin_behind(an_entry(1, "r1"), an_entry(2, "bad"), an_entry(3, "r3"))
    told = await refused(calls.pop(2))
    assert (told.code, told.reason) == (grpc.StatusCode.INTERNAL, "INTERNAL")
    assert [one.changed_count for one in await asyncio.gather(*calls)] == [1, 1, 1]
    assert await line.members() == 3


async def test_a_request_id_of_another_request_is_refused_alone(line: Line) -> None:
    await line.rpc.stub.UpdateMembership(an_entry(1, "r1"))
    async with line.held_lock():
        calls = await line.begin_behind(an_entry(2, "r1"), an_entry(3, "r3"), an_entry(1, "r1"))
    told = await refused(calls[1])
    assert (told.code, told.reason) == (grpc.StatusCode.ALREADY_EXISTS, "REQUEST_ID_REUSED")
    assert (await calls[2]).changed_count == 1
    assert await line.members() == 3


async def test_changes_of_one_member_are_merged_in_the_order_of_their_arrival(line: Line) -> None:
    async with line.held_lock():
        calls = await line.begin_behind(
            an_update(an_add("m1", emails=["old@example.com"])),
            an_update(an_add("m1", emails=["new@example.com"])),
            an_entry(2),
            an_update(a_remove("m1"), a_remove("m2")),
        )
    answers = await asyncio.gather(*calls)
    assert [one.changed_count for one in answers] == [1, 1, 1, 1, 2]
    revisions = [one.revision for one in answers]
    assert revisions[1] == revisions[3] < revisions[2] < revisions[4]
    assert await line.members() == 1


async def test_a_repeat_that_waits_beside_the_first_gets_its_answer(line: Line) -> None:
    async with line.held_lock():
        calls = await line.begin_behind(
            an_entry(1, "r1"), an_entry(1, "r1"), an_entry(2, "r1"), an_entry(3, "r3")
        )
    told = await refused(calls.pop(3))
    assert told.reason == "REQUEST_ID_REUSED"
    _, first, repeat, other = await asyncio.gather(*calls)
    assert first == repeat
    assert (first.changed_count, other.changed_count) == (1, 1)
    assert await line.members() == 3


async def test_a_caller_who_goes_while_waiting_changes_nothing_and_stops_nobody(
    line: Line,
) -> None:
    async with line.held_lock():
        calls = await line.begin_behind(an_entry(1), an_entry(2))
        gone = calls.pop(1)
        gone.cancel()
        await line.until(left=1)
    assert [one.changed_count for one in await asyncio.gather(*calls)] == [1, 1]
    assert gone.cancelled()
    assert await line.members() == 2


async def test_a_caller_who_goes_during_the_commit_is_committed_whole(line: Line) -> None:
    async with line.held_lock():
        first, second = await line.begin_behind(an_entry(1))
        first.cancel()
        await line.until(left=1)
    assert (await second).changed_count == 1
    assert await line.members() == 2


async def test_a_deadline_that_passes_in_the_line_is_that_callers_alone(line: Line) -> None:
    async with line.held_lock():
        calls = await line.begin_behind(an_entry(1))
        late = line.rpc.stub.UpdateMembership(an_entry(2), timeout=0.1)
        told = await refused(late)
        await line.until(left=1)
    assert told.code is grpc.StatusCode.DEADLINE_EXCEEDED
    assert [one.changed_count for one in await asyncio.gather(*calls)] == [1, 1]
    assert await line.members() == 2


async def test_a_lost_connection_is_told_to_who_was_being_committed_and_the_rest_goes_on(
    line: Line,
) -> None:
    async with line.held_lock(), connected(line.database_url) as other:
        first, second, third = await line.begin_behind(an_entry(1), an_entry(2))
        (pid,) = await line.waiting_backends(other)
        await other.execute("select pg_terminate_backend($1)", pid)
        told = await refused(first)
    assert (told.code, told.reason) == (grpc.StatusCode.UNAVAILABLE, "DATABASE_UNAVAILABLE")
    assert told.retry_after_s is not None
    assert [(await second).changed_count, (await third).changed_count] == [1, 1]
    assert await line.members() == 2


async def test_a_lost_connection_is_told_to_everyone_of_its_batch(
    line: Line, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def cut_off(connection: Connection, *_: object, **__: object) -> None:
        await connection.execute("select pg_terminate_backend(pg_backend_pid())")

    async with line.held_lock():
        calls = await line.begin_behind(an_entry(1), an_entry(2))
        monkeypatch.setattr("service.rpc.membership.merge_together", cut_off)
    told = [await refused(call) for call in calls]
    assert [one.reason for one in told] == ["DATABASE_UNAVAILABLE"] * 3
    assert await line.members() == 0
    monkeypatch.undo()
    assert (await line.rpc.stub.UpdateMembership(an_entry(1))).changed_count == 1


async def test_a_region_that_changes_meanwhile_holds_for_all_who_wait(line: Line) -> None:
    national = ["030 1234567", "030 1234568"]
    async with line.held_lock() as connection:
        await line.begin_behind()
        calls = await line.begin(*(an_update(an_add(phone, phones=[phone])) for phone in national))
        await audiences.update_audience(
            connection,
            1,
            name=None,
            description=None,
            sync_interval_s=None,
            default_region="DE",
        )
    await asyncio.gather(*calls)
    again = [
        await line.rpc.stub.UpdateMembership(
            an_update(an_add(phone, phones=[phone.replace("0", "+49", 1)]))
        )
        for phone in national
    ]
    assert [one.changed_count for one in again] == [0, 0]


async def test_an_audience_that_is_left_meanwhile_refuses_all_but_repeats(line: Line) -> None:
    first = await line.rpc.stub.UpdateMembership(an_entry(1, "r1"))
    async with line.held_lock() as connection:
        calls = await line.begin_behind(an_entry(2), an_entry(1, "r1"), an_entry(3, "r3"))
        await audiences.request_disconnect(connection, 1, "FLUSH")
    assert await calls.pop(2) == first
    told = [await refused(call) for call in calls]
    assert [one.reason for one in told] == ["AUDIENCE_DISCONNECTED"] * 3
    assert await line.members() == 1


async def test_an_audience_that_is_gone_meanwhile_refuses_all(line: Line) -> None:
    async with line.held_lock() as connection:
        calls = await line.begin_behind(an_entry(1), an_entry(2))
        await connection.execute("update audience set disconnected_at = now()")
    told = [await refused(call) for call in calls]
    assert [one.reason for one in told] == ["AUDIENCE_DISCONNECTED"] * 3


async def test_a_server_that_stops_answers_who_waits(line: Line) -> None:
    async with line.held_lock():
        calls = await line.begin_behind(an_entry(1), an_entry(2))
        stopping = asyncio.ensure_future(line.rpc.server.stop(WAIT_S))
        await until_nobody_listens(line.rpc.server.port)
    assert [one.changed_count for one in await asyncio.gather(*calls)] == [1, 1, 1]
    await stopping
    assert await line.members() == 3


async def until_nobody_listens(port: int) -> None:
    async with asyncio.timeout(WAIT_S):
        while True:
            try:
                _, writer = await asyncio.open_connection("127.0.0.1", port)
            except ConnectionRefusedError:
                return
            writer.close()
            await asyncio.sleep(0.01)
