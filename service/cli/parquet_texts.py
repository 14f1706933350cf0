"""Reads the values of a Parquet column as the texts a person would write for them; nulls are blank."""

from collections.abc import Callable, Iterable
from decimal import Decimal
from functools import partial
from typing import Final

import pyarrow as pa
import pyarrow.compute as pc

from service.identifiers.traits import LIST_SEPARATOR

EXACT_FLOAT_MAX: Final = 2**53
"""Up to here every whole number is a float of its own; above, one float stands for several."""

_UTC: Final = "UTC"

Texts = Callable[[pa.Array], list[str]]
"""Gives a text for each value of an array. Raises: BadCell; pyarrow's own errors."""


class BadCell(Exception):
    """The value at a place of the array (counted from 0) cannot be read."""

    def __init__(self, place: int, problem: str) -> None:
        super().__init__(problem)
        self.place = place
        self.problem = problem


def texts_of(kind: pa.DataType, *, takes_dates: bool, takes_lists: bool) -> Texts | None:
    """How values of this type are read; None when they mean nothing in such a column."""
    types = pa.types
    if types.is_dictionary(kind):
        plain = texts_of(kind.value_type, takes_dates=takes_dates, takes_lists=False)
        return None if plain is None else partial(_of_dictionary, plain)
    if takes_lists and _is_list(kind):
        plain = texts_of(kind.value_type, takes_dates=False, takes_lists=False)
        return None if plain is None else partial(_of_lists, plain)
    if takes_dates and types.is_date(kind):
        return _of_dates
    if takes_dates and types.is_timestamp(kind):
        return _of_midnights
    return _of_scalars(kind)


def _of_scalars(kind: pa.DataType) -> Texts | None:
    types = pa.types
    if types.is_null(kind):
        return _of_nulls
    if types.is_string(kind) or types.is_large_string(kind) or types.is_string_view(kind):
        return _of_strings
    if types.is_binary(kind) or types.is_large_binary(kind) or types.is_fixed_size_binary(kind):
        return _of_bytes
    if types.is_integer(kind):
        return _of_integers
    if types.is_floating(kind):
        return _of_floats
    if types.is_decimal(kind):
        return _of_decimals
    return _of_uuids if isinstance(kind, pa.UuidType) else None


def _is_list(kind: pa.DataType) -> bool:
    types = pa.types
    return any(
        test(kind) for test in (types.is_list, types.is_large_list, types.is_fixed_size_list)
    )


def _of_nulls(array: pa.Array) -> list[str]:
    return [""] * len(array)


def _of_strings(array: pa.Array) -> list[str]:
    try:
        texts: list[str] = array.fill_null("").to_pylist()
    except UnicodeDecodeError:
        # Whoever wrote the file did not check it; which value it is, only each by itself tells.
        return _of_bytes(array.cast(pa.large_binary()))
    return texts


def _of_bytes(array: pa.Array) -> list[str]:
    """Texts of a writer that did not mark them as such."""
    texts: list[str] = []
    for place, raw in enumerate(array.to_pylist()):
        try:
            texts.append(raw.decode() if raw else "")
        except UnicodeDecodeError:
            raise BadCell(place, "not UTF-8") from None
    return texts


def _of_integers(array: pa.Array) -> list[str]:
    return _of_strings(array.cast(pa.string()))


def _of_dates(array: pa.Array) -> list[str]:
    return _of_strings(array.cast(pa.date32()).cast(pa.string()))


def _of_midnights(array: pa.Array) -> list[str]:
    """Dates that are stored as their first moment. Another moment is a different day elsewhere."""
    zone = array.type.tz
    if zone == _UTC:
        local = array.cast(pa.timestamp(array.type.unit))
    else:
        local = pc.local_timestamp(array) if zone else array
    days = local.cast(pa.date32(), safe=False)
    place = pc.index(pc.equal(days.cast(local.type), local), value=False).as_py()
    if place >= 0:
        raise BadCell(place, "a time of day is no part of a date; store the column as dates")
    return _of_dates(days)


def _of_floats(array: pa.Array) -> list[str]:
    """Whole numbers of a writer that keeps integers as floats as soon as one of them is missing."""
    values: Iterable[float | None] = array.cast(pa.float64()).to_pylist()
    return [_of_float(place, value) for place, value in enumerate(values)]


def _of_float(place: int, value: float | None) -> str:
    if value is None or value != value:  # noqa: PLR0124 - not a number, which means null there
        return ""
    if abs(value) > EXACT_FLOAT_MAX:
        raise BadCell(place, "too large to be exact; store the column as integers or texts")
    if value % 1:
        raise BadCell(place, "not a whole number")
    return str(int(value))


def _of_decimals(array: pa.Array) -> list[str]:
    values: Iterable[Decimal | None] = array.to_pylist()
    return [_of_decimal(place, value) for place, value in enumerate(values)]


def _of_decimal(place: int, value: Decimal | None) -> str:
    if value is None:
        return ""
    if value % 1:
        raise BadCell(place, "not a whole number")
    return str(int(value))


def _of_uuids(array: pa.Array) -> list[str]:
    return ["" if value is None else str(value) for value in array.to_pylist()]


def _of_dictionary(plain: Texts, array: pa.Array) -> list[str]:
    return plain(array.dictionary_decode())


def _of_lists(plain: Texts, array: pa.Array) -> list[str]:
    """Several values in one cell, put down as CSV does."""
    counts = pc.list_value_length(array).fill_null(0).to_pylist()
    try:
        values = plain(array.flatten())
    except BadCell as bad:
        raise BadCell(_row_of(bad.place, counts), bad.problem) from None
    texts: list[str] = []
    at = 0
    for count in counts:
        texts.append(LIST_SEPARATOR.join([one for one in values[at : at + count] if one]))
        at += count
    return texts


def _row_of(place: int, counts: Iterable[int]) -> int:
    """The list that holds the value at a place of all their values."""
    ends = 0
    for row, count in enumerate(counts):
        ends += count
        if place < ends:
            return row
    raise AssertionError
