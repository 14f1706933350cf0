"""Writes the COPY records of many members' only rows together, with no work of Python's for each of them."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from functools import lru_cache
from struct import Struct
from typing import Final

from service.identifiers import STRONG_KEYS, mask_keys
from service.identifiers.packed_rows import Run, run_of
from service.identifiers.rows import MASK_BYTES, PREFIX_BYTES, value_size
from service.store.copy_format import BIGINT, NULL, size_of, smallint

CUTTERS_MAX: Final = 8
"""Cutters remembered: some dozens of kilobytes for each thousand rows."""

_STRONG_MASK: Final = sum(1 << key for key in STRONG_KEYS)


def records_of_rows(
    keys: Sequence[bytes], rows: Sequence[bytes], head: bytes, tail: bytes
) -> bytes:
    """The records of members with one row each; those whose rows have the same mask come together.

    Shape: a record is `head`, which ends with the length of the member's key, the key, the fields of
    the row's number, the row and its prefixes, and `tail`.
    """
    return b"".join(
        _records(its_keys, its_rows, run, head, tail)
        for its_keys, its_rows, run in _by_mask(keys, rows)
    )


def _by_mask(
    keys: Sequence[bytes], rows: Sequence[bytes]
) -> Iterator[tuple[Sequence[bytes], Sequence[bytes], Run]]:
    if run := run_of(rows):
        yield keys, rows, run
        return
    groups: defaultdict[bytes, tuple[list[bytes], list[bytes]]] = defaultdict(lambda: ([], []))
    for key, row in zip(keys, rows, strict=True):
        its_keys, its_rows = groups[row[:MASK_BYTES]]
        its_keys.append(key)
        its_rows.append(row)
    for its_keys, its_rows in groups.values():
        if run := run_of(its_rows):
            yield its_keys, its_rows, run


def _records(
    keys: Sequence[bytes], rows: Sequence[bytes], run: Run, head: bytes, tail: bytes
) -> bytes:
    """What differs from record to record put between what does not."""
    before, *between, after = _same_in_all(run, head, tail)
    prefixes = _prefix_cutter(run.mask, len(run)).unpack(run.packed)
    kinds = len(between) - 1
    differing = [keys, rows, *(prefixes[kind::kinds] for kind in range(kinds))]
    width = 2 * len(differing)
    pieces = [after + before, *(piece for same in between for piece in (b"", same)), b""] * len(run)
    pieces[0] = before
    pieces.append(after)
    for place, column in enumerate(differing):
        pieces[2 * place + 1 :: width] = column
    return b"".join(pieces)


def _same_in_all(run: Run, head: bytes, tail: bytes) -> list[bytes]:
    """What stands before the key, between key and row, before each prefix, and at the end."""
    same = [head, smallint(0) + size_of(run.row_bytes)]
    nulls = b""
    for key in STRONG_KEYS:
        if run.mask >> key & 1:
            same.append(nulls + BIGINT)
            nulls = b""
        else:
            nulls += NULL
    return [*same, nulls + tail]


@lru_cache(maxsize=CUTTERS_MAX)
def _prefix_cutter(mask: int, rows: int) -> Struct:
    """Cuts the prefixes out of so many rows with this mask."""
    strong = mask_keys(mask & _STRONG_MASK)
    values = "".join(f"{PREFIX_BYTES}s{value_size(key) - PREFIX_BYTES}x" for key in strong)
    weak_bytes = sum(value_size(key) for key in mask_keys(mask & ~_STRONG_MASK))
    return Struct(f"{MASK_BYTES}x{values}{weak_bytes}x" * rows)
