"""What the store says when it cannot do what it was asked for."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager

import asyncpg


class StoreUnavailable(Exception):
    """Postgres cannot be reached, or cannot take this work now; the same call may succeed later."""


class CustomAudienceInUse(Exception):
    """The Custom Audience is kept by another audience already."""


class SchemaMismatch(Exception):
    """The database's schema is not one that this version of the code can work with."""


@contextmanager
def map_unavailable() -> Iterator[None]:
    """Raise StoreUnavailable in place of failures of the connection, and of time that ran out.

    The driver's own text is left out: it may quote the address of the database, or a value.
    """
    try:
        yield
    except _CONNECTION_SHAPED as error:
        raise StoreUnavailable(f"Postgres is unavailable ({type(error).__name__})") from error
    except (asyncpg.InterfaceError, asyncpg.InternalClientError) as error:
        if not _says_connection_is_gone(error):
            raise
        raise StoreUnavailable("Postgres is unavailable (connection closed)") from error


_CONNECTION_SHAPED = (
    OSError,
    asyncio.TimeoutError,
    asyncpg.PostgresConnectionError,
    asyncpg.OperatorInterventionError,  # a statement's time-out too
    asyncpg.LockNotAvailableError,
    asyncpg.IdleInTransactionSessionTimeoutError,
    asyncpg.InsufficientResourcesError,
    asyncpg.ReadOnlySQLTransactionError,
    asyncpg.InvalidAuthorizationSpecificationError,
)


_SIGNS_OF_A_LOST_CONNECTION = (
    "is closed",
    "is closing",
    "was closed",
    # The server's farewell has arrived and the end of the connection has not.
    "cannot switch to state",
    # It ended while it was in use, and its pool has taken it back already.
    "called on a free connection holder",
)


def _says_connection_is_gone(error: Exception) -> bool:
    """The driver has one class for misuse and for a connection that is gone: only its text tells."""
    return any(sign in str(error) for sign in _SIGNS_OF_A_LOST_CONNECTION)
