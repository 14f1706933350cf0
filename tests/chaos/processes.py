"""The processes that are made to suffer: Postgres, two replicas of the service, a fake Facebook."""

import asyncio
import base64
import contextlib
import shutil
import signal
import tempfile
import threading
from collections.abc import Awaitable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

import grpc
from audiencesync.v1.audience_sync_pb2_grpc import AudienceSyncServiceStub

from fakefb.remote import FakeFacebook
from service.cli.demo_processes import ChildProcess, ProcessEnded, start_fake, start_service
from tests.chaos.postgres import Postgres, small_disk
from tests.chaos.proxy import Proxy, Streams

REPLICAS: Final = 2
LEASE_S: Final = 2.0
CALL_TIMEOUT_S: Final = 1.0
RECHECK_S: Final = 3.0
STARTS_MAX: Final = 10
RESTART_S: Final = 0.5
"""Seconds before a replica that could not start is started again."""
SEALING_KEYS: Final = "k1:" + base64.b64encode(bytes(range(32))).decode()
SETTINGS: Final = {
    "LISTEN": "127.0.0.1:0",
    "METRICS_LISTEN": "127.0.0.1:0",
    "SEALING_KEYS": SEALING_KEYS,
    "DRAIN_SECONDS": "3",
    "POLL_SECONDS": "0.2",
    "FACEBOOK_CALL_TIMEOUT_SECONDS": str(CALL_TIMEOUT_S),
    "LEASE_SECONDS": str(LEASE_S),
    "RECHECK_AFTER_SECONDS": str(RECHECK_S),
    "DATABASE_POOL_SIZE": "8",
    "SYNCS_IN_PARALLEL": "4",
}


class Replica:
    """One process of the service; the way to it is new with every start."""

    def __init__(self, name: str, folder: Path, postgres: Proxy, facebook: Proxy) -> None:
        self.name = name
        self.postgres = postgres
        self._log_file = folder / f"{name}.log"
        self._settings = SETTINGS | {
            "DATABASE_URL": f"postgresql://postgres@{postgres.address}/postgres?sslmode=disable",
            "FACEBOOK_BASE_URL": f"http://{facebook.address}",
        }
        self._process: ChildProcess | None = None
        self._channel: grpc.Channel | None = None
        self._stub: AudienceSyncServiceStub | None = None
        self._starting: Future[None] | None = None

    @property
    def stub(self) -> AudienceSyncServiceStub:
        assert self._stub is not None
        return self._stub

    @property
    def process(self) -> ChildProcess:
        assert self._process is not None
        return self._process

    def start(self) -> None:
        """Start it; it takes calls some seconds later."""
        self._launch()
        self._starting = ThreadPoolExecutor(1).submit(self._connect)

    def wait_ready(self) -> None:
        """Until it takes calls. Raises: ProcessEnded when it cannot be started."""
        if self._starting is not None:
            self._starting.result()

    def _launch(self) -> None:
        self._process = start_service(self._log_file, self._settings)

    def _connect(self) -> None:
        former, self._channel = self._channel, grpc.insecure_channel(self._server())
        self._stub = AudienceSyncServiceStub(self._channel)
        if former is not None:
            former.close()

    def _server(self) -> str:
        """Its address; started anew, as whoever runs it would, when it finds no database."""
        for _ in range(STARTS_MAX):
            try:
                return self.process.wait_ready()["grpc"]
            except ProcessEnded:
                self.process.stop()
                threading.Event().wait(RESTART_S)
                self._launch()
        return self.process.wait_ready()["grpc"]

    def signal(self, number: signal.Signals) -> None:
        self.wait_ready()
        self.process.process.send_signal(number)

    def kill(self) -> None:
        self.wait_ready()
        self.process.kill()
        self.process.stop()  # closes the pipe

    def stop(self) -> int:
        """End it in order; returns its exit status."""
        self.signal(signal.SIGCONT)
        return self.process.stop()

    def log(self) -> str:
        return self._log_file.read_text(errors="replace") if self._log_file.exists() else ""


@dataclass
class House:
    """All processes, and the proxies between them."""

    folder: Path
    postgres: Postgres
    fake: FakeFacebook
    facebook: Proxy
    replicas: list[Replica] = field(default_factory=list)


@contextlib.contextmanager
def running_house() -> Iterator[House]:
    """Everything up; nothing of it is left after the block."""
    with contextlib.ExitStack() as stack:
        folder = stack.enter_context(_temporary_folder())
        database = folder / "postgres"
        database.mkdir(mode=0o755)
        has_small_disk = stack.enter_context(small_disk(database))
        postgres = Postgres(database, has_small_disk=has_small_disk)
        postgres.set_up()
        stack.callback(postgres.stop)
        fake_process = stack.enter_context(start_fake(folder / "fakefb.log"))
        urls = fake_process.wait_ready()
        fake = FakeFacebook(urls["graph_url"], urls["admin_url"])
        facebook = stack.enter_context(Proxy(_dialler(urls["graph_url"])))
        house = House(folder, postgres, fake, facebook)
        for number in range(1, REPLICAS + 1):
            proxy = stack.enter_context(Proxy(postgres.dial))
            replica = Replica(f"replica-{number}", folder, proxy, facebook)
            replica.start()
            stack.callback(replica.kill)
            house.replicas.append(replica)
        for replica in house.replicas:
            replica.wait_ready()
        yield house


def _dialler(url: str) -> Any:
    address = urlsplit(url)

    def dial() -> Awaitable[Streams]:
        return asyncio.open_connection(address.hostname, address.port)

    return dial


@contextlib.contextmanager
def _temporary_folder() -> Iterator[Path]:
    folder = Path(tempfile.mkdtemp(prefix="audience-sync-chaos-", dir="/tmp"))
    folder.chmod(0o755)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
