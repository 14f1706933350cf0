"""Serves with several processes on one port: starts them, starts one that died anew, ends them in order."""

import asyncio
import json
import signal
import socket
import sys
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Final

import structlog

from service.app import KEY_FILE, database, keyring_of
from service.clock import Clock
from service.monitor.database_watch import DatabaseWatch
from service.monitor.http_port import OFF
from service.monitor.process_group import GroupMonitor
from service.monitor.readiness import Readiness
from service.settings import Settings, environment_with
from service.store.migrations import migrate

COMMAND: Final = ("-m", "service.cli.main", "serve", "--shared-port")
METRICS_ASKED_AT: Final = "127.0.0.1:0"
"""Where each process tells us its metrics: we tell them all where they are asked for."""
RESTART_S: Final = 1.0
"""Seconds until a process takes the place of one that died: no hot loop."""
END_S_MAX: Final = 10.0
"""Seconds beyond the drain that a process may take to end before it is killed."""

log = structlog.get_logger(__name__)


class ProcessDied(Exception):
    """A process ended before it was ready; its last lines are on standard error."""


async def serve_with_processes(
    settings: Settings,
    count: int,
    *,
    on_ready: Callable[[Mapping[str, str]], None],
    stop: asyncio.Event,
) -> None:
    """Serve until `stop` is set. Callers are spread over the processes, audiences by their leases.

    `on_ready` is told the addresses, of "grpc" and of "metrics" ("" without one), once every process
    answers. Raises: ProcessDied, RuntimeError, MonitorPortTaken.
    """
    async with database(settings) as dsn:
        await migrate(dsn)
        with held_port(settings.listen) as address:
            environment = _environment(settings, dsn, address)
            places = [Place(number, environment, settings.drain_seconds) for number in range(count)]
            readiness = Readiness()
            monitor = _monitor(dsn, readiness, places)
            opened = monitor.opened(settings.metrics_listen, settings.token_for_metrics())
            async with opened as metrics:

                def tell_ready() -> None:
                    readiness.is_serving = True
                    on_ready({"grpc": address, "metrics": metrics})

                await _keep(places, readiness, on_ready=tell_ready, stop=stop)


async def _keep(
    places: Sequence["Place"],
    readiness: Readiness,
    *,
    on_ready: Callable[[], None],
    stop: asyncio.Event,
) -> None:
    """Keep all places until `stop` is set. Raises: ProcessDied."""
    try:
        async with asyncio.TaskGroup() as tasks:
            for place in places:
                tasks.create_task(place.keep(stop))
            for place in places:
                await place.ready.wait()
            on_ready()
            await stop.wait()
            readiness.is_draining = True
    except* ProcessDied as group:
        raise group.exceptions[0] from None


def _monitor(dsn: str, readiness: Readiness, places: Sequence["Place"]) -> GroupMonitor:
    async def say_nothing(*, serving: bool) -> None:
        """The processes themselves tell gRPC health."""

    return GroupMonitor(
        watch=DatabaseWatch(dsn, Clock(), readiness, say_nothing),
        addresses=lambda: {str(place.number): place.metrics for place in places},
    )


@contextmanager
def held_port(listen: str) -> Iterator[str]:
    """Bind the address, so that it is ours and has a port, without taking calls.

    Raises: RuntimeError when it cannot be bound, as by another service that shares its ports.
    """
    host, _, port = listen.rpartition(":")
    bare = host.strip("[]")
    family = socket.AF_INET6 if ":" in bare else socket.AF_INET
    with (
        socket.socket(family, socket.SOCK_STREAM) as alone,
        socket.socket(family, socket.SOCK_STREAM) as held,
    ):
        try:
            # First not to be shared: that fails where anybody listens.
            alone.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            alone.bind((bare, int(port)))
            free = alone.getsockname()[1]
            alone.close()
            held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
            held.bind((bare, free))
        except OSError as error:
            raise RuntimeError(f"cannot bind {listen}") from error
        yield f"{host}:{free}"


class Place:
    """One of the processes, and whoever takes its place when it dies."""

    def __init__(self, number: int, environment: Mapping[str, str], drain_s: float) -> None:
        self.number = number
        self.metrics = ""
        """Where the process that runs tells its metrics."""
        self._environment = environment
        self._drain_s = drain_s
        self.ready = asyncio.Event()

    async def keep(self, stop: asyncio.Event) -> None:
        """Keep a process running until `stop` is set. Raises: ProcessDied before the first is ready."""
        while not stop.is_set():
            async with self._process() as process:
                await self._until_ready(process)
                await _first_of(process.wait(), stop.wait())
            self.metrics = ""
            if not stop.is_set():
                log.error("process died", place=self.number, status=process.returncode)
                await _first_of(asyncio.sleep(RESTART_S), stop.wait())

    async def _until_ready(self, process: asyncio.subprocess.Process) -> None:
        assert process.stdout is not None  # noqa: S101 - it is a pipe
        line = await process.stdout.readline()
        if line:
            said = json.loads(line)
            self.metrics = said.get("metrics", "")
            log.info("process ready", place=self.number, pid=process.pid, **said)
            self.ready.set()
        elif not self.ready.is_set():
            raise ProcessDied(f"process {self.number} ended before it was ready")

    @asynccontextmanager
    async def _process(self) -> AsyncIterator[asyncio.subprocess.Process]:
        """A process that is asked to end when the block does, and killed if it does not."""
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            *COMMAND,
            stdin=asyncio.subprocess.PIPE,  # which ends with us, however we end
            stdout=asyncio.subprocess.PIPE,
            env=dict(self._environment),
            start_new_session=True,  # Ctrl-C is for us: we end them in order
        )
        try:
            yield process
        finally:
            if process.returncode is None:
                process.send_signal(signal.SIGTERM)
            try:
                async with asyncio.timeout(self._drain_s + END_S_MAX):
                    await process.wait()
            except TimeoutError:
                process.kill()
                await process.wait()


def _environment(settings: Settings, dsn: str, address: str) -> Mapping[str, str]:
    """The environment of a process: as ours, on the database and the port that we hold."""
    keyring_of(settings)  # makes the key file if there is none
    ours = {"DATABASE_URL": dsn, "LISTEN": address, "METRICS_LISTEN": OFF}
    if settings.metrics_listen != OFF:
        ours["METRICS_LISTEN"] = METRICS_ASKED_AT
    if settings.sealing_keys is None and settings.sealing_keys_file is None:
        ours["SEALING_KEYS"] = (Path(settings.data_dir) / KEY_FILE).read_text().strip()
    return environment_with(ours)


async def _first_of(*waits: Coroutine[object, object, object]) -> None:
    """Wait until one of them is done."""
    tasks = [asyncio.create_task(wait) for wait in waits]
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()
