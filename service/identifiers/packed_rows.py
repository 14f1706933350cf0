"""Many rows as they lie in the log: back to back, without an object for each of them."""

import functools
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain, groupby
from struct import Struct
from typing import Final, overload

from service.identifiers.rows import EMPTY_ROW, MASK_BYTES, row_mask, row_size, split_rows

_NUMBER_BYTES: Final = 8


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
        rows = list(rows)
        if run := run_of(rows):
            return cls([run])
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


def run_of(rows: Sequence[bytes]) -> Run | None:
    """These rows as one run; None if there are none, or with different masks.

    Raises:
        ValueError: the first is no row.
    """
    if not rows:
        return None
    mask = rows[0][:MASK_BYTES]
    size = row_size(row_mask(mask))
    if set(map(len, rows)) != {size}:
        return None
    packed = b"".join(rows)
    return Run(row_mask(mask), memoryview(packed)) if _is_uniform(packed, mask) else None


@functools.lru_cache(maxsize=64)
def one_row(row_bytes: int) -> Struct:
    """Cuts rows of that many bytes."""
    return Struct(f"{row_bytes}s")


def runs_of(chunk: bytes) -> list[Run]:
    """The rows of a chunk by mask, without empty ones. Rows of one mask only are not copied.

    Raises:
        ValueError: the chunk ends within a row, or a mask has an unknown key.
    """
    mask = chunk[:MASK_BYTES]
    if _is_uniform(chunk, mask):
        return [a_run(row_mask(mask), chunk)] if mask != EMPTY_ROW else []
    return by_mask(split_rows(chunk))


def by_mask(rows: Iterable[bytes]) -> list[Run]:
    """These rows by mask, without empty ones."""
    groups: dict[bytes, list[bytes]] = {}
    for row in rows:
        groups.setdefault(row[:MASK_BYTES], []).append(row)
    groups.pop(EMPTY_ROW, None)
    return [a_run(row_mask(mask), b"".join(some)) for mask, some in groups.items()]


def _is_uniform(chunk: bytes, mask: bytes) -> bool:
    """Whether a mask stands wherever it stands if all rows have it: then they have it indeed."""
    size = row_size(row_mask(mask))
    rows, rest = divmod(len(chunk), size)
    return not rest and all(chunk[at::size] == mask[at : at + 1] * rows for at in range(MASK_BYTES))


def distinct(runs: Iterable[Run]) -> PackedRows:
    """The rows of these runs, each once, and those of one mask behind each other.

    Few rows are there twice. So only hashes of all rows are kept, and where two are equal, the
    rows are looked at.
    """
    runs = sorted(runs, key=lambda run: run.mask)
    rows = PackedRows(runs)
    seen: set[int] = set()
    for run in runs:
        seen.update(_hashes(run))
    if len(seen) == len(rows):
        return rows
    times = Counter(chain.from_iterable(map(_hashes, runs)))
    repeated = {one for one, count in times.items() if count > 1}
    kept: set[bytes] = set()
    return PackedRows([_without_repeats(run, repeated, kept) for run in runs])


def _hashes(run: Run) -> list[int]:
    """A number for each row: the first bytes of its first value, which mostly is a hash itself."""
    packed = bytes(run.packed)
    first_bytes = bytearray(_NUMBER_BYTES * len(run))
    for at in range(_NUMBER_BYTES):
        first_bytes[at::_NUMBER_BYTES] = packed[MASK_BYTES + at :: run.row_bytes]
    return memoryview(first_bytes).cast("q").tolist()


def _without_repeats(run: Run, repeated: set[int], kept: set[bytes]) -> Run:
    """The rows of a run that are not `kept`, which gets those that may come again."""
    hashes = _hashes(run)
    if repeated.isdisjoint(hashes):
        return run
    rows = []
    for row, its_hash in zip(run, hashes, strict=True):
        if its_hash in repeated:
            if row in kept:
                continue
            kept.add(row)
        rows.append(row)
    return run if len(rows) == len(run) else a_run(run.mask, b"".join(rows))
