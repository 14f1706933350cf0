"""Owns the reading of `payload`: schema, shape and cells, and which rows are invalid."""

from collections.abc import Mapping, Sequence, Sized
from dataclasses import dataclass
from itertools import islice
from typing import Final, cast

import orjson

from fakefb import graph_errors
from fakefb.cells import ALL_BLANK, EMPTY_EXTERN_ID, fault_of, is_clean
from fakefb.matching import Columns
from fakefb.schema_keys import CELL_KINDS, ID_KEYS, SINGLE_KEYS, STRONG_KEYS, WEAK_KEYS

ROWS_MAX: Final = 10_000
"""Rows of one call."""
SAMPLES_MAX: Final = 100
"""Invalid rows shown in an answer."""
REFUSED_BY_FAULT: Final = "refused by a fault of this fake"


@dataclass(frozen=True, slots=True, kw_only=True)
class Payload:
    """A payload of the right shape; `columns` lie in schema order and may hold bad cells."""

    schema: tuple[str, ...]
    is_multi_key: bool
    columns: Mapping[str, Sequence[object]]
    rows: Sequence[object]
    """The rows as they came, for samples."""


@dataclass(frozen=True, slots=True)
class Judged:
    """The good rows of a payload as columns that can match, and the reasons of the bad ones."""

    columns: Columns
    invalid: Mapping[int, str]
    """Reason by row number."""


def row_count(payload: object) -> int:
    """Return how many rows an unchecked payload seems to carry."""
    data = payload.get("data") if isinstance(payload, Mapping) else None
    return len(data) if isinstance(data, list) else 0


def read_payload(value: object, *, is_value_based: bool) -> Payload:
    """Check schema and shape.

    Raises: GraphError 100 for a missing or wrong schema, empty data, rows of a wrong width.
    """
    if value is None:
        raise graph_errors.missing_required_parameter("payload")
    if not isinstance(value, Mapping):
        raise graph_errors.data_mismatch("payload must be an object")
    schema, is_multi_key = _schema(value.get("schema"))
    _check_companions(value, schema, is_value_based=is_value_based)
    data = value.get("data")
    if not isinstance(data, list) or not data:
        raise graph_errors.data_mismatch("data is empty")
    if not is_multi_key:
        columns: Mapping[str, Sequence[object]] = {schema[0]: data}
    else:
        _check_width(data, len(schema))
        columns = dict(zip(schema, zip(*data, strict=True), strict=True))
    return Payload(schema=schema, is_multi_key=is_multi_key, columns=columns, rows=data)


def judge(payload: Payload, *, lenient: bool, refused: int = 0) -> Judged:
    """Find invalid rows; `lenient` lets cells that are no hash pass (they match nobody).

    Of the good rows the first `refused` are called invalid all the same.
    """
    blank = EMPTY_EXTERN_ID if "EXTERN_ID" in payload.columns else ALL_BLANK
    invalid: dict[int, str] = dict.fromkeys(_blank_rows(payload), blank)
    for key, column in payload.columns.items():
        kind = CELL_KINDS[key]
        if (lenient and key != "EXTERN_ID") or is_clean(kind, column):
            continue
        for i, cell in enumerate(column):
            reason = fault_of(kind, cell)
            if reason is not None:
                invalid.setdefault(i, reason)
    good = (i for i in range(len(payload.rows)) if i not in invalid)
    invalid |= dict.fromkeys(list(islice(good, refused)), REFUSED_BY_FAULT)
    return Judged(_matchable(payload, invalid, all_text=not lenient), invalid)


def samples(payload: Payload, invalid: Mapping[int, str]) -> dict[str, str]:
    """Return at most `SAMPLES_MAX` invalid rows as compact JSON, with their reasons."""
    chosen = sorted(invalid)[:SAMPLES_MAX]
    return {_compact(payload.rows[i]): invalid[i] for i in chosen}


def _schema(value: object) -> tuple[tuple[str, ...], bool]:
    if isinstance(value, str):
        if value not in SINGLE_KEYS:
            raise graph_errors.data_mismatch(f"unknown schema {value}")
        return (SINGLE_KEYS[value],), False
    if not isinstance(value, list) or not value:
        raise graph_errors.data_mismatch("schema is missing")
    for key in value:
        if not isinstance(key, str) or key not in CELL_KINDS:
            raise graph_errors.data_mismatch(f"unknown key {key if isinstance(key, str) else '?'}")
    if len(set(value)) != len(value):
        raise graph_errors.data_mismatch("a key is repeated")
    return tuple(value), True


def _check_companions(
    value: Mapping[str, object], schema: tuple[str, ...], *, is_value_based: bool
) -> None:
    if "LOOKALIKE_VALUE" in schema and not is_value_based:
        raise graph_errors.data_mismatch("LOOKALIKE_VALUE needs a value-based audience")
    if "UID" in schema and not value.get("app_ids"):
        raise graph_errors.data_mismatch("UID needs app_ids")
    if "PAGEUID" in schema:
        pages = value.get("page_ids")
        if not isinstance(pages, list) or len(pages) != 1 or value.get("is_raw") is not True:
            raise graph_errors.data_mismatch("PAGEUID needs is_raw and exactly one of page_ids")


def _check_width(data: Sequence[Sized], width: int) -> None:
    # JSON gives plain lists only, so that their type and length can be asked for all at once.
    if set(map(type, data)) != {list} or set(map(len, data)) != {width}:
        raise graph_errors.data_mismatch(f"every row must have {width} values")


def _blank_rows(payload: Payload) -> list[int]:
    columns = list(payload.columns.values())
    if any(map(all, columns)):
        return []
    if len(columns) == 1:
        return [i for i, cell in enumerate(columns[0]) if cell in ("", None)]
    return [i for i, row in enumerate(zip(*columns, strict=True)) if not any(row)]


def _matchable(payload: Payload, invalid: Mapping[int, str], *, all_text: bool) -> Columns:
    keep = [i for i in range(len(payload.rows)) if i not in invalid] if invalid else None
    columns: dict[str, Sequence[object]] = {}
    for key, column in payload.columns.items():
        if key in STRONG_KEYS or key in WEAK_KEYS or key in ID_KEYS:
            cells = column if keep is None else [column[i] for i in keep]
            is_text = all_text and key != "UID"
            columns[key] = cells if is_text else [_text_or_blank(cell) for cell in cells]
    return cast("Columns", columns)  # strict checks let text through only


def _text_or_blank(cell: object) -> str:
    return cell if isinstance(cell, str) else ""


def _compact(row: object) -> str:
    try:
        return orjson.dumps(row).decode()
    except TypeError:
        return "[]"
