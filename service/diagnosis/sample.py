"""Counts what a sample of an audience's rows holds. Values are compared, never told."""

import hashlib
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final

from service.identifiers import STRONG_KEYS, Key, unpack_row

NOTHINGS: Final = (" ", "null", "none", "nil", "undefined", "nan", "n/a", "na", "0", "test")
"""What callers hash where they know nothing. The hash of an empty text is dropped at the door."""
_HASHES_OF_NOTHING: Final = frozenset(hashlib.sha256(text.encode()).digest() for text in NOTHINGS)


@dataclass(frozen=True, slots=True, kw_only=True)
class RowSample:
    """Rows of different members by chance.

    `rows_with`: rows that have the key. `single_key_count`: rows of one key only. `most_shared`: rows that
    have the most frequent value of a strong key. `nothing_count`: hashes of nothing.
    """

    row_count: int = 0
    single_key_count: int = 0
    rows_with: Mapping[Key, int] = field(default_factory=dict)
    most_shared: Mapping[Key, int] = field(default_factory=dict)
    nothing_count: int = 0

    def share_with(self, key: Key) -> float:
        """The share of rows that have the key; 0 without rows."""
        return self.rows_with.get(key, 0) / self.row_count if self.row_count else 0.0


class Sampler:
    """Looks at packed rows, some at a time."""

    def __init__(self) -> None:
        self._values: dict[Key, Counter[bytes]] = {key: Counter() for key in STRONG_KEYS}
        self._rows_with: Counter[Key] = Counter()
        self._row_count = self._single_key_count = self._nothing_count = 0

    def look_at(self, packed_rows: Iterable[bytes]) -> None:
        for row in map(unpack_row, packed_rows):
            self._row_count += 1
            self._single_key_count += len(row) == 1
            self._rows_with.update(row.keys())
            self._nothing_count += sum(value in _HASHES_OF_NOTHING for value in row.values())
            for key in STRONG_KEYS:
                if key in row:
                    self._values[key][row[key]] += 1

    def sample(self) -> RowSample:
        """What was seen so far."""
        return RowSample(
            row_count=self._row_count,
            single_key_count=self._single_key_count,
            rows_with=dict(self._rows_with),
            most_shared={key: max(seen.values()) for key, seen in self._values.items() if seen},
            nothing_count=self._nothing_count,
        )
