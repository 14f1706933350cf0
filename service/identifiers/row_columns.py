"""Packs columns of values into rows, one a member."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from service.identifiers.keys import STRONG_KEYS, Key
from service.identifiers.rows import MASK_BYTES, row_size

_STRONG_MASK: Final = sum(1 << key for key in STRONG_KEYS)
_NO_HEAD: Final = (b"", -1)
_HEADS: Final = {
    mask: (mask.to_bytes(MASK_BYTES), row_size(mask))
    for mask in range(1 << len(Key))
    if mask & _STRONG_MASK
}
"""How rows begin and how long they are, by their masks; without anything strong there is no row."""


def pack_columns(columns: Mapping[Key, Sequence[bytes]], count: int) -> list[bytes | None]:
    """The rows of `count` members; None for one without anything strong, or with a value of a wrong size.

    Shape: `columns` has for each key, in the order of the keys, a value for each member, empty
    where there is none.
    """
    everywhere = 0
    elsewhere: list[Iterable[int]] = []
    for key, column in columns.items():
        bit = 1 << key
        if all(column):
            everywhere |= bit
        else:
            elsewhere.append([bit if value else 0 for value in column])
    if not elsewhere:
        return _of_one_mask(everywhere, columns, count)
    masks = map(sum, zip([everywhere] * count, *elsewhere, strict=True))
    heads = [_HEADS.get(mask, _NO_HEAD) for mask in masks]
    rows = map(b"".join, zip([head for head, _ in heads], *columns.values(), strict=True))
    return [row if len(row) == size else None for row, (_, size) in zip(rows, heads, strict=True)]


def _of_one_mask(
    mask: int, columns: Mapping[Key, Sequence[bytes]], count: int
) -> list[bytes | None]:
    head, size = _HEADS.get(mask, _NO_HEAD)
    rows = list(map(b"".join, zip([head] * count, *columns.values(), strict=True)))
    if set(map(len, rows)) == {size}:
        return [*rows]
    return [row if len(row) == size else None for row in rows]
