"""A Postgres server that can be killed, and the small disk that it lies on."""

import asyncio
import contextlib
import os
import signal
import subprocess
import threading
from collections.abc import Coroutine, Iterator
from pathlib import Path
from typing import Any, Final
from urllib.parse import parse_qs, urlsplit

import asyncpg

from service.embedded import EmbeddedPostgres
from tests.chaos.proxy import Streams

DISK_MB: Final = 1_024
"""MiB of the disk of Postgres, where one may be mounted; a fresh server needs 60."""
DEATH_S_MAX: Final = 10.0
"""Seconds after which a killed Postgres is gone, its children too."""


class Postgres:
    """A Postgres server of its own, on a small disk where that can be had."""

    def __init__(self, folder: Path, *, has_small_disk: bool) -> None:
        self._folder = folder
        self._server = EmbeddedPostgres(folder, durable=False)
        self.has_small_disk = has_small_disk

    def start(self) -> None:
        """Start it, also after its death."""
        _run_apart(self._server.start())

    def set_up(self) -> None:
        """Keep the write-ahead log small: the disk is."""
        self.start()
        _run_apart(self._execute("alter system set max_wal_size = '64MB'"))
        _run_apart(self._execute("select pg_reload_conf()"))

    def stop(self) -> None:
        self.start()  # a server that was killed has left a pid file and, it may be, children
        _run_apart(self._server.stop())

    def signal_postmaster(self, number: signal.Signals) -> None:
        """SIGKILL: as a machine's death; SIGQUIT: what `pg_ctl stop -m immediate` sends."""
        pid = int(self._pid_file.read_text().split("\n", 1)[0])
        os.kill(pid, number)
        pause = threading.Event()
        for _ in range(int(DEATH_S_MAX / 0.02)):
            if not _is_alive(pid):
                return
            pause.wait(0.02)
        raise TimeoutError("Postgres does not die")

    def kill_backend(self) -> None:
        """SIGKILL to one that serves a replica: the postmaster then restarts all of them."""
        backend = _run_apart(
            self._value(
                "select max(pid) from pg_stat_activity where application_name = 'audience-sync'"
            )
        )
        if backend is not None:
            with contextlib.suppress(ProcessLookupError):
                os.kill(backend, signal.SIGKILL)

    @contextlib.contextmanager
    def full_disk(self) -> Iterator[None]:
        """No byte is free inside the block."""
        filler = self._folder / "filler"
        with filler.open("wb", buffering=0) as file:
            for size in (1 << 20, 1 << 12):
                with contextlib.suppress(OSError):
                    while file.write(bytes(size)) == size:
                        pass
        try:
            yield
        finally:
            filler.unlink()

    async def dial(self) -> Streams:
        """A connection past the proxies; the server listens on a socket of its folder."""
        (host,) = parse_qs(urlsplit(self._server.dsn()).query)["host"]
        return await asyncio.open_unix_connection(f"{host}/.s.PGSQL.5432")

    def rows(self, query: str) -> list[asyncpg.Record]:
        """What a query answers, past the proxies."""
        found: list[asyncpg.Record] = _run_apart(self._rows(query))
        return found

    async def _rows(self, query: str) -> list[asyncpg.Record]:
        connection = await asyncpg.connect(self._server.dsn(), timeout=10)
        try:
            found: list[asyncpg.Record] = await connection.fetch(query, timeout=10)
            return found
        finally:
            connection.terminate()

    async def _value(self, query: str) -> Any:
        (row,) = await self._rows(query)
        return row[0]

    async def _execute(self, statement: str) -> None:
        await self._rows(statement)

    @property
    def _pid_file(self) -> Path:
        return self._folder / "pgdata" / "postmaster.pid"


@contextlib.contextmanager
def small_disk(folder: Path) -> Iterator[bool]:
    """A disk of DISK_MB at `folder`, if we may mount one; tells whether."""
    options = f"size={DISK_MB}m,mode=755"
    mounted = (
        os.geteuid() == 0
        and Path("/bin/mount").exists()
        and not subprocess.run(
            ["/bin/mount", "-t", "tmpfs", "-o", options, "none", str(folder)],
            check=False,
            capture_output=True,
        ).returncode
    )
    try:
        yield mounted
    finally:
        if mounted:
            subprocess.run(["/bin/umount", "-l", str(folder)], check=False)


def _is_alive(pid: int) -> bool:
    """Whether a process runs; one that nobody has waited for is dead."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2][:1]
    except OSError:
        return False
    return state not in ("Z", "X")


def _run_apart(work: Coroutine[object, object, Any]) -> Any:
    """Run to its end in a loop of its own; no loop may run in this thread."""
    return asyncio.run(work)
