"""Writes members' rows in Postgres' binary COPY format: a driver that encodes any record takes ten times as long.

Members with one row each (`MemberBatch`) are written together, any others one by one.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import Final

from service.identifiers import EMPTY_ROW, STRONG_KEYS
from service.identifiers.rows import HASH_BYTES, MASK_BYTES, PREFIX_BYTES
from service.store.copy_alike import records_of_rows
from service.store.copy_format import (
    BIGINT,
    END,
    NULL,
    SIGNATURE,
    UUID,
    field_count,
    size_of,
    smallint,
)
from service.store.member_batch import MemberBatch
from service.store.rows import MemberChange

ROW_COLUMNS: Final = (
    "member_key",
    "row_no",
    "packed_row",
    "email_prefix",
    "phone_prefix",
    "madid_prefix",
)
INCOMING_COLUMNS: Final = (*ROW_COLUMNS, "occurred_at")
STAGED_COLUMNS: Final = ("audience_no", "chunk_offset", *ROW_COLUMNS)
MEMBER_COLUMNS: Final = ("audience_no", "changed_at", *ROW_COLUMNS)

RECORDS_A_TURN: Final = 1_000
"""Records that are written one by one in one turn of the loop: a millisecond of it."""
ROWS_A_TURN: Final = 2_500
"""Rows of a batch that are written together in one turn of the loop: half a millisecond of it."""

_EPOCH: Final = datetime(2000, 1, 1, tzinfo=UTC)
_STRONG_BITS: Final = (1 << len(STRONG_KEYS)) - 1


def _prefix_writer(strong: int) -> Callable[[bytes], bytes]:
    """What writes the prefixes of a row that has these of STRONG_KEYS.

    A prefix is the first bytes of an identifier as they are: big-endian, as the format has numbers.
    """
    starts = []
    at = MASK_BYTES
    for key in STRONG_KEYS:
        starts.append(at if strong >> key & 1 else None)
        at += HASH_BYTES if strong >> key & 1 else 0
    parts = [None if at is None else slice(at, at + PREFIX_BYTES) for at in starts]
    return lambda row: b"".join(NULL if part is None else BIGINT + row[part] for part in parts)


_PREFIX_WRITERS: Final = [_prefix_writer(strong) for strong in range(_STRONG_BITS + 1)]


def incoming_records(changes: Sequence[MemberChange]) -> AsyncIterator[bytes]:
    """The bytes that copy INCOMING_COLUMNS."""
    head = field_count(len(INCOMING_COLUMNS)) + UUID
    if isinstance(changes, MemberBatch):
        plain = _plain_records(changes, head, NULL)
        return _copied(plain, _in_turns(_records(changes.others, head, has_time=True)))
    return _copied(_in_turns(_records(changes, head, has_time=True)))


def staged_records(
    audience_no: int, chunk_offset: int, changes: Sequence[MemberChange]
) -> AsyncIterator[bytes]:
    """The bytes that copy STAGED_COLUMNS; no member leaves, and no time is said."""
    return _records_of_audience(audience_no, BIGINT + chunk_offset.to_bytes(8), changes)


def member_records(
    audience_no: int, changed_at: datetime, changes: Sequence[MemberChange]
) -> AsyncIterator[bytes]:
    """The bytes that copy MEMBER_COLUMNS; no member leaves, and no time is said but `changed_at`."""
    return _records_of_audience(audience_no, _time(changed_at), changes)


def _records_of_audience(
    audience_no: int, second: bytes, changes: Sequence[MemberChange]
) -> AsyncIterator[bytes]:
    """Two fields that are the same in all records, `second` as it is copied, before ROW_COLUMNS."""
    count = field_count(2 + len(ROW_COLUMNS))
    head = b"".join((count, size_of(4), audience_no.to_bytes(4), second, UUID))
    if isinstance(changes, MemberBatch):
        plain = _plain_records(changes, head, b"")
        return _copied(plain, _in_turns(_records(changes.others, head, has_time=False)))
    return _copied(_in_turns(_records(changes, head, has_time=False)))


def _plain_records(batch: MemberBatch, head: bytes, tail: bytes) -> Iterator[bytes]:
    for start in range(0, len(batch.keys), ROWS_A_TURN):
        end = start + ROWS_A_TURN
        yield records_of_rows(batch.keys[start:end], batch.rows[start:end], head, tail)


def _records(changes: Iterable[MemberChange], head: bytes, *, has_time: bool) -> Iterator[bytes]:
    for change in changes:
        tail = _time(change.occurred_at) if has_time else b""
        rows: Sequence[bytes | None] = [None] if change.rows is None else change.rows or [EMPTY_ROW]
        for row_no, row in enumerate(rows):
            yield b"".join((head, change.member_key, smallint(row_no), _row(row), tail))


def _row(row: bytes | None) -> bytes:
    if row is None:
        return NULL * 4
    return b"".join((size_of(len(row)), row, _PREFIX_WRITERS[row[1] & _STRONG_BITS](row)))


def _time(time: datetime | None) -> bytes:
    if time is None:
        return NULL
    return BIGINT + ((time - _EPOCH) // timedelta(microseconds=1)).to_bytes(8, signed=True)


def _in_turns(records: Iterator[bytes]) -> Iterator[bytes]:
    while joined := b"".join(islice(records, RECORDS_A_TURN)):
        yield joined


async def _copied(*parts: Iterator[bytes]) -> AsyncIterator[bytes]:
    """The whole copy, giving the loop away behind every piece."""
    yield SIGNATURE
    for pieces in parts:
        for piece in pieces:
            yield piece
            await asyncio.sleep(0)
    yield END
