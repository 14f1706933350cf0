"""Two versions on one database: the branch as it was before the newest migration came, from this
repository's history, and this one. Skipped where the history is not there: a source archive, a shallow
clone."""

import shutil
import subprocess
import tarfile
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import asyncpg
import grpc
import pytest
from audiencesync.v1 import audience_sync_pb2 as pb

from service.cli.client import call, connected
from service.cli.demo_processes import ChildProcess, ProcessEnded, start_service
from service.store.migrations import MIGRATIONS_DIR, migrate, read_migrations
from tests.e2e.conftest import SEALING_KEYS, Service, Stack

ROOT = Path(__file__).parents[2]
KNOWN = read_migrations(MIGRATIONS_DIR)
AUDIENCES = ("list-0", "list-1", "list-2")
ONE_SYNC_EACH = {"SYNCS_IN_PARALLEL": "1"}

pytestmark = [pytest.mark.calm, pytest.mark.timeout(50)]


def git(*arguments: str) -> bytes:
    program = shutil.which("git")
    if program is None:
        pytest.skip("no git here")
    done = subprocess.run(
        [program, "-C", str(ROOT), *arguments], capture_output=True, check=False, timeout=20
    )
    if done.returncode != 0 or not done.stdout:
        pytest.skip(f"no history here: git {arguments[0]} {done.stderr.decode()[:80]}")
    return done.stdout


@dataclass(frozen=True)
class OldCode:
    """Where it lies, and which schema it knows."""

    folder: Path
    version: int

    def knows(self, setting: str) -> bool:
        files = (self.folder / "service").glob("settings*.py")
        return any(f" {setting.lower()}: " in file.read_text() for file in files)


@pytest.fixture
def old_code(tmp_path: Path) -> OldCode:
    """The repository as it was before the newest migration came."""
    newest = next(MIGRATIONS_DIR.glob(f"{len(KNOWN):04}_*.sql")).relative_to(ROOT)
    log = ("log", "--first-parent", "-m", "--diff-filter=A", "--format=%H", "-1")
    added = git(*log, "--", str(newest)).decode().strip()
    archive, folder = tmp_path / "old.tar", tmp_path / "old"
    archive.write_bytes(git("archive", f"{added}~1", "service", "proto", "pyproject.toml"))
    with tarfile.open(archive) as files:
        files.extractall(folder, filter="data")
    return OldCode(folder, len(list((folder / newest.parent).glob("*.sql"))))


@pytest.fixture
def old_process(
    bare_stack: Stack,
    empty_database_url: str,
    old_code: OldCode,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> Callable[[], ChildProcess]:
    """Starts a process of the old code on the stack's database, which is an empty one."""
    bare_stack.database_url = empty_database_url
    settings = {
        "LISTEN": "127.0.0.1:0",
        "METRICS_LISTEN": "off",
        "DATABASE_URL": empty_database_url,
        "SEALING_KEYS": SEALING_KEYS,
        "FACEBOOK_BASE_URL": bare_stack.graph_url,
        "POLL_SECONDS": "0.2",
        **ONE_SYNC_EACH,
    }
    settings = {name: value for name, value in settings.items() if old_code.knows(name)}

    def start() -> ChildProcess:
        with monkeypatch.context() as here:
            here.chdir(old_code.folder)  # where `-m` looks first
            here.setenv("PYTHONPATH", str(old_code.folder / "proto"))
            return start_service(tmp_path / "old.log", settings)

    return start


@pytest.fixture
def old(bare_stack: Stack, old_process: Callable[[], ChildProcess]) -> Iterator[Service]:
    """A replica of the old code, which has made the schema of its time."""
    with old_process() as process:
        said = process.wait_ready()
        log_file = bare_stack.folder / "old.log"
        with connected(said["grpc"]) as stub:
            service = Service(process, said["grpc"], said.get("metrics", ""), stub, log_file)
            bare_stack.service = service
            yield service


class Caller:
    """Adds one member after another through a replica and never tries twice."""

    def __init__(self, service: Service, name: str) -> None:
        self._service = service
        self._name = name
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._work)
        self.added: list[str] = []
        self.failures: list[str] = []

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def stop(self) -> None:
        """Harmless when repeated."""
        self._stop.set()
        self._thread.join()

    def _work(self) -> None:
        while not self._stop.wait(0.02):
            person = f"{self._name}-{len(self.added)}"
            try:
                for name in AUDIENCES:
                    self._service.stub.UpdateMembership(addition(name, person), timeout=10)
            except grpc.RpcError as failure:
                self.failures.append(str(failure))
            else:
                self.added.append(person)

    def wait_for(self, count: int) -> None:
        """Until so many more people were added."""
        wanted = len(self.added) + count
        for _ in range(400):
            if len(self.added) >= wanted:
                return
            self._stop.wait(0.05)
        pytest.fail(f"{self._name} adds nobody: {self.failures}")


def addition(audience_id: str, person: str) -> pb.UpdateMembershipRequest:
    member = pb.Member(member_id=person, emails=[f"{person}@mail.example"])
    change = pb.Change(operation=pb.Change.OPERATION_ADD, member=member)
    return pb.UpdateMembershipRequest(audience_id=audience_id, changes=[change])


def make_known(stack: Stack) -> None:
    people = [f"{name}-{n}" for name in ("old", "new") for n in range(2_000)]
    known = [{"person_id": one, "emails": [f"{one}@mail.example"]} for one in people]
    stack.admin.post("people", {"people": known})


async def schema_version(url: str) -> int:
    connection = await asyncpg.connect(url)
    try:
        return int(await connection.fetchval("select max(version) from schema_migration"))
    finally:
        await connection.close()


def sync_until_both_did(stack: Stack) -> None:
    """Sync all audiences again and again until each replica has sent rows."""
    logs = [stack.folder / "old.log", stack.folder / "service-1.log"]
    stack.admin.put("settings", {"latency_ms": 150})
    for _ in range(20):
        for name in AUDIENCES:
            call(stack.service.stub.SyncNow, pb.SyncNowRequest(audience_id=name))
        for name in AUDIENCES:
            assert stack.sync(name).state == pb.Sync.STATE_SUCCEEDED
        if all('"add_users"' in log.read_text() for log in logs):
            break
    else:
        pytest.fail("one of the two never syncs")
    stack.admin.put("settings", {"latency_ms": 0})


async def test_an_old_and_a_new_replica_share_a_database_and_the_old_one_leaves_unnoticed(
    bare_stack: Stack, old: Service, old_code: OldCode
) -> None:
    make_known(bare_stack)
    audiences = [bare_stack.connect(name) for name in AUDIENCES]
    with Caller(old, "old") as old_caller:
        old_caller.wait_for(5)
        assert await schema_version(bare_stack.database_url) == old_code.version < len(KNOWN)
        new = bare_stack.start_service(**ONE_SYNC_EACH)
        assert await schema_version(bare_stack.database_url) == len(KNOWN)
        with Caller(new, "new") as new_caller:
            new_caller.wait_for(5)
            sync_until_both_did(bare_stack)
            old_caller.wait_for(5)
            old_caller.stop()
            assert old.process.stop() == 0
            new_caller.wait_for(5)
    assert old_caller.failures == new_caller.failures == []
    for name, audience in zip(AUDIENCES, audiences, strict=True):
        assert bare_stack.sync(name).state == pb.Sync.STATE_SUCCEEDED
        inside = bare_stack.admin.people_inside(audience.custom_audience_id)
        assert inside == {*old_caller.added, *new_caller.added}


async def test_an_old_replica_starts_anew_on_the_new_schema_where_that_says_so(
    bare_stack: Stack, old_code: OldCode, old_process: Callable[[], ChildProcess]
) -> None:
    await migrate(bare_stack.database_url)
    newer = KNOWN[old_code.version :]
    can_live = all(step.oldest_code and step.oldest_code <= old_code.version for step in newer)
    with old_process() as process:
        if can_live:
            assert process.wait_ready()["grpc"]
        else:
            with pytest.raises(ProcessEnded, match="run a newer program"):
                process.wait_ready()
