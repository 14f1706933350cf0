"""Many rows as they lie in the log: back to back, without an object for each of them."""

import functools
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from struct import Struct
from typing import Final, overload

from service.identifiers.rows import row_mask, row_size


@dataclass(frozen=True, slots=True)
class Run:
    """Rows of one mask, back to back, each with its mask before it."""

    mask: int
    packed: memoryview

    @property
    def row_bytes(self) -> int:
        return row_size(self.mask)

    def __len__(self) -> int:
        return len(self.packed) // self.row_bytes

    def __iter__(self) -> Iterator[bytes]:
        return (row for (row,) in one_row(self.row_bytes).iter_unpack(self.packed))

    def cut(self, start: int, end: int) -> "Run":
        """The rows from `start` up to `end`, not copied."""
        size = self.row_bytes
        return Run(self.mask, self.packed[start * size : end * size])


class PackedRows(Sequence[bytes]):
    """A sequence of rows that holds runs; cutting a part of it copies nothing."""

    __slots__ = ("_row_count", "runs")

    def __init__(self, runs: Iterable[Run] = ()) -> None:
        self.runs: Final = tuple(run for run in runs if run.packed)
        self._row_count: Final = sum(map(len, self.runs))

    @classmethod
    def of(cls, rows: Iterable[bytes]) -> "PackedRows":
        """These rows in their order.

        Raises:
            ValueError: something is no row.
        """
        if isinstance(rows, cls):
            return rows
        return cls(a_run(mask, b"".join(some)) for mask, some in groupby(rows, row_mask))

    def __len__(self) -> int:
        return self._row_count

    def __iter__(self) -> Iterator[bytes]:
        for run in self.runs:
            yield from run

    @overload
    def __getitem__(self, index: int) -> bytes: ...

    @overload
    def __getitem__(self, index: slice) -> "PackedRows": ...

    def __getitem__(self, index: int | slice) -> "bytes | PackedRows":
        if isinstance(index, slice):
            start, end, step = index.indices(len(self))
            if step != 1:
                raise ValueError("rows are cut in one piece")
            return PackedRows(self._between(start, end))
        at = range(len(self))[index]
        return next(iter(PackedRows(self._between(at, at + 1))))

    def _between(self, start: int, end: int) -> Iterator[Run]:
        first = 0
        for run in self.runs:
            if first >= end:
                return
            if first + len(run) > start:
                yield run.cut(max(start - first, 0), end - first)
            first += len(run)

    def __repr__(self) -> str:
        """The number alone: rows may hold device ids."""
        return f"PackedRows({len(self)} rows)"


def a_run(mask: int, packed: bytes) -> Run:
    """Rows of one mask.

    Raises:
        ValueError: the bytes do not end with a row.
    """
    if len(packed) % row_size(mask):
        raise ValueError("the rows of a run end within a row")
    return Run(mask, memoryview(packed))


@functools.lru_cache(maxsize=64)
def one_row(row_bytes: int) -> Struct:
    """Cuts rows of that many bytes."""
    return Struct(f"{row_bytes}s")
