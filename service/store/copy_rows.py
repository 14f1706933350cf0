"""Writes members' rows in Postgres' binary COPY format: a driver that encodes any record takes ten times as long.

Format: https://www.postgresql.org/docs/current/sql-copy.html. A record is its number of fields, then
each field's length in bytes and the field, or a length of -1 for null.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import Final

from service.identifiers import EMPTY_ROW, STRONG_KEYS
from service.identifiers.rows import HASH_BYTES, MASK_BYTES, PREFIX_BYTES
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
"""Records that are written in one turn of the loop: about a millisecond of it."""

_SIGNATURE: Final = b"PGCOPY\n\xff\r\n\x00" + bytes(8)
_END: Final = b"\xff\xff"
_EPOCH: Final = datetime(2000, 1, 1, tzinfo=UTC)
_STRONG_BITS: Final = (1 << len(STRONG_KEYS)) - 1


def _size(count: int) -> bytes:
    return count.to_bytes(4, signed=True)


def _fields(count: int) -> bytes:
    return count.to_bytes(2)


_NULL: Final = _size(-1)
_BIGINT: Final = _size(8)
_UUID: Final = _size(16)
_SIZES: Final = [_size(count) for count in range(MASK_BYTES + HASH_BYTES * 16)]
"""By number of bytes, up to those of the longest row."""
_FIRST: Final = _size(2) + bytes(2)
"""The number of a member's first row."""


def _prefix_writer(strong: int) -> Callable[[bytes], bytes]:
    """What writes the prefixes of a row that has these of STRONG_KEYS.

    A prefix is the first bytes of an identifier as they are: big-endian, as the format has numbers.
    """
    starts = []
    at = MASK_BYTES
    for key in STRONG_KEYS:
        starts.append(at if strong >> key & 1 else None)
        at += HASH_BYTES if strong >> key & 1 else 0
    email, phone, madid = (None if at is None else slice(at, at + PREFIX_BYTES) for at in starts)
    if phone is None and madid is None:  # most rows
        return lambda row: b"".join((_BIGINT, row[email], _NULL, _NULL)) if email else _NULL * 3
    return lambda row: b"".join(
        _NULL if part is None else _BIGINT + row[part] for part in (email, phone, madid)
    )


_PREFIX_WRITERS: Final = [_prefix_writer(strong) for strong in range(_STRONG_BITS + 1)]


def incoming_records(changes: Sequence[MemberChange]) -> AsyncIterator[bytes]:
    """The bytes that copy INCOMING_COLUMNS."""
    head = _fields(len(INCOMING_COLUMNS)) + _UUID
    if isinstance(changes, MemberBatch):
        plain = _plain_records(changes, head, _NULL)
        return _copied(plain, _records(changes.others, head, has_time=True))
    return _copied(_records(changes, head, has_time=True))


def staged_records(
    audience_no: int, chunk_offset: int, changes: Sequence[MemberChange]
) -> AsyncIterator[bytes]:
    """The bytes that copy STAGED_COLUMNS; no member leaves, and no time is said."""
    return _records_of_audience(audience_no, _BIGINT + chunk_offset.to_bytes(8), changes)


def member_records(
    audience_no: int, changed_at: datetime, changes: Sequence[MemberChange]
) -> AsyncIterator[bytes]:
    """The bytes that copy MEMBER_COLUMNS; no member leaves, and no time is said but `changed_at`."""
    return _records_of_audience(audience_no, _time(changed_at), changes)


def _records_of_audience(
    audience_no: int, second: bytes, changes: Sequence[MemberChange]
) -> AsyncIterator[bytes]:
    """Two fields that are the same in all records, `second` as it is copied, before ROW_COLUMNS."""
    count = _fields(2 + len(ROW_COLUMNS))
    head = b"".join((count, _size(4), audience_no.to_bytes(4), second, _UUID))
    if isinstance(changes, MemberBatch):
        plain = _plain_records(changes, head, b"")
        return _copied(plain, _records(changes.others, head, has_time=False))
    return _copied(_records(changes, head, has_time=False))


def _plain_records(batch: MemberBatch, head: bytes, tail: bytes) -> Iterator[bytes]:
    return (
        b"".join(
            (head, key, _FIRST, _SIZES[len(row)], row, _PREFIX_WRITERS[row[1] & _STRONG_BITS](row), tail)
        )
        for key, row in zip(batch.keys, batch.rows, strict=True)
    )  # fmt: skip


def _records(changes: Iterable[MemberChange], head: bytes, *, has_time: bool) -> Iterator[bytes]:
    for change in changes:
        tail = _time(change.occurred_at) if has_time else b""
        rows: Sequence[bytes | None] = [None] if change.rows is None else change.rows or [EMPTY_ROW]
        for row_no, row in enumerate(rows):
            number = _size(2) + row_no.to_bytes(2)
            yield b"".join((head, change.member_key, number, _row(row), tail))


def _row(row: bytes | None) -> bytes:
    if row is None:
        return _NULL * 4
    return b"".join((_size(len(row)), row, _PREFIX_WRITERS[row[1] & _STRONG_BITS](row)))


def _time(time: datetime | None) -> bytes:
    if time is None:
        return _NULL
    return _BIGINT + ((time - _EPOCH) // timedelta(microseconds=1)).to_bytes(8, signed=True)


async def _copied(*parts: Iterator[bytes]) -> AsyncIterator[bytes]:
    """The whole copy, giving the loop away now and then."""
    yield _SIGNATURE
    for records in parts:
        while joined := b"".join(islice(records, RECORDS_A_TURN)):
            yield joined
            await asyncio.sleep(0)
    yield _END
