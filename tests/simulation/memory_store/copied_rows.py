"""Reads what is copied in Postgres' binary format, as the server would: by the types of the columns."""

from collections.abc import AsyncIterator, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from tests.simulation.memory_store.values import Row

_SIGNATURE: Final = b"PGCOPY\n\xff\r\n\x00" + bytes(8)
_EPOCH: Final = datetime(2000, 1, 1, tzinfo=UTC)
_NUMBERS: Final = {
    "audience_no": 4,
    "chunk_offset": 8,
    "row_no": 2,
    "email_prefix": 8,
    "phone_prefix": 8,
    "madid_prefix": 8,
}
"""Columns that are numbers, and their bytes."""
_TIMES: Final = {"occurred_at", "changed_at"}


async def copied_rows(source: AsyncIterator[bytes], columns: Sequence[str]) -> list[Row]:
    """The rows of a whole copy."""
    data = b"".join([part async for part in source])
    if not data.startswith(_SIGNATURE):
        raise ValueError("a copy begins with its signature")
    return list(_rows(data, len(_SIGNATURE), columns))


def _rows(data: bytes, at: int, columns: Sequence[str]) -> Iterator[Row]:
    while (count := int.from_bytes(data[at : at + 2], signed=True)) != -1:
        if count != len(columns):
            raise ValueError(f"{count} fields for {len(columns)} columns")
        at += 2
        row: Row = {}
        for column in columns:
            size = int.from_bytes(data[at : at + 4], signed=True)
            at += 4
            row[column] = None if size < 0 else _value(column, data[at : at + size])
            at += max(size, 0)
        yield row
    if at + 2 != len(data):
        raise ValueError("something follows the end of the copy")


def _value(column: str, data: bytes) -> Any:
    if column in _NUMBERS:
        if len(data) != _NUMBERS[column]:
            raise ValueError(f"{len(data)} bytes for {column}")
        return int.from_bytes(data, signed=True)
    if column in _TIMES:
        return _EPOCH + timedelta(microseconds=int.from_bytes(data, signed=True))
    return data
