"""What survives kill -9, and how several services share one database."""

import threading
from itertools import pairwise

import pytest
from audiencesync.v1 import audience_sync_pb2 as pb

from service.cli.client import call
from tests.e2e.conftest import Stack

QUICK = {"LEASE_SECONDS": "3", "FACEBOOK_CALL_TIMEOUT_SECONDS": "1"}
"""A crash is noticed after a lease, and then two call time-outs are waited out."""


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


def test_two_services_share_the_work_and_never_both_sync_one_audience(bare_stack: Stack) -> None:
    few = {"SYNCS_IN_PARALLEL": "2"}
    first, second = bare_stack.start_service(**few), bare_stack.start_service(**few)
    names = [f"list-{n}" for n in range(5)]
    know(bare_stack, members(50))
    for name in names:
        bare_stack.connect(name)
        add(bare_stack, members(50), name)
    bare_stack.admin.put("settings", {"latency_ms": 150})
    for service in (first, second):
        for name in names:
            call(service.stub.SyncNow, pb.SyncNowRequest(audience_id=name))
    for name in names:
        assert bare_stack.sync(name).state == pb.Sync.STATE_SUCCEEDED

    calls = [
        one
        for one in bare_stack.admin.get("requests?limit=1000")["requests"]
        if one["operation"] in ("add", "remove")
    ]
    for audience in {one["custom_audience_id"] for one in calls}:
        spans = sorted(
            (one["started"], one["ended"]) for one in calls if one["custom_audience_id"] == audience
        )
        assert all(ended < started for (_, ended), (started, _) in pairwise(spans))
    assert len({one["custom_audience_id"] for one in calls}) == 5
    for number in (1, 2):
        log = (bare_stack.folder / f"service-{number}.log").read_text()
        assert '"add_users"' in log, "each service did a part of it"


def test_a_service_that_is_told_to_stop_gives_its_leases_back(stack: Stack) -> None:
    stack.connect()
    know(stack, members(5))
    stack.service.process.stop()
    stack.start_service()
    add(stack, members(5))
    assert stack.sync().state == pb.Sync.STATE_SUCCEEDED, "without waiting for a lease to run out"
