"""What the demo runs on: the fake, the service with its own Postgres, and the way to both."""

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from audiencesync.v1.audience_sync_pb2_grpc import AudienceSyncServiceStub

from service.cli.client import connected
from service.cli.demo_admin import FakeAdmin
from service.cli.demo_processes import (
    ChildProcess,
    end_embedded_postgres,
    start_fake,
    start_service,
)

SERVICE_LOG: Final = "service.log"
"""The file with the lines of the service."""
DRAIN_S: Final = 5
"""Seconds that the service has for ending what is under way."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """Two processes that run, and where they listen."""

    processes: tuple[ChildProcess, ...]
    admin: FakeAdmin
    admin_url: str
    graph_url: str
    server: str
    stub: AudienceSyncServiceStub

    def check(self) -> None:
        """Do nothing while all processes run.

        Raises: ProcessEnded.
        """
        for process in self.processes:
            process.check()


@contextlib.contextmanager
def staged(folder: Path, *, processes: int = 1, **more_settings: str) -> Iterator[Stage]:
    """Run everything with its data in `folder` until the block ends.

    `processes`: of the service; `more_settings`: for it, by their names without the prefix.

    Raises: ProcessEnded.
    """
    data_dir = folder / "data"
    with contextlib.ExitStack() as stack:
        fake = stack.enter_context(start_fake(folder / "fakefb.log"))
        urls = fake.wait_ready()
        settings = more_settings | {
            "LISTEN": "127.0.0.1:0",
            "METRICS_LISTEN": "127.0.0.1:0",
            "DATA_DIR": str(data_dir),
            "FACEBOOK_BASE_URL": urls["graph_url"],
            "DRAIN_SECONDS": str(DRAIN_S),
        }
        stack.callback(end_embedded_postgres, data_dir)
        service = stack.enter_context(
            start_service(folder / SERVICE_LOG, settings, processes=processes)
        )
        server = service.wait_ready()["grpc"]
        yield Stage(
            processes=(fake, service),
            admin=FakeAdmin(urls["admin_url"]),
            admin_url=urls["admin_url"],
            graph_url=urls["graph_url"],
            server=server,
            stub=stack.enter_context(connected(server)),
        )
