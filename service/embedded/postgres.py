"""Shares one embedded Postgres among processes: the first starts it, the last one out stops it.

Who is inside is told by file locks, which the kernel releases together with the process that holds
them: a killed process leaves nothing behind that would have to be cleaned up.

    start.lock    held alone while somebody starts, attaches or stops
    holders.lock  held by everybody who uses the server, for as long as they use it
"""

import asyncio
import contextlib
import fcntl
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Final, Self

from service.embedded.account import (
    choose_account,
    find_programs,
    make_open_dir,
    place_of_data,
)
from service.embedded.errors import ADVICE, EmbeddedPostgresError
from service.embedded.server import Server

STAGE_DIR: Final = Path("/var/lib/audience-sync")
"""Where root puts what the server's account could not reach otherwise."""


class EmbeddedPostgres:
    """The Postgres server of one data directory, shared by every process that names the directory.

    It listens on a Unix socket only, which nobody but its owner (and root) can open.
    """

    def __init__(
        self, data_dir: Path, *, durable: bool = True, stage_dir: Path = STAGE_DIR
    ) -> None:
        """Prepare; nothing is touched before `start`.

        `durable` off makes commits that a crash of the machine may lose: for tests.
        """
        self.data_dir = data_dir.absolute()
        self._durable = durable
        self._stage_dir = stage_dir
        self._server: Server | None = None
        self._hold: IO[bytes] | None = None

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stop()

    async def start(self) -> str:
        """Start the server, or attach to it when it runs; return the address of its own database.

        Raises: EmbeddedPostgresError.
        """
        starting = asyncio.ensure_future(asyncio.to_thread(self._start))
        try:
            return await asyncio.shield(starting)
        except asyncio.CancelledError:
            # A thread cannot be cancelled: unless we wait, the server outlives us with no holder.
            await asyncio.wait([starting])
            with contextlib.suppress(EmbeddedPostgresError):
                starting.result()
                await self.stop()
            raise

    async def stop(self) -> None:
        """Let go of the server and, when no other process uses it, shut it down.

        Order: harmless before `start` and when repeated.
        Raises: EmbeddedPostgresError.
        """
        await asyncio.to_thread(self._stop)

    def dsn(self, database: str = "postgres") -> str:
        """Address of a database of the started server."""
        if self._server is None:
            raise RuntimeError("start() comes before dsn()")
        return self._server.dsn(database)

    def _start(self) -> str:
        try:
            with self._alone():
                self._hold = self._hold or _hold(self.data_dir)
                try:
                    self._server = self._bring_up()
                except BaseException:
                    self._let_go()
                    raise
        except OSError as error:
            raise EmbeddedPostgresError(f"embedded Postgres: {error}; {ADVICE}") from error
        return self.dsn()

    def _bring_up(self) -> Server:
        place = place_of_data(
            self.data_dir, choose_account(self.data_dir / "pgdata"), self._stage_dir
        )
        account = choose_account(place / "pgdata")
        bin_dir = find_programs(account, self._stage_dir)
        server = Server(place=place, bin_dir=bin_dir, account=account, durable=self._durable)
        server.initialise()
        if not server.is_up():
            server.launch()
        return server

    def _stop(self) -> None:
        if self._hold is None or self._server is None:
            return
        with self._alone():
            self._let_go()
            if _is_unheld(self.data_dir):
                self._server.shut_down()

    def _let_go(self) -> None:
        if self._hold is not None:
            self._hold.close()
            self._hold = None

    @contextlib.contextmanager
    def _alone(self) -> Iterator[None]:
        make_open_dir(self.data_dir)
        with (self.data_dir / "start.lock").open("wb") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield


def _hold(data_dir: Path) -> IO[bytes]:
    lock = (data_dir / "holders.lock").open("wb")
    fcntl.flock(lock, fcntl.LOCK_SH)
    return lock


def _is_unheld(data_dir: Path) -> bool:
    with (data_dir / "holders.lock").open("wb") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True
