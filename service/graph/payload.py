"""Builds the JSON body of a membership call straight from packed rows, and reads echoed rows back.

A hash is hex and needs no escaping, so the text is put together without a JSON encoder: a list of
10,000 rows costs a few milliseconds instead of tens.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import reduce
from operator import or_
from typing import Final

from service.identifiers import Key, mask_keys, pack_row, row_mask, row_size, wire_value
from service.identifiers.rows import HASH_BYTES, MADID_BYTES, MASK_BYTES, value_size

BATCH_ROWS_MAX: Final = 10_000
"""Rows of one call (graph-contract §5.2)."""

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
    schema = schema_of(rows)
    names = ",".join(f'"{key.name}"' for key in schema)
    return (
        f'{{"payload":{{"schema":[{names}],"is_raw":true,"data":[{_data(rows, schema)}]}},'
        f'"session":{{"session_id":{session_id},"batch_seq":1,"last_batch_flag":true,'
        f'"estimated_num_total":{len(rows)}}}}}'
    ).encode()


def schema_of(rows: Sequence[bytes]) -> tuple[Key, ...]:
    """List the keys that some row uses, in Key order."""
    masks = [row_mask(mask) for mask in _masks(rows)]
    if 0 in masks:
        raise ValueError("a row without any key cannot be sent")
    return mask_keys(reduce(or_, masks, 0))


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


def _data(rows: Sequence[bytes], schema: Sequence[Key]) -> str:
    masks = _masks(rows)
    if len(masks) == 1 and Key.MADID not in schema:
        return _uniform_data(rows)
    write = {mask: _layout(mask, schema).write for mask in masks}
    return ",".join([write[row[:MASK_BYTES]](row) for row in rows])


def _uniform_data(rows: Sequence[bytes]) -> str:
    """Write rows that all have the same hashed keys: cut into hex, then quoted all at once."""
    cells = '"],["'.join([row[MASK_BYTES:].hex("|", HASH_BYTES) for row in rows])
    return '["' + cells.replace("|", '","') + '"]'


@dataclass(frozen=True, slots=True, kw_only=True)
class _Layout:
    """How rows with one mask are written under the schema of their batch.

    `template` has a `%s` for each value and an empty text for each blank; `device_at` is where
    the device id begins in the packed row.
    """

    template: str
    device_at: int | None

    def write(self, row: bytes) -> str:
        if self.device_at is None:
            return self.template % tuple(_hex_cells(row[MASK_BYTES:]))
        end = self.device_at + MADID_BYTES
        return self.template % (
            *_hex_cells(row[MASK_BYTES : self.device_at]),
            wire_value(Key.MADID, row[self.device_at : end]),
            *_hex_cells(row[end:]),
        )


def _layout(mask: bytes, schema: Sequence[Key]) -> _Layout:
    own = mask_keys(row_mask(mask))
    cells = ",".join('"%s"' if key in own else '""' for key in schema)
    before = sum(1 << key for key in own if key < Key.MADID)
    return _Layout(template=f"[{cells}]", device_at=row_size(before) if Key.MADID in own else None)


def _hex_cells(hashes: bytes) -> list[str]:
    return hashes.hex("|", HASH_BYTES).split("|") if hashes else []
