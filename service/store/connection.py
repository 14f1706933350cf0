"""The type of a connection, pooled or not, and the pool's."""

from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    import asyncpg
    from asyncpg.pool import PoolConnectionProxy

    Connection: TypeAlias = asyncpg.Connection[asyncpg.Record] | PoolConnectionProxy[asyncpg.Record]
    Pool: TypeAlias = asyncpg.Pool[asyncpg.Record]
else:  # the driver's classes take no parameters when the program runs
    from asyncpg import Connection, Pool

__all__ = ["Connection", "Pool"]
