"""Real processes for the end-to-end tests: a fake Facebook and services on a database of their own."""

import base64
import contextlib
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from audiencesync.v1 import audience_sync_pb2 as pb
from audiencesync.v1.audience_sync_pb2_grpc import AudienceSyncServiceStub

from service.cli.client import call, connected
from service.cli.demo_admin import FakeAdmin
from service.cli.demo_processes import ChildProcess, start_fake, start_service
from service.cli.sync import watch

AD_ACCOUNT_ID = "act_1000000001"
ACCESS_TOKEN = "fake-token"
AUDIENCE_ID = "customers"
CONNECT_S_MAX = 60
"""Seconds for a Custom Audience to be made by a fake that misbehaves."""
LOOK_S = 0.1
"""Seconds between two looks whether it is made."""
SEALING_KEYS = "k1:" + base64.b64encode(bytes(range(32))).decode()


@dataclass
class Service:
    """One process of the service and the way to it."""

    process: ChildProcess
    server: str
    metrics: str
    """The address of its HTTP port for operators."""
    stub: AudienceSyncServiceStub
    log_file: Path

    def log(self) -> str:
        """What it wrote to its log."""
        return self.log_file.read_text()

    def kill(self) -> None:
        """kill -9."""
        self.process.kill()


@dataclass
class Stack:
    """A fake Facebook, and as many services as the test starts, on one fresh database."""

    folder: Path
    database_url: str
    graph_url: str
    admin: FakeAdmin
    service: Service = field(init=False)
    """The one started last."""
    _stack: contextlib.ExitStack = field(default_factory=contextlib.ExitStack)
    _started: int = 0

    def start_service(self, **settings: str) -> Service:
        """Start one more; settings by the names of the environment without the prefix."""
        return self._start(settings, processes=1)

    def start_processes(self, count: int, **settings: str) -> Service:
        """Start one more, of several processes."""
        return self._start(settings, processes=count)

    def _start(self, settings: Mapping[str, str], *, processes: int) -> Service:
        self._started += 1
        base = {
            "LISTEN": "127.0.0.1:0",
            "METRICS_LISTEN": "127.0.0.1:0",
            "DATABASE_URL": self.database_url,
            "SEALING_KEYS": SEALING_KEYS,
            "FACEBOOK_BASE_URL": self.graph_url,
            "DRAIN_SECONDS": "5",
            "POLL_SECONDS": "0.2",
            # Short, so that a test which kills a service does not wait for its lease for long.
            "FACEBOOK_CALL_TIMEOUT_SECONDS": "3",
            "LEASE_SECONDS": "6",
        }
        log_file = self.folder / f"service-{self._started}.log"
        process = self._stack.enter_context(
            start_service(log_file, {**base, **settings}, processes=processes)
        )
        said = process.wait_ready()
        stub = self._stack.enter_context(connected(said["grpc"]))
        self.service = Service(process, said["grpc"], said["metrics"], stub, log_file)
        return self.service

    def restart_service(self, **settings: str) -> Service:
        """kill -9 the last one and start another."""
        self.service.kill()
        return self.start_service(**settings)

    def connect(self, audience_id: str = AUDIENCE_ID, default_region: str = "US") -> pb.Audience:
        """Connect the ready ad account and an audience; returns it when it is ACTIVE."""
        stub = self.service.stub
        account = pb.ConnectAdAccountRequest(ad_account_id=AD_ACCOUNT_ID, access_token=ACCESS_TOKEN)
        call(stub.ConnectAdAccount, account)
        wish = pb.ConnectAudienceRequest(
            audience_id=audience_id,
            ad_account_id=AD_ACCOUNT_ID,
            name=audience_id,
            default_region=default_region,
        )
        audience = call(stub.ConnectAudience, wish).audience
        look = pb.GetAudienceRequest(audience_id=audience_id)
        for _ in range(round(CONNECT_S_MAX / LOOK_S)):
            if audience.state == pb.Audience.STATE_ACTIVE:
                return audience
            threading.Event().wait(LOOK_S)
            audience = call(stub.GetAudience, look).audience
        pytest.fail(f"{audience_id} is not connected: {audience.blocked_message}")

    def sync(self, audience_id: str = AUDIENCE_ID) -> pb.Sync:
        """Sync and wait for its end."""
        begun = call(self.service.stub.SyncNow, pb.SyncNowRequest(audience_id=audience_id)).sync
        *_, ended = watch(self.service.stub, begun)
        return ended

    def logs(self) -> str:
        """What all services wrote to their logs."""
        return "".join(path.read_text() for path in sorted(self.folder.glob("service-*.log")))

    def close(self) -> None:
        """End all services."""
        self._stack.close()


@dataclass(frozen=True, slots=True)
class Fake:
    """The fake Facebook of this test process, and its admin port."""

    graph_url: str
    admin: FakeAdmin

    def renew(self, request: pytest.FixtureRequest) -> None:
        """Make it fresh. It misbehaves now and then, as Facebook does, unless a test is `calm`."""
        is_calm = request.node.get_closest_marker("calm")
        self.admin.post("reset", {})
        self.admin.put("profile", {"name": "calm" if is_calm else "grumpy"})


@pytest.fixture(scope="session")
def fake(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Fake]:
    """One for all tests here, each of which begins with `renew`."""
    with start_fake(tmp_path_factory.mktemp("fake") / "fakefb.log") as process:
        urls = process.wait_ready()
        yield Fake(urls["graph_url"], FakeAdmin(urls["admin_url"]))


@pytest.fixture
def bare_stack(
    tmp_path: Path, database_url: str, fake: Fake, request: pytest.FixtureRequest
) -> Iterator[Stack]:
    """A fresh fake Facebook and a fresh database of the session's Postgres; no service yet."""
    fake.renew(request)
    made = Stack(tmp_path, database_url, fake.graph_url, fake.admin)
    try:
        yield made
    finally:
        made.close()


@pytest.fixture
def stack(bare_stack: Stack) -> Stack:
    """A fresh fake Facebook and one service, on a fresh database of the session's Postgres."""
    bare_stack.start_service()
    return bare_stack


@pytest.fixture(scope="module")
def standing_stack(
    tmp_path_factory: pytest.TempPathFactory, module_database_url: str, fake: Fake
) -> Iterator[Stack]:
    """One service for the tests of a module that leave nothing behind which another could meet."""
    folder = tmp_path_factory.mktemp("standing")
    made = Stack(folder, module_database_url, fake.graph_url, fake.admin)
    try:
        made.start_service()
        yield made
    finally:
        made.close()


@pytest.fixture
def shared_stack(standing_stack: Stack, fake: Fake, request: pytest.FixtureRequest) -> Stack:
    """A fresh fake Facebook and the service that the tests of a module share."""
    fake.renew(request)
    return standing_stack


def run_command(
    *arguments: str, environment: Mapping[str, str] | None = None, timeout_s: float = 100
) -> subprocess.CompletedProcess[str]:
    """Run `audience-sync` with arguments to its end."""
    return subprocess.run(
        [sys.executable, "-m", "service.cli.main", *arguments],
        capture_output=True,
        text=True,
        check=False,
        timeout=timeout_s,
        env={"PATH": "/usr/bin:/bin", "COLUMNS": "200", **(environment or {})},
    )


def begin_command(*arguments: str) -> subprocess.Popen[str]:
    """Begin `audience-sync` with arguments, in a process group of its own."""
    return subprocess.Popen(
        [sys.executable, "-m", "service.cli.main", *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


def press_ctrl_c(process: subprocess.Popen[str]) -> None:
    """Send what a terminal sends at Ctrl-C."""
    process.send_signal(signal.SIGINT)
