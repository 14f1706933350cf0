"""A healthy installation is found healthy, and each fault that is planted in it is found alone."""

import asyncio
import json
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest
from audiencesync.v1 import audience_sync_pb2 as pb
from audiencesync.v1.finding_code_pb2 import FindingCode

from service.cli.client import call
from service.embedded import EmbeddedPostgres
from service.store.migrations import migrate
from tests.e2e.conftest import AUDIENCE_ID, Fake, Stack, run_command
from tests.e2e.planted_faults import FAULTS, Fault, Found
from tests.e2e.ways_to_plant import MEMBERS, add, member

pytestmark = [pytest.mark.calm, pytest.mark.timeout(50)]

WARNING = pb.Finding.SEVERITY_WARNING


@pytest.fixture(scope="module")
def durable_url(reachable_dir: Path) -> Iterator[str]:
    """A migrated database on a server that loses nothing, unlike that of the other tests.

    In a folder of its own each time: tests of other files may come between those of this one.
    """
    server = EmbeddedPostgres(reachable_dir / f"durable-{uuid.uuid4().hex[:8]}")
    url = asyncio.run(server.start())
    asyncio.run(migrate(url))
    yield url
    asyncio.run(server.stop())


@pytest.fixture(scope="module")
def healthy(
    tmp_path_factory: pytest.TempPathFactory, durable_url: str, fake: Fake
) -> Iterator[Stack]:
    """One service with an audience of people whom Facebook knows, synced."""
    fake.admin.post("reset", {})
    fake.admin.put("profile", {"name": "calm"})
    people = [{"person_id": f"p{number}", **member(number)} for number in range(MEMBERS)]
    fake.admin.post("people", {"people": people})
    stack = Stack(tmp_path_factory.mktemp("healthy"), durable_url, fake.graph_url, fake.admin)
    try:
        stack.start_service()
        stack.connect()
        add(stack, *(pb.Member(member_id=f"m{n}", **member(n)) for n in range(MEMBERS)))
        assert stack.sync().state == pb.Sync.STATE_SUCCEEDED
        yield stack
    finally:
        stack.close()


def found(stack: Stack, audience_id: str = "") -> set[Found]:
    """All that is worse than an information."""
    request = pb.DiagnoseRequest(audience_id=audience_id)
    answer = call(stack.service.stub.Diagnose, request)
    assert not answer.next_page_token
    return {
        (
            FindingCode.Name(one.code).removeprefix("FINDING_CODE_"),
            one.audience_id or one.ad_account_id,
        )
        for one in answer.findings
        if one.severity >= WARNING
    }


def test_in_a_healthy_installation_nothing_is_found(healthy: Stack) -> None:
    assert found(healthy) == found(healthy, AUDIENCE_ID) == set()
    done = run_command("doctor", "--json", "--server", healthy.service.server)
    assert (done.returncode, done.stderr) == (0, "")
    assert {one["severity"] for one in json.loads(done.stdout)} <= {"info"}


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.code)
def test_each_fault_is_found_alone_and_no_longer_when_it_is_cured(
    healthy: Stack, fault: Fault
) -> None:
    with fault.planted(healthy):
        assert found(healthy) == {(fault.code, fault.is_about)}
    assert found(healthy) == set()


def test_the_command_tells_a_fault_and_what_to_do_and_ends_with_2_for_an_error(
    healthy: Stack,
) -> None:
    (blocked,) = (fault for fault in FAULTS if fault.code == "AUDIENCE_BLOCKED")
    with blocked.planted(healthy):
        done = run_command("doctor", "--server", healthy.service.server)
    assert done.returncode == 2
    assert "AUDIENCE_BLOCKED" in done.stdout.splitlines()[0]
    assert "→ Change name and description" in done.stdout
