"""Builds the JSON body of a membership call straight from packed rows, and reads echoed rows back.

A hash is hex and needs no escaping, so the text is put together without a JSON encoder: a list of
10,000 rows costs a few milliseconds instead of tens.
"""

from binascii import hexlify
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import reduce
from operator import or_
from struct import Struct
from typing import Final

from service.identifiers import Key, mask_keys, pack_row, row_mask
from service.identifiers.rows import HASH_BYTES, MASK_BYTES, value_size

BATCH_ROWS_MAX: Final = 10_000
"""Rows of one call (graph-contract §5.2)."""

UUID_PARTS: Final = (8, 4, 4, 4, 12)
"""Hex digits of the parts of a device id's text."""

SESSION_ID_MAX: Final = 2**63 - 1
"""Largest session id; they are positive (graph-contract §5.3)."""


def membership_body(rows: Sequence[bytes], *, session_id: int) -> bytes:
    """Write the rows as `payload` and `session`, always multi-key, a blank as an empty text.

    Shape: 1 to BATCH_ROWS_MAX rows, each with at least one key; the schema has the keys that
    some row uses, in Key order. A session is one call: its first batch is its last.
    Raises: ValueError when rows or session id are out of these bounds.
    Source: graph-contract §5.1, §5.3.
    """
    if not 1 <= len(rows) <= BATCH_ROWS_MAX:
        raise ValueError(f"a batch has 1 to {BATCH_ROWS_MAX} rows, not {len(rows)}")
    if not 1 <= session_id <= SESSION_ID_MAX:
        raise ValueError("a session id is a positive 64-bit number")
    masks = _masks(rows)
    schema = _schema_of(masks)
    names = ",".join(f'"{key.name}"' for key in schema)
    head = f'{{"payload":{{"schema":[{names}],"is_raw":true,"data":['
    tail = (
        f']}},"session":{{"session_id":{session_id},"batch_seq":1,"last_batch_flag":true,'
        f'"estimated_num_total":{len(rows)}}}}}'
    )
    return b"".join((head.encode(), _data(rows, masks, schema), tail.encode()))


def schema_of(rows: Sequence[bytes]) -> tuple[Key, ...]:
    """List the keys that some row uses, in Key order."""
    return _schema_of(_masks(rows))


def _schema_of(masks: Iterable[bytes]) -> tuple[Key, ...]:
    keys = [row_mask(mask) for mask in masks]
    if 0 in keys:
        raise ValueError("a row without any key cannot be sent")
    return mask_keys(reduce(or_, keys, 0))


def row_of_cells(schema: Sequence[Key], cells: Sequence[object]) -> bytes | None:
    """Pack a row that Facebook echoed as a list of texts; None when it is no row of ours."""
    if len(cells) != len(schema):
        return None
    values: dict[Key, bytes] = {}
    for key, cell in zip(schema, cells, strict=True):
        if cell in (None, ""):
            continue
        value = _value_of(key, cell)
        if value is None:
            return None
        values[key] = value
    return pack_row(values) if values else None


def _value_of(key: Key, cell: object) -> bytes | None:
    try:
        value = bytes.fromhex(cell.replace("-", "")) if isinstance(cell, str) else b""
    except ValueError:
        return None
    return value if len(value) == value_size(key) else None


def _masks(rows: Sequence[bytes]) -> set[bytes]:
    return {row[:MASK_BYTES] for row in rows}


def _data(rows: Sequence[bytes], masks: Iterable[bytes], schema: Sequence[Key]) -> bytes:
    layouts = {mask: _layout(mask, schema) for mask in masks}
    if len(layouts) == 1 and Key.MADID not in schema:
        [layout] = layouts.values()
        return _uniform_data(rows, layout.cells)
    return b",".join([layouts[row[:MASK_BYTES]].write(row) for row in rows])


def _uniform_data(rows: Sequence[bytes], cells: Struct) -> bytes:
    """Write rows that all have the same hashed keys: turned to hex at once, then cut and quoted."""
    cut = cells.iter_unpack(hexlify(b"".join(rows)))
    return b'["' + b'"],["'.join([b'","'.join(row) for row in cut]) + b'"]'


@dataclass(frozen=True, slots=True, kw_only=True)
class _Layout:
    """How rows with one mask are written under the schema of their batch.

    `cells` cuts the hex digits of such a row into its values, a device id into the parts of its
    text; `template` has a place for each of them, and an empty text for each blank.
    """

    cells: Struct
    template: bytes

    def write(self, row: bytes) -> bytes:
        return self.template % self.cells.unpack(hexlify(row))


def _layout(mask: bytes, schema: Sequence[Key]) -> _Layout:
    own = mask_keys(row_mask(mask))
    sizes = [size for key in own for size in _parts(key)]
    cells = (f'"{"-".join("%b" for _ in _parts(key))}"' if key in own else '""' for key in schema)
    return _Layout(
        cells=Struct(f"{2 * MASK_BYTES}x" + "".join(f"{size}s" for size in sizes)),
        template=f"[{','.join(cells)}]".encode(),
    )


def _parts(key: Key) -> Sequence[int]:
    """How many hex digits the parts of a value have, between which hyphens stand."""
    return UUID_PARTS if key is Key.MADID else (2 * HASH_BYTES,)
