"""Reads what chunks of the log say together, without an object for each row where it can. Pure."""

from collections.abc import Iterable, Iterator, Sequence
from enum import StrEnum
from itertools import groupby
from typing import Final

from service.identifiers import split_rows
from service.identifiers.packed_rows import PackedRows, Run, distinct, runs_of

SMALL_CHUNK_BYTES: Final = 64 * 1024
"""Bytes: chunks below are read together, so that a log of many calls of few changes costs no more."""

Entry = tuple[str, bytes]
"""A chunk's operation, and its rows back to back."""


class Operation(StrEnum):
    """What a row of the log, or a call to Facebook, does."""

    ADD = "ADD"
    REMOVE = "REMOVE"

    @property
    def opposite(self) -> "Operation":
        return Operation.REMOVE if self is Operation.ADD else Operation.ADD


def added_rows(chunks: Sequence[Entry]) -> PackedRows:
    """Rows that were added and not removed again: the last operation on a row wins."""
    added: list[bytes] = []
    removed_later: set[bytes] = set()
    earliest = next((at for at, (one, _) in enumerate(chunks) if one == Operation.ADD), len(chunks))
    for operation, packed in reversed(chunks[earliest:]):
        if operation == Operation.REMOVE:
            removed_later.update(split_rows(packed))
        elif removed_later:
            added.append(_without(packed, removed_later))
        else:
            added.append(packed)
    return distinct(_runs(reversed(added)))


def removed_rows(chunks: Iterable[Entry]) -> PackedRows:
    """Rows that anybody lost, also those that somebody got again later in the window.

    Who else holds such a row may have been taken out with the leaver's other identifiers.
    """
    return distinct(_runs(packed for one, packed in chunks if one == Operation.REMOVE))


def all_rows(chunks: Iterable[Entry]) -> PackedRows:
    """Rows that were added or removed."""
    return distinct(_runs(packed for _, packed in chunks))


def _without(packed: bytes, removed: set[bytes]) -> bytes:
    rows = split_rows(packed)
    left = [row for row in rows if row not in removed]
    return packed if len(left) == len(rows) else b"".join(left)


def _runs(chunks: Iterable[bytes]) -> Iterator[Run]:
    filled = filter(None, chunks)
    for is_small, some in groupby(filled, lambda chunk: len(chunk) < SMALL_CHUNK_BYTES):
        for chunk in [b"".join(some)] if is_small else some:
            yield from runs_of(chunk)
