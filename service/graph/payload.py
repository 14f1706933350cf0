"""Builds the JSON body of a membership call straight from packed rows, and reads echoed rows back.

A hash is hex and needs no escaping, so the text is put together without a JSON encoder, some dozens
of kilobytes at a time while the call is written: no body is ever whole in memory.
"""

from binascii import hexlify
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import lru_cache, reduce
from operator import or_
from struct import Struct
from typing import Final

from service.identifiers import Key, mask_keys, pack_row
from service.identifiers.packed_rows import PackedRows, Run
from service.identifiers.rows import HASH_BYTES, MASK_BYTES, value_size

BATCH_ROWS_MAX: Final = 10_000
"""Rows of one call (graph-contract §5.2)."""

PIECE_BYTES: Final = 64 * 1024
"""Bytes of a body that are built at once, about: well below a millisecond of work."""

LAYOUTS_MAX: Final = 64
"""Layouts remembered: some kilobytes each."""

UUID_PARTS: Final = (8, 4, 4, 4, 12)
"""Hex digits of the parts of a device id's text."""

SESSION_ID_MAX: Final = 2**63 - 1
"""Largest session id; they are positive (graph-contract §5.3)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MembershipBody:
    """The body of a call that is built piece by piece, each time anew. `size` is in bytes."""

    size: int
    _rows: PackedRows = field(repr=False)
    _schema: Sequence[Key]
    _head: bytes
    _tail: bytes

    def pieces(self) -> Iterator[bytes]:
        before = self._head
        for run in self._rows.runs:
            for piece in _data(run, self._schema):
                yield before + piece
                before = b","
        yield self._tail


def membership_body(rows: Sequence[bytes], *, session_id: int) -> MembershipBody:
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
    packed = PackedRows.of(rows)
    schema = schema_of(packed)
    names = ",".join(f'"{key.name}"' for key in schema)
    head = f'{{"payload":{{"schema":[{names}],"is_raw":true,"data":['
    tail = (
        f']}},"session":{{"session_id":{session_id},"batch_seq":1,"last_batch_flag":true,'
        f'"estimated_num_total":{len(rows)}}}}}'
    )
    data_bytes = sum(len(run) * _row_text_bytes(run.mask, schema) for run in packed.runs)
    return MembershipBody(
        size=len(head) + data_bytes + len(rows) - 1 + len(tail),
        _rows=packed,
        _schema=schema,
        _head=head.encode(),
        _tail=tail.encode(),
    )


def schema_of(rows: Sequence[bytes]) -> tuple[Key, ...]:
    """List the keys that some row uses, in Key order."""
    masks = [run.mask for run in PackedRows.of(rows).runs]
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


def _data(run: Run, schema: Sequence[Key]) -> Iterator[bytes]:
    """Write the rows of a run, with commas between them, as many at once as make a piece."""
    at_once = PIECE_BYTES // _row_text_bytes(run.mask, schema)
    for start in range(0, len(run), at_once):
        piece = run.cut(start, start + at_once)
        yield _layout(run.mask, schema, len(piece)).write(piece.packed)


def _row_text_bytes(mask: int, schema: Sequence[Key]) -> int:
    empty = len(_layout(mask, schema, 1).template % ((b"",) * _cell_count(mask)))
    return empty + 2 * sum(value_size(key) for key in mask_keys(mask))


def _cell_count(mask: int) -> int:
    return sum(len(_parts(key)) for key in mask_keys(mask))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Layout:
    """How so many rows with one mask are written under the schema of their batch.

    `cells` cuts their hex digits into their values, a device id into the parts of its text;
    `template` has a place for each of them, and an empty text for each blank.
    """

    cells: Struct
    template: bytes

    def write(self, packed_rows: memoryview) -> bytes:
        return self.template % self.cells.unpack(hexlify(packed_rows))


@lru_cache(maxsize=LAYOUTS_MAX)
def _layout(mask: int, schema: Sequence[Key], rows: int) -> _Layout:
    own = mask_keys(mask)
    sizes = [size for key in own for size in _parts(key)]
    cells = (f'"{"-".join("%b" for _ in _parts(key))}"' if key in own else '""' for key in schema)
    row = f"{2 * MASK_BYTES}x" + "".join(f"{size}s" for size in sizes)
    return _Layout(
        cells=Struct(row * rows),
        template=b",".join([f"[{','.join(cells)}]".encode()] * rows),
    )


def _parts(key: Key) -> Sequence[int]:
    """How many hex digits the parts of a value have, between which hyphens stand."""
    return UUID_PARTS if key is Key.MADID else (2 * HASH_BYTES,)
