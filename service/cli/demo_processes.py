"""Runs the fake Facebook and the service as processes of their own, and ends them without a trace."""

import asyncio
import contextlib
import json
import os
import queue
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import IO, Final, Self

from service.embedded import EmbeddedPostgres, EmbeddedPostgresError
from service.settings_of_access import PREFIX

READY_TIMEOUT_S: Final = 90.0
"""Seconds until a process has to be ready; the first start of Postgres takes some."""
STOP_TIMEOUT_S: Final = 40.0
"""Seconds from the request to end until a process is killed."""
LAST_LINES: Final = 15
"""Lines of a dead process that are shown."""

FAKE_COMMAND: Final = ("-m", "fakefb", "--graph-port", "0", "--admin-port", "0")
SERVICE_COMMAND: Final = ("-m", "service.cli.main", "serve")


class ProcessEnded(Exception):
    """A process ended, or did not become ready; the text has its last lines."""


class ChildProcess:
    """A Python program that says in one line of JSON on standard output that it is ready."""

    def __init__(
        self, name: str, arguments: Sequence[str], log_file: Path, settings: Mapping[str, str]
    ) -> None:
        """Start it; `settings` are its only variables that begin with AUDIENCE_SYNC_."""
        self.name = name
        self._log_file = log_file
        with log_file.open("ab") as log:
            self.process = subprocess.Popen(  # noqa: S603 - our own programs
                [sys.executable, *arguments],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=log,
                env=_environment(settings),
                start_new_session=True,  # Ctrl-C is for us: we end the others in order
            )
        assert self.process.stdout is not None  # noqa: S101 - it is a pipe
        self._lines: queue.SimpleQueue[bytes] = queue.SimpleQueue()
        threading.Thread(
            target=_read_lines, args=(self.process.stdout, self._lines), daemon=True
        ).start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def wait_ready(self) -> Mapping[str, str]:
        """What it says when it is ready.

        Raises: ProcessEnded.
        """
        try:
            line = self._lines.get(timeout=READY_TIMEOUT_S)
        except queue.Empty:
            line = b""
        if not line:
            raise ProcessEnded(self.last_words())
        said: dict[str, str] = json.loads(line)
        return said

    def check(self) -> None:
        """Do nothing while it runs.

        Raises: ProcessEnded.
        """
        if self.process.poll() is not None:
            raise ProcessEnded(self.last_words())

    def last_words(self) -> str:
        """How it stands with it, and its last lines."""
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.process.wait(timeout=1)
        status = self.process.returncode
        state = "is not ready" if status is None else f"ended with status {status}"
        lines = self._log_file.read_text(errors="replace").splitlines()[-LAST_LINES:]
        return "\n".join((f"{self.name} {state}; its last lines:", *lines))

    def kill(self) -> None:
        """End it as a power cut would (SIGKILL)."""
        self.process.kill()
        self.process.wait()

    def stop(self) -> int:
        """Ask it to end and wait until it has; returns its exit status."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(timeout=STOP_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            self.kill()
        finally:
            if self.process.poll() is None:
                self.kill()
        if self.process.stdout is not None:
            self.process.stdout.close()
        return self.process.returncode


def start_fake(log_file: Path, *, profile: str = "--calm") -> ChildProcess:
    """Start a fake Facebook on free ports; ready, it says `graph_url` and `admin_url`.

    `profile` is `--calm` or, for one that misbehaves now and then, `--grumpy`.
    """
    return ChildProcess("fakefb", (*FAKE_COMMAND, profile), log_file, {})


def start_service(
    log_file: Path, settings: Mapping[str, str], *, processes: int = 1
) -> ChildProcess:
    """Start the service with variables given without their prefix; ready, it says `grpc`."""
    named = {PREFIX + name: value for name, value in settings.items()}
    command = (*SERVICE_COMMAND, "--processes", str(processes))
    return ChildProcess("audience-sync serve", command, log_file, named)


@contextlib.contextmanager
def temporary_folder() -> Iterator[Path]:
    """A folder that other accounts may enter (Postgres under root), gone after the block."""
    folder = Path(tempfile.mkdtemp(prefix="audience-sync-demo-"))
    folder.chmod(0o755)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def end_embedded_postgres(data_dir: Path) -> None:
    """Stop the Postgres that a killed service has left running; nothing runs: nothing happens."""
    if not (data_dir / "pgdata" / "postmaster.pid").exists():
        return

    async def take_over_and_stop() -> None:
        postgres = EmbeddedPostgres(data_dir)
        await postgres.start()
        await postgres.stop()

    with contextlib.suppress(EmbeddedPostgresError):
        asyncio.run(take_over_and_stop())


def _environment(settings: Mapping[str, str]) -> dict[str, str]:
    inherited = os.environ  # noqa: TID251 - handed on, not read
    kept = {name: value for name, value in inherited.items() if not name.startswith(PREFIX)}
    return kept | dict(settings)


def _read_lines(pipe: IO[bytes], lines: queue.SimpleQueue[bytes]) -> None:
    """Hand on each line, then an empty one; reading to the end keeps the writer from standing still."""
    with contextlib.suppress(ValueError):  # closed under our hands
        for line in pipe:
            lines.put(line)
    lines.put(b"")
