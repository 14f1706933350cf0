"""Owns the check of cells: whole columns at once, single cells only where a column has a fault."""

import re
from collections.abc import Sequence
from typing import Final

from fakefb.schema_keys import CellKind

_HASH: Final = re.compile(r"[0-9a-f]{64}")
_DEVICE: Final = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")

NOT_A_HASH: Final = "not a SHA-256 hash in lower-case hexadecimal"
NOT_A_DEVICE: Final = "not a mobile advertising id in lower case"
EMPTY_EXTERN_ID: Final = "empty external ID"
NOT_A_VALUE: Final = "not a number of zero or more"
NOT_TEXT: Final = "not a text value"
ALL_BLANK: Final = "all values are empty"


def is_clean(kind: CellKind, column: Sequence[object]) -> bool:
    """Tell whether no cell of the column can be at fault; may say no for a good column."""
    match kind:
        case CellKind.FREE:
            return True
        case CellKind.HASH:
            return _all_text(column) and _all_hashes("".join(column), column)  # type: ignore[arg-type]
        case CellKind.DEVICE | CellKind.EXTERN_ID | CellKind.VALUE:
            return not any(fault_of(kind, cell) for cell in column)


def fault_of(kind: CellKind, cell: object) -> str | None:
    """Return why the cell is refused, or None."""
    match kind:
        case CellKind.FREE:
            return None
        case CellKind.VALUE:
            return None if _is_value(cell) else NOT_A_VALUE
        case CellKind.HASH | CellKind.DEVICE | CellKind.EXTERN_ID:
            return _text_fault(kind, cell) if isinstance(cell, str) else NOT_TEXT


def _text_fault(kind: CellKind, cell: str) -> str | None:
    if kind is CellKind.EXTERN_ID:
        return None if cell else EMPTY_EXTERN_ID
    if not cell:
        return None
    if kind is CellKind.HASH:
        return None if _HASH.fullmatch(cell) else NOT_A_HASH
    return None if _DEVICE.fullmatch(cell) else NOT_A_DEVICE


def _all_text(column: Sequence[object]) -> bool:
    return set(map(type, column)) <= {str}


def _all_hashes(joined: str, column: Sequence[str]) -> bool:
    if not set(map(len, column)) <= {0, 64} or joined != joined.lower():
        return False
    try:
        # White space is skipped by fromhex, so that the length must tell.
        return len(bytes.fromhex(joined)) * 2 == len(joined)
    except ValueError:
        return False


def _is_value(cell: object) -> bool:
    if isinstance(cell, str):
        try:
            cell = float(cell)
        except ValueError:
            return False
    if isinstance(cell, bool) or not isinstance(cell, int | float):
        return False
    return cell >= 0
