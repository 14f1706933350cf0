"""Opens the pool of connections to Postgres."""

from typing import Final

import asyncpg

from service.store.connection import Connection, Pool
from service.store.errors import map_unavailable

__all__ = [
    "Connection",
    "Pool",
]

COMMAND_TIMEOUT_S: Final = 120.0
"""Seconds that a statement may take, waiting for a lock included."""

SERVER_SETTINGS: Final = {
    "application_name": "audience-sync",
    # A plan kept from when a table was empty makes a merge quadratic.
    "plan_cache_mode": "force_custom_plan",
    # Compiling a plan costs more than any of our statements.
    "jit": "off",
    "timezone": "UTC",
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
        )


async def prepare_connection(connection: Connection) -> None:
    """Make uuid values plain bytes: UUID objects cost three times the copying of a row."""
    await connection.set_type_codec(
        "uuid", schema="pg_catalog", encoder=bytes, decoder=bytes, format="binary"
    )
