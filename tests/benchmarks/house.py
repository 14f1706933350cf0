"""Owns the whole house under measurement: the service, its own Postgres, and the fake Facebook."""

import asyncio
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import asyncpg
from audiencesync.v1 import audience_sync_pb2 as pb

from service.cli.client import call
from service.cli.demo_processes import temporary_folder
from service.cli.demo_stage import SERVICE_LOG, Stage, staged
from service.cli.sync import watch
from service.loop_lag import REPORT_S
from tests.benchmarks.held_loop import LOGGED_S_MIN, longest_hold
from tests.benchmarks.usage import children, cpu_of_tree_s, cpu_s, peak_mb, tree

AD_ACCOUNT_ID: Final = "act_1000000001"
AUDIENCE_ID: Final = "bench"
DATABASE: Final = "postgres"
SYNCS_LISTED: Final = 100
TABLES: Final = ("member", "change_chunk", "tombstone", "import_row", "list_import")
"""What grows with members."""


@dataclass(frozen=True, slots=True)
class House:
    """Everything that runs."""

    stage: Stage
    log_file: Path
    database_url: str
    postgres_pid: int
    processes: int

    @property
    def fake_pid(self) -> int:
        return self.stage.processes[0].process.pid

    @property
    def service_pids(self) -> Sequence[int]:
        """The service with its workers; its embedded Postgres is a child of it too."""
        return tree(self.stage.processes[1].process.pid, without=self.postgres_pid)

    @property
    def serving_pids(self) -> Sequence[int]:
        """Those that take calls: the one, or of several all but the one that started them."""
        started = self.stage.processes[1].process.pid
        if self.processes == 1:
            return [started]
        return [pid for pid in children(started) if pid != self.postgres_pid]

    def cpu(self) -> Mapping[str, float]:
        """CPU seconds so far."""
        return {
            "service": sum(map(cpu_s, self.service_pids)),
            "postgres": cpu_of_tree_s(self.postgres_pid),
            "fake": cpu_s(self.fake_pid),
        }

    def peak_mb(self) -> Mapping[str, float]:
        """The most memory so far; of several processes of the service the sum."""
        return {"service": sum(map(peak_mb, self.service_pids)), "fake": peak_mb(self.fake_pid)}

    def longest_hold_ms(self) -> tuple[float, float]:
        """For how long a loop of the service was held at most, and what of it was computing."""
        time.sleep(REPORT_S * 1.5)  # of the last second it is told when that is over
        return longest_hold(self.log_file.read_text().splitlines())

    def connect(self, audience_ids: Sequence[str]) -> None:
        stub = self.stage.stub
        call(
            stub.ConnectAdAccount,
            pb.ConnectAdAccountRequest(ad_account_id=AD_ACCOUNT_ID, access_token="fake-token"),
        )
        for audience_id in audience_ids:
            wish = pb.ConnectAudienceRequest(
                audience_id=audience_id,
                ad_account_id=AD_ACCOUNT_ID,
                name=f"Benchmark {audience_id}",
            )
            call(stub.ConnectAudience, wish)

    def sync(self) -> pb.Sync:
        """Sync now, and wait for the end."""
        (ended,) = self.sync_all([AUDIENCE_ID])
        return ended

    def sync_all(self, audience_ids: Sequence[str]) -> Sequence[pb.Sync]:
        """Sync at once what these audiences have, and wait for the end of all."""
        stub = self.stage.stub
        begun = [
            call(stub.SyncNow, pb.SyncNowRequest(audience_id=one)).sync for one in audience_ids
        ]
        return [self._end_of(sync) for sync in begun]

    def syncs(self) -> Sequence[pb.Sync]:
        """The newest syncs of the audience."""
        request = pb.ListSyncsRequest(audience_id=AUDIENCE_ID, page_size=SYNCS_LISTED)
        return call(self.stage.stub.ListSyncs, request).syncs

    def _end_of(self, begun: pb.Sync) -> pb.Sync:
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
        """Bytes of the tables that grow with members, and of their indexes.

        As they are once the log that is settled was vacuumed away, which the server does by itself
        within a minute.
        """
        self.value("vacuum change_chunk")
        sizes = " + ".join(f"pg_total_relation_size('{name}')" for name in TABLES)
        return int(self.value(f"select {sizes}"))


@contextmanager
def running_house(
    *, processes: int = 1, audience_ids: Sequence[str] = (AUDIENCE_ID,)
) -> Iterator[House]:
    """Start everything, with nothing in it but connected audiences."""
    settings = {"LOOP_HELD_SECONDS_MAX": str(LOGGED_S_MIN)}
    with (
        temporary_folder() as folder,
        staged(folder, processes=processes, **settings) as stage,
    ):
        pid_file = (folder / "data" / "pgdata" / "postmaster.pid").read_text().splitlines()
        database_url = f"postgresql://postgres@/{DATABASE}?host={pid_file[4]}&port={pid_file[3]}"
        house = House(stage, folder / SERVICE_LOG, database_url, int(pid_file[0]), processes)
        house.connect(audience_ids)
        yield house
