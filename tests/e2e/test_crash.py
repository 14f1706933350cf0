"""What survives kill -9, and how several services share one database."""

import asyncio
import threading
import time
from itertools import pairwise
from typing import Any

import asyncpg
import pytest
from audiencesync.v1 import audience_sync_pb2 as pb

from service.cli.client import call
from service.cli.sync import watch
from tests.e2e.conftest import Service, Stack

QUICK = {"LEASE_SECONDS": "3", "FACEBOOK_CALL_TIMEOUT_SECONDS": "1"}
"""A crash is noticed after a lease, and then two call time-outs are waited out."""
CROWDED = {
    "SYNCS_IN_PARALLEL": "2",
    "LEASE_SECONDS": "4",
    "FACEBOOK_CALL_TIMEOUT_SECONDS": "2",
}
"""Three services of this kind have room for six syncs: with six asked for, each has some."""
TAKE_OVER_S_MAX = 4 + 4 + 15
"""The lease, the quiet after it, and what a busy machine needs for the calls themselves."""


def members(count: int, *, offset: int = 0) -> list[pb.Member]:
    return [
        pb.Member(member_id=f"m{n}", emails=[f"m{n}@mail.example"])
        for n in range(offset, offset + count)
    ]


def add(stack: Stack, people: list[pb.Member], audience_id: str = "customers") -> int:
    changes = [pb.Change(operation=pb.Change.OPERATION_ADD, member=one) for one in people]
    request = pb.UpdateMembershipRequest(audience_id=audience_id, changes=changes)
    return call(stack.service.stub.UpdateMembership, request).revision


def know(stack: Stack, people: list[pb.Member]) -> None:
    known = [{"person_id": one.member_id, "emails": list(one.emails)} for one in people]
    stack.admin.post("people", {"people": known})


def inside(stack: Stack, audience: pb.Audience) -> set[str]:
    return stack.admin.people_inside(audience.custom_audience_id)


def wait_for_call(stack: Stack, operation: str) -> None:
    """Until the fake has begun to work on a call of an operation."""
    for _ in range(400):
        if stack.admin.get(f"requests?operation={operation}")["requests"]:
            return
        threading.Event().wait(0.02)
    pytest.fail(f"no {operation} call came")


def ask(service: Service, audience_id: str) -> pb.Sync:
    return call(service.stub.SyncNow, pb.SyncNowRequest(audience_id=audience_id)).sync


def kill_one_that_holds_leases(stack: Stack, services: list[Service]) -> Service:
    """kill -9 one of them while calls are under way."""
    wait_for_call(stack, "add")
    holder = asyncio.run(lease_holders(stack.database_url))[0]
    killed = next(one for one in services if f":{one.process.process.pid}:" in holder)
    killed.kill()
    return killed


async def lease_holders(database_url: str) -> list[str]:
    connection = await asyncpg.connect(database_url)
    try:
        found = await connection.fetch(
            "select lease_holder from audience_work where lease_holder is not null order by 1"
        )
    finally:
        await connection.close()
    return [record["lease_holder"] for record in found]


def uploads(stack: Stack) -> list[dict[str, Any]]:
    journal = stack.admin.get("requests?limit=1000")["requests"]
    return [one for one in journal if one["operation"] in ("add", "remove")]


def overlapping(calls: list[dict[str, Any]]) -> list[object]:
    """Pairs of calls for one audience of which the second began before the first had ended."""
    ordered = sorted(calls, key=lambda one: (one["custom_audience_id"], one["started"]))
    return [
        (first, second)
        for first, second in pairwise(ordered)
        if first["custom_audience_id"] == second["custom_audience_id"]
        and (first["ended"] is None or first["ended"] > second["started"])
    ]


def test_kill_9_in_the_middle_of_a_sync_still_ends_exact(bare_stack: Stack) -> None:
    bare_stack.start_service(**QUICK)
    audience = bare_stack.connect()
    everybody = members(2_000)
    know(bare_stack, everybody)
    add(bare_stack, everybody)
    bare_stack.admin.put("settings", {"latency_ms": 700})
    call(bare_stack.service.stub.SyncNow, pb.SyncNowRequest(audience_id="customers"))
    wait_for_call(bare_stack, "add")
    bare_stack.service.kill()
    bare_stack.admin.put("settings", {"latency_ms": 0})

    bare_stack.start_service(**QUICK)
    assert bare_stack.sync().state == pb.Sync.STATE_SUCCEEDED
    assert inside(bare_stack, audience) == {one.member_id for one in everybody}


def test_an_answered_update_survives_kill_9(stack: Stack) -> None:
    audience = stack.connect()
    know(stack, members(10))
    revision = add(stack, members(10))
    stack.restart_service(**QUICK)
    sync = stack.sync()
    assert sync.target_revision == revision
    assert inside(stack, audience) == {one.member_id for one in members(10)}


@pytest.mark.calm
@pytest.mark.timeout(55)
def test_of_three_services_that_share_the_work_one_is_killed_and_the_others_take_over(
    bare_stack: Stack,
) -> None:
    services = [bare_stack.start_service(**CROWDED) for _ in range(3)]
    names = [f"list-{n}" for n in range(6)]
    know(bare_stack, members(50))
    kept = {name: bare_stack.connect(name) for name in names}
    for name in names:
        add(bare_stack, members(50), name)
    bare_stack.admin.put("settings", {"latency_ms": 1200})
    asked = [ask(services[-1], name) for name in names]
    killed = kill_one_that_holds_leases(bare_stack, services)
    killed_at = time.monotonic()
    survivors = [one for one in services if one is not killed]

    for sync in asked:
        *_, ended = watch(survivors[0].stub, sync)
        assert ended.state == pb.Sync.STATE_SUCCEEDED
    assert time.monotonic() - killed_at < TAKE_OVER_S_MAX
    for audience in kept.values():
        assert inside(bare_stack, audience) == {one.member_id for one in members(50)}
    calls = uploads(bare_stack)
    assert {one["custom_audience_id"] for one in calls} == {
        audience.custom_audience_id for audience in kept.values()
    }
    assert overlapping(calls) == []
    for service in survivors:
        assert '"add_users"' in service.log(), "each of them did a part of it"


def test_a_service_that_is_told_to_stop_gives_its_leases_back(stack: Stack) -> None:
    stack.connect()
    know(stack, members(5))
    stack.service.process.stop()
    stack.start_service()
    add(stack, members(5))
    assert stack.sync().state == pb.Sync.STATE_SUCCEEDED, "without waiting for a lease to run out"
