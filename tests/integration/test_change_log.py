import pytest

from service.identifiers import split_rows
from service.store import change_log
from service.store.connection import Connection
from tests.integration.store_builders import NOON, an_audience, at, connected, email, reread

UP_TO_ALL = 2**62


async def logged(
    connection: Connection, audience_no: int, *sizes: tuple[str, int], minute: int = 0
) -> int:
    """Log one chunk for each operation and number of rows; return the last revision."""
    revision = 0
    for operation, count in sizes:
        rows = [email(f"{operation}{n}") for n in range(count)]
        revision = await change_log.append_rows(
            connection, audience_no, operation, rows, now=at(minute), rules_version=1
        )
    return revision


async def revisions(
    connection: Connection,
    audience_no: int,
    *,
    after: int = 0,
    up_to: int = UP_TO_ALL,
    rows: int,
    **more: int,
) -> list[int]:
    chunks = await change_log.read_window(
        connection, audience_no, after=after, up_to=up_to, rows_max=rows, **more
    )
    return [chunk.revision for chunk in chunks]


async def test_rows_are_logged_in_chunks_and_counted(database_url: str) -> None:
    async with connected(database_url) as connection:
        audience_no = (await an_audience(connection)).audience_no
        rows = [email(str(n)) for n in range(20_001)]
        assert (
            await change_log.append_rows(
                connection, audience_no, "REMOVE", rows, now=NOON, rules_version=7
            )
            == 3
        )
        chunks = await change_log.read_window(
            connection, audience_no, after=0, up_to=3, rows_max=100_000
        )
        assert [(c.revision, c.operation, c.row_count, c.rules_version) for c in chunks] == [
            *((1, "REMOVE", 10_000, 7), (2, "REMOVE", 10_000, 7), (3, "REMOVE", 1, 7)),
        ]
        assert [row for chunk in chunks for row in split_rows(chunk.packed_rows)] == rows
        audience = await reread(connection, audience_no)
        assert (audience.revision, audience.rows_logged) == (3, 20_001)
        assert audience.pending_change_count == 20_001


async def test_nothing_to_log_is_refused(database_url: str) -> None:
    async with connected(database_url) as connection:
        audience_no = (await an_audience(connection)).audience_no
        with pytest.raises(ValueError, match="no rows"):
            await logged(connection, audience_no, ("ADD", 0))


async def test_a_window_has_whole_chunks_up_to_its_size(database_url: str) -> None:
    async with connected(database_url) as connection:
        audience_no = (await an_audience(connection)).audience_no
        await logged(connection, audience_no, ("ADD", 3), ("REMOVE", 2), ("ADD", 4), ("ADD", 1))
        assert await revisions(connection, audience_no, rows=5) == [1, 2]
        assert await revisions(connection, audience_no, rows=8) == [1, 2]
        assert await revisions(connection, audience_no, rows=9) == [1, 2, 3]
        assert await revisions(connection, audience_no, rows=100) == [1, 2, 3, 4]
        assert await revisions(connection, audience_no, rows=100, up_to=2) == [1, 2]
        assert await revisions(connection, audience_no, rows=100, after=2) == [3, 4]
        assert await revisions(connection, audience_no, rows=100, after=4) == []


async def test_a_window_has_whole_chunks_up_to_its_bytes(database_url: str) -> None:
    async with connected(database_url) as connection:
        audience_no = (await an_audience(connection)).audience_no
        await logged(connection, audience_no, ("ADD", 300), ("REMOVE", 2), ("ADD", 4))
        size = len(email("a"))
        assert await revisions(connection, audience_no, rows=999, bytes_max=306 * size) == [1, 2, 3]
        assert await revisions(connection, audience_no, rows=999, bytes_max=306 * size - 1) == [
            1,
            2,
        ]
        assert await revisions(connection, audience_no, rows=999, bytes_max=1) == [1]
        assert await revisions(connection, audience_no, rows=302, bytes_max=306 * size) == [1, 2]


async def test_a_window_has_at_least_one_chunk(database_url: str) -> None:
    async with connected(database_url) as connection:
        audience_no = (await an_audience(connection)).audience_no
        await logged(connection, audience_no, ("ADD", 3), ("ADD", 1))
        assert await revisions(connection, audience_no, rows=1) == [1]


async def test_removals_are_read_alone(database_url: str) -> None:
    async with connected(database_url) as connection:
        audience_no = (await an_audience(connection)).audience_no
        await logged(
            connection, audience_no, ("REMOVE", 1), ("ADD", 9), ("REMOVE", 2), ("REMOVE", 3)
        )
        for rows_max, expected in ((3, [1, 3]), (99, [1, 3, 4]), (1, [1])):
            chunks = await change_log.read_removals_window(
                connection, audience_no, after=0, up_to=9, rows_max=rows_max
            )
            assert [chunk.revision for chunk in chunks] == expected


async def test_a_lost_chunk_is_noticed(database_url: str) -> None:
    async with connected(database_url) as connection:
        audience_no = (await an_audience(connection)).audience_no
        await logged(connection, audience_no, ("ADD", 1), ("ADD", 1), ("ADD", 1))
        await connection.execute("delete from change_chunk where revision = 2")
        left = await change_log.count_window(
            connection, audience_no, after=0, up_to=3, revisions=[1, 2, 3]
        )
        assert left == 2


async def test_settled_additions_go_at_once_and_removals_when_they_are_old(
    database_url: str,
) -> None:
    async with connected(database_url) as connection:
        audience_no = (await an_audience(connection)).audience_no
        await logged(connection, audience_no, ("REMOVE", 1), ("ADD", 1), minute=0)
        await logged(connection, audience_no, ("REMOVE", 1), ("ADD", 1), minute=10)
        await logged(connection, audience_no, ("REMOVE", 1), minute=0)

        async def prune(up_to: int, minute: int) -> tuple[int, list[int]]:
            count = await change_log.prune_log(
                connection, audience_no, additions_up_to=up_to, removals_before=at(minute)
            )
            return count, await revisions(connection, audience_no, rows=99)

        assert await prune(0, 99) == (0, [1, 2, 3, 4, 5])
        assert await prune(3, 5) == (2, [3, 4, 5])
        assert await prune(4, 0) == (1, [3, 5])
        assert await prune(4, 99) == (1, [5])


async def test_tombstones_go_in_slices_the_oldest_first(database_url: str) -> None:
    async with connected(database_url) as connection:
        audience_no = (await an_audience(connection)).audience_no
        for minute in (3, 1, 2, 9):
            await connection.execute(
                "insert into tombstone values ($1, $2, $3)",
                audience_no,
                bytes([minute] * 16),
                at(minute),
            )
        left = []
        for _ in range(2):
            await change_log.prune_tombstones(connection, audience_no, at(5), limit=2)
            found = await connection.fetch("select changed_at from tombstone order by changed_at")
            left.append([record["changed_at"] for record in found])
        assert left == [[at(3), at(9)], [at(9)]]
