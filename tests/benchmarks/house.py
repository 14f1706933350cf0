"""Owns the whole house under measurement: the service, its own Postgres, and the fake Facebook."""

import asyncio
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final

import asyncpg
from audiencesync.v1 import audience_sync_pb2 as pb

from service.cli.client import call
from service.cli.demo_processes import temporary_folder
from service.cli.demo_stage import Stage, staged
from service.cli.sync import watch
from tests.benchmarks.usage import cpu_of_tree_s, cpu_s, peak_mb

AD_ACCOUNT_ID: Final = "act_1000000001"
AUDIENCE_ID: Final = "bench"
DATABASE: Final = "postgres"
TABLES: Final = ("member", "change_chunk", "tombstone", "import_row", "list_import")
"""What grows with members."""


@dataclass(frozen=True, slots=True)
class House:
    """Everything that runs."""

    stage: Stage
    database_url: str
    postgres_pid: int

    @property
    def pids(self) -> Mapping[str, int]:
        fake, service = (one.process.pid for one in self.stage.processes)
        return {"service": service, "postgres": self.postgres_pid, "fake": fake}

    def cpu(self) -> Mapping[str, float]:
        """CPU seconds so far."""
        return {
            "service": cpu_s(self.pids["service"]),
            "postgres": cpu_of_tree_s(self.postgres_pid),
            "fake": cpu_s(self.pids["fake"]),
        }

    def peak_mb(self) -> Mapping[str, float]:
        return {name: peak_mb(self.pids[name]) for name in ("service", "fake")}

    def connect(self) -> None:
        stub = self.stage.stub
        call(
            stub.ConnectAdAccount,
            pb.ConnectAdAccountRequest(ad_account_id=AD_ACCOUNT_ID, access_token="fake-token"),
        )
        wish = pb.ConnectAudienceRequest(
            audience_id=AUDIENCE_ID, ad_account_id=AD_ACCOUNT_ID, name="Benchmark"
        )
        call(stub.ConnectAudience, wish)

    def sync(self) -> pb.Sync:
        """Sync now, and wait for the end."""
        begun = call(self.stage.stub.SyncNow, pb.SyncNowRequest(audience_id=AUDIENCE_ID)).sync
        *_, ended = watch(self.stage.stub, begun)
        if ended.state != pb.Sync.STATE_SUCCEEDED:
            raise RuntimeError(f"the sync ended otherwise than it should: {ended}")
        return ended

    def update(self, changes: list[pb.Change]) -> pb.UpdateMembershipResponse:
        request = pb.UpdateMembershipRequest(audience_id=AUDIENCE_ID, changes=changes)
        return call(self.stage.stub.UpdateMembership, request)

    def value(self, sql: str) -> Any:
        """The one value that a query gives."""

        async def ask() -> Any:
            connection = await asyncpg.connect(self.database_url)
            try:
                return await connection.fetchval(sql)
            finally:
                await connection.close()

        return asyncio.run(ask())

    def wal_bytes(self) -> int:
        """Bytes of the write-ahead log so far."""
        return int(self.value("select pg_current_wal_lsn() - '0/0'::pg_lsn"))

    def table_bytes(self) -> int:
        """Bytes of the tables that grow with members, and of their indexes."""
        sizes = " + ".join(f"pg_total_relation_size('{name}')" for name in TABLES)
        return int(self.value(f"select {sizes}"))


@contextmanager
def running_house() -> Iterator[House]:
    """Start everything, with nothing in it but a connected audience."""
    with temporary_folder() as folder, staged(folder) as stage:
        pid_file = (folder / "data" / "pgdata" / "postmaster.pid").read_text().splitlines()
        database_url = f"postgresql://postgres@/{DATABASE}?host={pid_file[4]}&port={pid_file[3]}"
        house = House(stage, database_url, int(pid_file[0]))
        house.connect()
        yield house
