"""The small parts of Postgres' binary COPY format.

Format: https://www.postgresql.org/docs/current/sql-copy.html. A record is its number of fields, then
each field's length in bytes and the field, or a length of -1 for null.
"""

from typing import Final


def size_of(count: int) -> bytes:
    """How the length of a field of so many bytes is written."""
    return count.to_bytes(4, signed=True)


def field_count(count: int) -> bytes:
    """How the number of a record's fields is written."""
    return count.to_bytes(2)


SIGNATURE: Final = b"PGCOPY\n\xff\r\n\x00" + bytes(8)
END: Final = b"\xff\xff"
NULL: Final = size_of(-1)
BIGINT: Final = size_of(8)
UUID: Final = size_of(16)


def smallint(number: int) -> bytes:
    """A field that holds the number."""
    return size_of(2) + number.to_bytes(2)
