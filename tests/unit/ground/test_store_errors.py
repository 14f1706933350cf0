"""Which errors of the driver mean that Postgres is away, and which are defects of ours."""

import asyncpg
import pytest

from service.store.errors import StoreUnavailable, map_unavailable

GONE = [
    asyncpg.InterfaceError("connection is closed"),
    asyncpg.InternalClientError("cannot switch to state 12; another operation (2) is in progress"),
    asyncpg.InternalClientError(
        "PoolConnectionHolder.release() called on a free connection holder"
    ),
    asyncpg.ConnectionDoesNotExistError("connection was closed in the middle of operation"),
    asyncpg.DiskFullError("could not extend file"),
    ConnectionRefusedError("no"),
    TimeoutError(),
]
OURS = [
    asyncpg.InterfaceError("the server expects 2 arguments for this query, 1 was passed"),
    asyncpg.UniqueViolationError("violates"),
]


@pytest.mark.parametrize("error", GONE, ids=lambda error: type(error).__name__)
def test_a_lost_connection_is_told_as_that_without_the_drivers_text(error: Exception) -> None:
    with pytest.raises(StoreUnavailable) as caught, map_unavailable():
        raise error
    assert str(error) == "" or str(error) not in str(caught.value)


@pytest.mark.parametrize("error", OURS, ids=lambda error: type(error).__name__)
def test_a_defect_of_ours_stays_what_it_is(error: Exception) -> None:
    with pytest.raises(type(error)), map_unavailable():
        raise error
