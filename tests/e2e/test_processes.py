"""One service of several processes: one port, one that dies is started anew, and they end together."""

import os
import signal
import threading
from pathlib import Path

import pytest
from audiencesync.v1 import audience_sync_pb2 as pb

from service.cli.client import call, connected
from service.cli.demo_processes import start_service
from tests.e2e.conftest import SEALING_KEYS, Service, Stack

pytestmark = pytest.mark.calm

CALLERS = 12


def children(service: Service) -> list[int]:
    pid = service.process.process.pid
    return [int(one) for one in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def update(service: Service, number: int) -> None:
    """A change by a connection of its own."""
    member = pb.Member(member_id=f"m{number}", emails=[f"m{number}@mail.example"])
    change = pb.Change(operation=pb.Change.OPERATION_ADD, member=member)
    with connected(service.server) as stub:
        call(
            stub.UpdateMembership,
            pb.UpdateMembershipRequest(audience_id="customers", changes=[change]),
        )


def wait_for_children(service: Service, count: int, *, without: int) -> list[int]:
    for _ in range(400):
        found = children(service)
        if len(found) == count and without not in found:
            return found
        threading.Event().wait(0.05)
    pytest.fail(f"there are {children(service)}, not {count} processes")


def wait_until_gone(pids: list[int]) -> None:
    for _ in range(600):
        if not any(Path(f"/proc/{pid}").exists() for pid in pids):
            return
        threading.Event().wait(0.05)
    pytest.fail(f"{pids} are still there")


def test_processes_share_a_port_are_replaced_when_they_die_and_end_together(
    bare_stack: Stack,
) -> None:
    service = bare_stack.start_processes(2)
    first, second = children(service)
    bare_stack.connect()
    for number in range(CALLERS):
        update(service, number)
    os.kill(first, signal.SIGKILL)
    for number in range(CALLERS, 2 * CALLERS):
        update(service, number)
    anew = wait_for_children(service, 2, without=first)
    assert second in anew
    assert bare_stack.sync().state == pb.Sync.STATE_SUCCEEDED
    look = pb.GetAudienceRequest(audience_id="customers")
    assert call(bare_stack.service.stub.GetAudience, look).audience.member_count == 2 * CALLERS
    assert "process died" in bare_stack.logs()

    assert service.process.stop() == 0
    assert not any(Path(f"/proc/{pid}").exists() for pid in anew)


def test_a_port_that_another_service_shares_is_taken(
    bare_stack: Stack, empty_database_url: str, tmp_path: Path
) -> None:
    service = bare_stack.start_processes(2)
    settings = {
        "LISTEN": service.server,
        "METRICS_LISTEN": "off",
        "DATABASE_URL": empty_database_url,
        "SEALING_KEYS": SEALING_KEYS,
    }
    with start_service(tmp_path / "second.log", settings, processes=2) as second:
        assert second.process.wait(timeout=50) == 1
    assert "is the port taken?" in (tmp_path / "second.log").read_text()


def test_processes_end_when_who_started_them_is_killed(bare_stack: Stack) -> None:
    service = bare_stack.start_processes(2)
    orphans = children(service)
    service.kill()
    wait_until_gone(orphans)
