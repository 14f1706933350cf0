"""What a customer list is: its columns, its members, and how a mistake in it is told.

What is told never repeats a value of the list: it may be somebody's e-mail.
"""

import difflib
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, Protocol

from service.identifiers.traits import TRAIT_NAMES

MEMBER_COLUMNS: Final = ("user_id", "member_id", "id")
"""Names of the column that tells members apart; a list has exactly one of them."""
TRAIT_COLUMNS: Final = tuple(name for names in TRAIT_NAMES.values() for name in names)
"""Names of every other column that is understood."""
MEMBER_ID_BYTES_MAX: Final = 512
"""Longest member id, in bytes of UTF-8."""
ROWS_AT_ONCE_MAX: Final = 1_000
"""Members that are read at once."""

_SHOWABLE_NAME: Final = re.compile(r"[A-Za-z_][\w .-]{0,39}", re.ASCII)
"""What a column may be called to be repeated in a message: without a header, names are data."""


class BadList(Exception):
    """The list has a mistake; its place is a line or a row counted from 1, or empty for the whole."""

    def __init__(self, place: str, problem: str) -> None:
        super().__init__(f"{place}: {problem}" if place else problem)
        self.place = place


class ListShorter(Exception):
    """The import is further than the list is long: it is not the list that was begun."""


@dataclass(frozen=True, slots=True)
class MemberColumns:
    """Members that follow each other in a list: their ids, and by trait name a text for each.

    A text may be blank.
    """

    member_ids: Sequence[str] = field(repr=False)
    traits: Mapping[str, Sequence[str]] = field(repr=False)

    def __getitem__(self, rows: slice) -> "MemberColumns":
        traits = {name: texts[rows] for name, texts in self.traits.items()}
        return MemberColumns(self.member_ids[rows], traits)


class CustomerList(Protocol):
    """A list that is open: how long it is, and its members in an order that is always the same."""

    @property
    def length(self) -> int:
        """How long it is, in whatever `on_read` counts; 0 when that is not known."""

    def columns(self, skip: int, on_read: Callable[[int], object]) -> Iterator[MemberColumns]:
        """The members behind the first `skip`, some at a time, at most ROWS_AT_ONCE_MAX.

        `on_read` is told how much more of the list was read.

        Raises: BadList at the first mistake, after the members before it; ListShorter.
        """


def member_column(place: str, names: Sequence[str]) -> int:
    """Which of the columns names the member, when all of them are understood.

    Raises: BadList.
    """
    for number, name in enumerate(names):
        if name not in MEMBER_COLUMNS and name not in TRAIT_COLUMNS:
            raise BadList(place, _unknown_column(number, name))
        if name in names[:number]:
            raise BadList(place, f"column {name} is there twice")
    found = [number for number, name in enumerate(names) if name in MEMBER_COLUMNS]
    if len(found) != 1:
        raise BadList(place, f"exactly one of the columns {', '.join(MEMBER_COLUMNS)} is needed")
    return found[0]


def member_id_problem(column: str, member_id: str) -> str:
    """What is wrong with the id of a member; empty if nothing is."""
    if not member_id or member_id.isspace():
        return f"no {column}"
    # No character has more than four bytes.
    if len(member_id) * 4 > MEMBER_ID_BYTES_MAX and len(member_id.encode()) > MEMBER_ID_BYTES_MAX:
        return f"{column} is over {MEMBER_ID_BYTES_MAX} bytes"
    return ""


def _unknown_column(number: int, name: str) -> str:
    known = (*MEMBER_COLUMNS, *TRAIT_COLUMNS)
    listing = f"known are {', '.join(known)}"
    if not name:
        return f"column {number + 1} has no name; {listing}"
    if not _SHOWABLE_NAME.fullmatch(name):
        what = "columns are separated by commas" if ";" in name or "\t" in name else listing
        return f"column {number + 1} has no known name (is the header line missing?); {what}"
    near = difflib.get_close_matches(name, known, n=1)
    guess = f" (did you mean {near[0]}?)" if near else ""
    return f"unknown column {name}{guess}; {listing}"
