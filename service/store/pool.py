"""Opens the pool of connections to Postgres."""

import socket
from typing import Final

import asyncpg

from service.store.connection import Connection, Pool
from service.store.errors import map_unavailable
from service.store.queries import DRIVER_PATIENCE_S

__all__ = [
    "Connection",
    "Pool",
]

STATEMENT_S_MAX: Final = 60.0
"""Seconds that a statement may take, waiting for locks included: a merge of 10,000 changes takes 0.3."""
LOCK_S_MAX: Final = 30.0
"""Seconds that a statement waits for one lock: longer than any but a list that replaces all holds one."""
IDLE_IN_TRANSACTION_S_MAX: Final = 60.0
"""Seconds between two statements of a transaction: what a process that stands still can hold up others."""
COMMAND_TIMEOUT_S: Final = STATEMENT_S_MAX + DRIVER_PATIENCE_S
"""Seconds after which the driver gives up on a server that does not end the statement itself."""

SILENCE_S_MAX: Final = 15
"""Seconds without any sign of life after which a connection to Postgres is over."""
_SILENCE_OPTIONS: Final = {
    "TCP_KEEPIDLE": SILENCE_S_MAX // 3,
    "TCP_KEEPINTVL": SILENCE_S_MAX // 3,
    "TCP_KEEPCNT": 2,
    "TCP_USER_TIMEOUT": SILENCE_S_MAX * 1_000,
}
"""Seconds, seconds, probes, milliseconds."""

SERVER_SETTINGS: Final = {
    "application_name": "audience-sync",
    # A plan kept from when a table was empty makes a merge quadratic.
    "plan_cache_mode": "force_custom_plan",
    # Compiling a plan costs more than any of our statements.
    "jit": "off",
    # Of temporary tables nothing is known: the planner takes what a merge joins for large, and sorts it.
    "enable_mergejoin": "off",
    # Of an audience that grew since the last analysis it is taken for small, and a page of its members is
    # gathered by reading and sorting all of them. Only block ranges need it: see `imports.sql`.
    "enable_bitmapscan": "off",
    "timezone": "UTC",
    "statement_timeout": f"{STATEMENT_S_MAX:.0f}s",
    "lock_timeout": f"{LOCK_S_MAX:.0f}s",
    "idle_in_transaction_session_timeout": f"{IDLE_IN_TRANSACTION_S_MAX:.0f}s",
}


async def open_pool(dsn: str, *, size: int = 10) -> Pool:
    """Open a pool of at most `size` connections, which read and write uuid values as 16 bytes.

    Raises: StoreUnavailable.
    """
    with map_unavailable():
        return await asyncpg.create_pool(
            dsn,
            min_size=1,
            max_size=size,
            command_timeout=COMMAND_TIMEOUT_S,
            server_settings=SERVER_SETTINGS,
            init=prepare_connection,
            reset=_leave_as_it_is,
        )


async def _leave_as_it_is(_: Connection) -> None:
    """Nothing to undo, so no round trip: what we do in a session ends with its transaction.

    A transaction that was left open the driver has ended by now. Who listens, or holds a lock of the
    session, has a connection that is no pool's.
    """


async def open_connection(dsn: str) -> Connection:
    """Open one connection, of no pool, as `open_pool` does. Whoever opened it ends it."""
    connection = await asyncpg.connect(
        dsn, command_timeout=COMMAND_TIMEOUT_S, server_settings=SERVER_SETTINGS
    )
    await prepare_connection(connection)
    return connection


async def prepare_connection(connection: Connection) -> None:
    """Make uuid values plain bytes: UUID objects cost three times the copying of a row."""
    notice_silence(connection)
    await connection.set_type_codec(
        "uuid", schema="pg_catalog", encoder=bytes, decoder=bytes, format="binary"
    )


def notice_silence(connection: Connection) -> None:
    """Let the kernel end a connection whose other end is gone without a word, as in a failover.

    A time-out of statements does not do it: long ones are well, and the driver would wait as long
    again for its cancellation, on one dead connection after the other.
    """
    # The driver has no option for it.
    transport = connection._transport  # type: ignore[union-attr]  # noqa: SLF001
    sock: socket.socket = transport.get_extra_info("socket")
    if sock.family == socket.AF_UNIX:
        return
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    for name, value in _SILENCE_OPTIONS.items():
        if hasattr(socket, name):  # not every system has them all
            sock.setsockopt(socket.IPPROTO_TCP, getattr(socket, name), value)
