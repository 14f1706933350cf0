"""Owns whom rows match: by any strong key, or by the first that knows somebody, else by names.

Names match only where no strong key of the row knows anybody. First and last name must be equal,
one of zip and city too, and no other weak key that both sides have may differ.
"""

import enum
from collections.abc import Mapping, Sequence
from itertools import chain
from typing import Final, NamedTuple

from fakefb.people import Population
from fakefb.schema_keys import STRONG_KEYS, WEAK_KEYS

Columns = Mapping[str, Sequence[str]]
"""Cells by schema key, all columns of one length; "" is a blank."""

Found = dict[str, tuple[int, ...]]
"""People by the identifier of the rows that found them."""

NAMES: Final = "FN + LN"
"""What names are called among the keys that found somebody."""

_NAMES_MARK: Final = "names:"


class Matching(enum.StrEnum):
    """How a row with several strong keys is read."""

    ANY_STRONG = "any_strong"
    FIRST_STRONG = "first_strong"


class KeyMatches(NamedTuple):
    """Values of one key that are not blank, and how many of them somebody is known by."""

    values: int
    matched: int


class Matched(NamedTuple):
    """Whom rows match, and how well each strong key and the names did."""

    found: Found
    by_key: Mapping[str, KeyMatches]


def find_people(columns: Columns, population: Population, matching: Matching) -> Found:
    """Return everybody whom the rows match, by identifier."""
    return match_rows(columns, population, matching).found


def match_rows(columns: Columns, population: Population, matching: Matching) -> Matched:
    """Find everybody whom the rows match; names count for the rows that had to rely on them."""
    strong = [key for key in columns if key in STRONG_KEYS]
    hits = [list(map(population.by_strong[key].get, columns[key])) for key in strong]
    by_key = {k: _matches(columns[k], people) for k, people in zip(strong, hits, strict=True)}
    reading = _READINGS[matching]
    found = reading([columns[key] for key in strong], hits)
    if _has_names(columns):
        rows = _rows_without(hits, _height(columns))
        by_names, matched_rows = _by_names(columns, rows, population)
        by_key[NAMES] = KeyMatches(len(rows), matched_rows)
        found |= by_names
    return Matched(found, by_key)


def _matches(column: Sequence[str], people: Sequence[tuple[int, ...] | None]) -> KeyMatches:
    return KeyMatches(len(column) - column.count(""), len(people) - people.count(None))


def _any_strong(
    columns: Sequence[Sequence[str]], hits: Sequence[Sequence[tuple[int, ...] | None]]
) -> Found:
    pairs = zip(chain(*columns), chain(*hits), strict=True)
    return {value: people for value, people in pairs if people}


def _first_strong(
    columns: Sequence[Sequence[str]], hits: Sequence[Sequence[tuple[int, ...] | None]]
) -> Found:
    found: Found = {}
    for values, row_hits in zip(zip(*columns, strict=True), zip(*hits, strict=True), strict=True):
        for value, people in zip(values, row_hits, strict=True):
            if people:
                found[value] = people
                break
    return found


_READINGS: Final = {
    Matching.ANY_STRONG: _any_strong,
    Matching.FIRST_STRONG: _first_strong,
}


def _has_names(columns: Columns) -> bool:
    return "FN" in columns and "LN" in columns and ("ZIP" in columns or "CT" in columns)


def _height(columns: Columns) -> int:
    return len(next(iter(columns.values())))


def _rows_without(hits: Sequence[Sequence[tuple[int, ...] | None]], height: int) -> Sequence[int]:
    if not hits:
        return range(height)
    return [i for i, row_hits in enumerate(zip(*hits, strict=True)) if not any(row_hits)]


def _by_names(columns: Columns, rows: Sequence[int], population: Population) -> tuple[Found, int]:
    """Return whom names find, and how many rows they found somebody for."""
    found: Found = {}
    matched_rows = 0
    first, last = columns["FN"], columns["LN"]
    for i in rows:
        candidates = population.by_name.get((first[i], last[i]))
        if not candidates:
            continue
        row = {key: columns[key][i] for key in WEAK_KEYS if key in columns and columns[key][i]}
        people = tuple(p for p in candidates if _agrees(row, population.weak[p]))
        if people:
            identifier = f"{_NAMES_MARK}{first[i]}{last[i]}"
            found[identifier] = tuple({*found.get(identifier, ()), *people})
            matched_rows += 1
    return found, matched_rows


def _agrees(row: Mapping[str, str], person: Mapping[str, str]) -> bool:
    shared = row.keys() & person.keys()
    place_known = "ZIP" in shared or "CT" in shared
    return place_known and all(row[key] == person[key] for key in shared)
