"""Packs columns of values into rows, one a member."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from service.identifiers.keys import STRONG_KEYS, Key
from service.identifiers.rows import MASK_BYTES

_STRONG_MASK: Final = sum(1 << key for key in STRONG_KEYS)
_HEADS: Final = {
    mask: mask.to_bytes(MASK_BYTES) for mask in range(1 << len(Key)) if mask & _STRONG_MASK
}
"""How rows begin, by their masks; without anything strong there is no row."""


def pack_columns(columns: Mapping[Key, Sequence[bytes]], count: int) -> list[bytes | None]:
    """The rows of `count` members; None for one without anything strong.

    Shape: `columns` has for each key, in the order of the keys, a value for each member, empty
    where there is none.
    """
    everywhere = 0
    elsewhere: list[Iterable[int]] = []
    for key, column in columns.items():
        if all(column):
            everywhere |= 1 << key
        else:
            elsewhere.append([1 << key if value else 0 for value in column])
    if not elsewhere:
        heads = [_HEADS.get(everywhere, b"")] * count
    else:
        masks = map(sum, zip([everywhere] * count, *elsewhere, strict=True))
        heads = [_HEADS.get(mask, b"") for mask in masks]
    rows = map(b"".join, zip(heads, *columns.values(), strict=True))
    if b"" not in heads:
        return list(rows)
    return [row if head else None for head, row in zip(heads, rows, strict=True)]
