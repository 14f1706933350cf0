"""The change log: chunks of packed rows in commit order, read by windows."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from service.store.connection import Connection
from service.store.queries import Command, PythonType, Query
from service.store.rows import Chunk

__all__ = [
    "Chunk",
]

CHUNK_ROWS_MAX: Final = 10_000
"""Rows a chunk."""
COMPACTED_ROWS_MAX: Final = 200_000
"""Rows a compacted chunk, and rows that one transaction takes out of the log for it."""
PRUNED_REMOVALS_MAX: Final = 100
"""Chunks of removals that one statement forgets: each holds up to 10,000 rows, compacted ones more."""
WINDOW_BYTES_MAX: Final = 10 * 1024 * 1024
"""Bytes of rows that are read together: four chunks of 10,000 rows with eight hashed keys."""

COMPACTED_AGE_MAX: Final = timedelta(days=1)
"""A compacted chunk is as old as the oldest that it stands for, so that nobody takes it for fresh, but
no older than this: its removals are kept for weeks from then on."""


@dataclass(frozen=True, slots=True)
class TakenOut:
    """What was taken out of the log."""

    rows_gone: int
    oldest_logged_at: datetime | None


_WINDOW: Final[dict[str, PythonType]] = {
    "audience_no": int,
    "after": int,
    "up_to": int,
    "rows_max": int,
    "bytes_max": int,
}
READ_WINDOW = Query("read_window", takes=_WINDOW, returns=Chunk)
READ_REMOVALS_WINDOW = Query("read_removals_window", takes=_WINDOW, returns=Chunk)
APPEND_CHUNKS = Query(
    "append_chunks",
    takes={
        "audience_no": int,
        "operation": str,
        "chunks": list[bytes],
        "row_counts": list[int],
        "rules_version": int,
        "now": datetime,
    },
    returns=int,
)
MOVE_CHUNKS_TO_END = Query(
    "move_chunks_to_end",
    takes={"audience_no": int, "revisions": list[int], "row_count": int, "now": datetime},
    returns=int,
)
COUNT_WINDOW = Query(
    "count_window",
    takes={"audience_no": int, "after": int, "up_to": int, "revisions": list[int]},
    returns=int,
)
PRUNE_LOG = Query(
    "prune_log",
    takes={
        "audience_no": int,
        "additions_up_to": int,
        "removals_before": datetime,
        "removals_max": int,
    },
    returns=int,
)
TAKE_CHUNKS_OUT = Query(
    "take_chunks_out", takes={"audience_no": int, "after": int, "up_to": int}, returns=TakenOut
)
PUT_CHUNK_IN = Command(
    "put_chunk_in",
    takes={
        "audience_no": int,
        "revision": int,
        "operation": str,
        "row_count": int,
        "rules_version": int,
        "logged_at": datetime,
        "packed_rows": bytes,
    },
)
COUNT_ROWS_SAVED = Command("count_rows_saved", takes={"audience_no": int, "rows_saved": int})
PRUNE_TOMBSTONES = Command(
    "prune_tombstones", takes={"audience_no": int, "before": datetime, "row_limit": int}
)


async def read_window(
    connection: Connection,
    audience_no: int,
    *,
    after: int,
    up_to: int,
    rows_max: int,
    bytes_max: int = WINDOW_BYTES_MAX,
) -> list[Chunk]:
    """Return the chunks that follow revision `after`, up to and with `up_to`.

    Shape: in order; at least one if there is one, else at most `rows_max` rows and `bytes_max` bytes
    of rows together.
    """
    return await READ_WINDOW.many(
        connection,
        audience_no=audience_no,
        after=after,
        up_to=up_to,
        rows_max=rows_max,
        bytes_max=bytes_max,
    )


async def read_removals_window(
    connection: Connection,
    audience_no: int,
    *,
    after: int,
    up_to: int,
    rows_max: int,
    bytes_max: int = WINDOW_BYTES_MAX,
) -> list[Chunk]:
    """As `read_window`, of the removals only."""
    return await READ_REMOVALS_WINDOW.many(
        connection,
        audience_no=audience_no,
        after=after,
        up_to=up_to,
        rows_max=rows_max,
        bytes_max=bytes_max,
    )


async def append_rows(
    connection: Connection,
    audience_no: int,
    operation: str,
    rows: Sequence[bytes],
    *,
    now: datetime,
    rules_version: int,
) -> int:
    """Log at least one row with one operation (ADD or REMOVE); return the log's new revision.

    Order: takes the audience's lock, so it comes before any other lock of the transaction.
    """
    pieces = list(_chunks(rows))
    return await APPEND_CHUNKS.value(
        connection,
        audience_no=audience_no,
        operation=operation,
        chunks=[b"".join(piece) for piece in pieces],
        row_counts=[len(piece) for piece in pieces],
        rules_version=rules_version,
        now=now,
    )


def _chunks(rows: Sequence[bytes]) -> Iterator[Sequence[bytes]]:
    if not rows:
        raise ValueError("no rows to log")
    for start in range(0, len(rows), CHUNK_ROWS_MAX):
        yield rows[start : start + CHUNK_ROWS_MAX]


async def move_to_end(
    connection: Connection, audience_no: int, chunks: Sequence[Chunk], *, now: datetime
) -> int:
    """Log chunks anew at the end, and not where they are; return the log's new revision.

    Order: as `append_rows`.
    """
    return await MOVE_CHUNKS_TO_END.value(
        connection,
        audience_no=audience_no,
        revisions=[chunk.revision for chunk in chunks],
        row_count=sum(chunk.row_count for chunk in chunks),
        now=now,
    )


async def count_window(
    connection: Connection, audience_no: int, *, after: int, up_to: int, revisions: list[int]
) -> int:
    """Return how many of the chunks `revisions` are still in the log."""
    return await COUNT_WINDOW.value(
        connection, audience_no=audience_no, after=after, up_to=up_to, revisions=revisions
    )


async def replace_chunks(
    connection: Connection,
    audience_no: int,
    *,
    after: int,
    chunks: Sequence[Chunk],
    shorter: Sequence[tuple[str, Sequence[bytes]]],
    now: datetime,
) -> bool:
    """Put fewer chunks of (operation, rows) in the place of those that follow `after`.

    They take the last revisions of the place, so that whoever reads up to its end reads them. False,
    and the transaction is of no use, when the chunks are not the ones in the log.
    Order: under the audience's lock, held by the holder of its lease; the chunks are not settled.
    """
    up_to, rows_before = chunks[-1].revision, sum(chunk.row_count for chunk in chunks)
    taken = await TAKE_CHUNKS_OUT.one(connection, audience_no=audience_no, after=after, up_to=up_to)
    if taken is None or taken.oldest_logged_at is None or taken.rows_gone != rows_before:
        return False
    logged_at = max(taken.oldest_logged_at, now - COMPACTED_AGE_MAX)
    for place, (operation, rows) in enumerate(shorter, start=1):
        await PUT_CHUNK_IN.execute(
            connection,
            audience_no=audience_no,
            revision=up_to - len(shorter) + place,
            operation=operation,
            row_count=len(rows),
            rules_version=min(chunk.rules_version for chunk in chunks),
            logged_at=logged_at,
            packed_rows=b"".join(rows),
        )
    rows_saved = rows_before - sum(len(rows) for _, rows in shorter)
    await COUNT_ROWS_SAVED.execute(connection, audience_no=audience_no, rows_saved=rows_saved)
    return True


async def prune_log(
    connection: Connection, audience_no: int, *, additions_up_to: int, removals_before: datetime
) -> int:
    """Forget additions up to a revision, and of the removals up to it those logged before a time.

    Returns how many chunks that were. Of the removals at most PRUNED_REMOVALS_MAX, the oldest first.
    """
    return await PRUNE_LOG.value(
        connection,
        audience_no=audience_no,
        additions_up_to=additions_up_to,
        removals_before=removals_before,
        removals_max=PRUNED_REMOVALS_MAX,
    )


async def prune_tombstones(
    connection: Connection, audience_no: int, before: datetime, *, limit: int
) -> int:
    """Forget members who left before then, at most `limit` and the oldest first; return how many."""
    return await PRUNE_TOMBSTONES.execute(
        connection, audience_no=audience_no, before=before, row_limit=limit
    )
