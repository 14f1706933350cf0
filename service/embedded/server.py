"""One Postgres server in one folder: making its data, starting it, asking after it, stopping it.

Nothing here is safe against a second process doing the same; `postgres.py` sees to that.
"""

import os
import re
import shutil
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from urllib.parse import quote

import structlog

from service.embedded.account import Account
from service.embedded.errors import ADVICE, EmbeddedPostgresError
from service.embedded.memory import shared_mb

START_SECONDS_MAX: Final = 300
"""A start after a crash reads the whole write-ahead log."""
STOP_SECONDS_MAX: Final = 60
ORPHAN_SECONDS_MAX: Final = 20
"""How long a killed server and its children may take to be gone."""
POLL_SECONDS: Final = 0.05
LOG_LINES_QUOTED: Final = 5
CONNECTIONS_MAX: Final = 200
SOCKET_PATH_BYTES_MAX: Final = 107
SHORT_DIR: Final = Path("/tmp")  # noqa: S108 - only folders that prove to be private are used in it
_SOCKET_NAME: Final = ".s.PGSQL.5432"
_PLAIN_PATH: Final = re.compile(r"[A-Za-z0-9_./-]+")

# Statements and details of rows stay out of the server's own log: they may hold identifiers.
_CONFIGURATION: Final = """\
listen_addresses = ''
port = 5432
unix_socket_directories = '{socket_dir}'
unix_socket_permissions = 0700
max_connections = {connections_max}
shared_buffers = {shared_mb}MB
max_wal_size = 4GB
checkpoint_timeout = 30min
autovacuum_naptime = 15s
timezone = 'UTC'
log_timezone = 'UTC'
logging_collector = on
log_directory = 'log'
log_filename = 'postgres-%a.log'
log_rotation_age = 1d
log_rotation_size = 0
log_truncate_on_rotation = on
log_min_error_statement = panic
log_error_verbosity = terse
fsync = {durable}
full_page_writes = {durable}
"""

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Server:
    """A Postgres server whose data lie in `place`/pgdata."""

    place: Path
    bin_dir: Path
    account: Account
    durable: bool
    """Whether commits survive a crash of the machine, not only one of the server."""

    @property
    def pgdata(self) -> Path:
        return self.place / "pgdata"

    def dsn(self, database: str) -> str:
        """Address of a database, as asyncpg and libpq read it."""
        socket_dir = quote(str(self._socket_dir()), safe="/")
        return f"postgresql://postgres@/{quote(database, safe='')}?host={socket_dir}&port=5432"

    def initialise(self) -> None:
        """Make the data unless they are there.

        They get their name when they are whole: a half-made directory is never taken for a server.
        """
        if (self.pgdata / "PG_VERSION").exists():
            return
        unfinished = self.place / "pgdata.unfinished"
        if unfinished.exists():
            shutil.rmtree(unfinished)
        self.account.make_private_dir(unfinished)
        # Postgres' own C.UTF-8 sorts alike everywhere, also where the system has no such locale.
        locale = (
            "-E",
            "UTF8",
            "--locale=C",
            "--locale-provider=builtin",
            "--builtin-locale=C.UTF-8",
        )
        haste = () if self.durable else ("-N",)
        options = ("-U", "postgres", "-A", "trust", *locale, *haste)
        status, said = self._run("initdb", "-D", unfinished, *options)
        if status != 0:
            raise EmbeddedPostgresError(f"embedded Postgres: initdb failed: {said}; {ADVICE}")
        with (unfinished / "postgresql.conf").open("a") as configuration:
            configuration.write("\ninclude '../embedded.conf'\n")
        unfinished.rename(self.pgdata)

    def is_up(self) -> bool:
        """Whether the server takes connections; waits while it is starting or recovering.

        Raises: EmbeddedPostgresError when that does not end.
        """
        deadline = time.monotonic() + START_SECONDS_MAX
        while time.monotonic() < deadline:
            status, _ = self._run("pg_isready", "-h", self._socket_dir(), "-p", "5432", "-q")
            if status != 1:  # 1: it is there but refuses connections for now
                return status == 0
            time.sleep(POLL_SECONDS)
        raise EmbeddedPostgresError(f"embedded Postgres does not get ready; see {self.pgdata}/log")

    def launch(self) -> None:
        """Start the server and wait until it takes connections.

        Raises: EmbeddedPostgresError.
        """
        self._write_configuration()
        was_killed = (self.pgdata / "postmaster.pid").exists()
        deadline = time.monotonic() + (ORPHAN_SECONDS_MAX if was_killed else 0)
        while not self._try_launch():
            if time.monotonic() >= deadline:
                raise EmbeddedPostgresError(
                    f"embedded Postgres does not start: {self._last_words()}; {ADVICE}"
                )
            time.sleep(POLL_SECONDS)
        _log.info("embedded_postgres_started", pgdata=str(self.pgdata))

    def shut_down(self) -> None:
        """Stop the server without waiting for its clients; harmless when it is down.

        Raises: EmbeddedPostgresError.
        """
        options = ("-m", "fast", "-w", "-t", str(STOP_SECONDS_MAX))
        status, said = self._run("pg_ctl", "stop", "-D", self.pgdata, *options)
        if status != 0 and self.is_up():
            raise EmbeddedPostgresError(f"embedded Postgres does not stop: {said}")
        if self._socket_dir() != self.pgdata:
            shutil.rmtree(self._socket_dir(), ignore_errors=True)
        _log.info("embedded_postgres_stopped", pgdata=str(self.pgdata))

    def _try_launch(self) -> bool:
        log = self.pgdata / "start.log"
        log.unlink(missing_ok=True)
        _drop_misleading_pid_file(self.pgdata)
        options = ("-l", log, "-w", "-t", str(START_SECONDS_MAX))
        status, _ = self._run("pg_ctl", "start", "-D", self.pgdata, *options)
        return status == 0

    def _last_words(self) -> str:
        """Return the end of what the server said, first to its starter and then to its own log."""
        logs = sorted((self.pgdata / "log").glob("*.log"), key=lambda path: path.stat().st_mtime)
        files = [path for path in (self.pgdata / "start.log", *logs[-1:]) if path.exists()]
        lines = [line for path in files for line in path.read_text(errors="replace").splitlines()]
        return "; ".join(line.strip() for line in lines[-LOG_LINES_QUOTED:])

    def _write_configuration(self) -> None:
        socket_dir = self._socket_dir()
        if socket_dir != self.pgdata:
            self.account.make_private_dir(socket_dir)
        path = self.place / "embedded.conf"
        path.write_text(
            _CONFIGURATION.format(
                socket_dir=socket_dir,
                connections_max=CONNECTIONS_MAX,
                shared_mb=shared_mb(),
                durable="on" if self.durable else "off",
            )
        )
        path.chmod(0o644)

    def _socket_dir(self) -> Path:
        """The data's own folder, which is private; a short one where that path is too long or odd."""
        whole = self.pgdata / _SOCKET_NAME
        if len(os.fsencode(whole)) <= SOCKET_PATH_BYTES_MAX and _PLAIN_PATH.fullmatch(str(whole)):
            return self.pgdata
        data = self.pgdata.stat()
        return SHORT_DIR / f"audience-sync-{data.st_dev:x}-{data.st_ino:x}"

    def _run(self, program: str, *args: str | Path) -> tuple[int, str]:
        return self.account.run([self.bin_dir / program, *args], timeout_s=START_SECONDS_MAX + 10)


def _drop_misleading_pid_file(pgdata: Path) -> None:
    """Remove the pid file of a killed server whose number still, or again, belongs to something.

    Postgres refuses to start as long as any process has that number: a stranger, as often happens
    when a container starts again on its old volume, or a dead one that nobody has waited for.
    """
    pid_file = pgdata / "postmaster.pid"
    if not pid_file.exists():
        return
    process = Path("/proc") / pid_file.read_text().split("\n", 1)[0].strip()
    try:
        state = (process / "stat").read_text().rpartition(") ")[2][:1]
        misleading = state == "Z" or (process / "cwd").readlink() != pgdata.resolve()
    except OSError:  # no such process, not ours to see, or no /proc: Postgres judges by itself
        return
    if misleading:
        pid_file.unlink()
