"""Packs a member's values into rows of bytes, and takes such rows apart.

A row is a key mask of two bytes, big-endian (bit i stands for key number i), then the values
in the order of the keys: 32 bytes of SHA-256, for a device id its 16 bytes.
"""

import functools
from collections.abc import Iterator, Mapping
from typing import Final, NamedTuple

from service.identifiers.keys import STRONG_KEYS, WEAK_KEYS, Key
from service.identifiers.madid import uuid_text

MASK_BYTES: Final = 2
"""Bytes of the mask before a row's values."""
HASH_BYTES: Final = 32
"""Bytes of a hashed value."""
MADID_BYTES: Final = 16
"""Bytes of a device id."""
PREFIX_BYTES: Final = 8
"""Bytes of a strong identifier that the index of a store keeps."""

EMPTY_ROW: Final = bytes(MASK_BYTES)
"""Stands for a member with nothing to match. Never sent."""

_STRONG_MASK: Final = sum(1 << key for key in STRONG_KEYS)
_MADID_BIT: Final = 1 << Key.MADID
_MASK_END: Final = 1 << len(Key)


class Identifier(NamedTuple):
    """One value of one key, as it lies in a row."""

    key: Key
    value: bytes

    def __repr__(self) -> str:
        """The key alone: a device id is a plain identifier."""
        return f"Identifier({self.key.name})"


def value_size(key: Key) -> int:
    """Bytes of one value of this key."""
    return MADID_BYTES if key is Key.MADID else HASH_BYTES


_MASKS_ALONE: Final = {key: ((1 << key).to_bytes(MASK_BYTES), value_size(key)) for key in Key}


def pack_row(values: Mapping[Key, bytes]) -> bytes:
    """The packed row of these values.

    Raises:
        ValueError: a value has not the size its key asks for.
    """
    mask = 0
    parts = [EMPTY_ROW]
    for key, value in sorted(values.items()):
        if len(value) != value_size(key):
            raise ValueError(f"{key.name} has {len(value)} bytes, not {value_size(key)}")
        mask |= 1 << key
        parts.append(value)
    parts[0] = mask.to_bytes(MASK_BYTES)
    return b"".join(parts)


def unpack_row(row: bytes) -> dict[Key, bytes]:
    """The values of a packed row.

    Raises:
        ValueError: the bytes are not exactly one row.
    """
    if len(row) < MASK_BYTES or row_size(row_mask(row)) != len(row):
        raise ValueError("not a packed row")
    return dict(_values(row))


def row_mask(row: bytes) -> int:
    """The key mask of a row: bit i is set where key number i has a value."""
    return int.from_bytes(row[:MASK_BYTES])


@functools.lru_cache(maxsize=_MASK_END)
def row_size(mask: int) -> int:
    """Bytes of a row with this mask, the mask included.

    Raises:
        ValueError: the mask has a bit that stands for no key.
    """
    if not 0 <= mask < _MASK_END:
        raise ValueError("a mask with an unknown key")
    size = MASK_BYTES + HASH_BYTES * mask.bit_count()
    return size - (HASH_BYTES - MADID_BYTES) if mask & _MADID_BIT else size


@functools.lru_cache(maxsize=_MASK_END)
def mask_keys(mask: int) -> tuple[Key, ...]:
    """The keys of a mask, in order."""
    return tuple(key for key in Key if mask >> key & 1)


def split_rows(chunk: bytes) -> list[bytes]:
    """The rows that lie back to back in a chunk.

    Raises:
        ValueError: the chunk ends within a row, or a mask has an unknown key.
    """
    rows = []
    start = 0
    chunk_end = len(chunk)
    while start < chunk_end:
        end = start + _size_of(chunk[start : start + MASK_BYTES])
        if end > chunk_end:
            raise ValueError("the chunk ends within a row")
        rows.append(chunk[start:end])
        start = end
    return rows


@functools.lru_cache(maxsize=_MASK_END)
def _size_of(mask: bytes) -> int:
    return row_size(int.from_bytes(mask))


def strong_identifiers(row: bytes) -> tuple[Identifier, ...]:
    """The row's e-mail, phone and device, as far as it has them, in this order."""
    return tuple([Identifier(key, row[place]) for key, place in _places_of(row[:MASK_BYTES])])


@functools.lru_cache(maxsize=_MASK_END)
def _places_of(mask: bytes) -> tuple[tuple[Key, slice], ...]:
    return strong_places(int.from_bytes(mask))


@functools.lru_cache(maxsize=_MASK_END)
def strong_places(mask: int) -> tuple[tuple[Key, slice], ...]:
    """Where the strong identifiers lie in a row with this mask."""
    places = []
    start = MASK_BYTES
    for key in mask_keys(mask & _STRONG_MASK):
        end = start + value_size(key)
        places.append((key, slice(start, end)))
        start = end
    return tuple(places)


def prefix(value: bytes) -> int:
    """The first 8 bytes of a value as a signed 64-bit number, for an index."""
    return int.from_bytes(value[:PREFIX_BYTES], signed=True)


def row_with_only(row: bytes, key: Key) -> bytes:
    """One strong identifier of the row with all the row's weak keys beside it.

    Raises:
        KeyError: the row has no value of this key.
    """
    values = unpack_row(row)
    return pack_row(
        {key: values[key]} | {weak: values[weak] for weak in WEAK_KEYS if weak in values}
    )


def row_of(identifier: Identifier) -> bytes:
    """A row of that identifier alone.

    Raises:
        ValueError: the value has not the size its key asks for.
    """
    mask, size = _MASKS_ALONE[identifier.key]
    if len(identifier.value) != size:
        return pack_row({identifier.key: identifier.value})  # says what is wrong
    return mask + identifier.value


def wire_value(key: Key, value: bytes) -> str:
    """What Facebook gets: 64 hex digits in lower case, for a device id its UUID text."""
    return uuid_text(value) if key is Key.MADID else value.hex()


def _values(row: bytes) -> Iterator[tuple[Key, bytes]]:
    start = MASK_BYTES
    for key in mask_keys(row_mask(row)):
        end = start + value_size(key)
        yield key, row[start:end]
        start = end
