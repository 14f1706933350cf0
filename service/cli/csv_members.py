"""Reads a customer list: CSV in UTF-8 becomes members, a mistake becomes its line and one sentence.

The sentence never repeats a value of the list: it may be somebody's e-mail.
"""

import csv
import difflib
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import BinaryIO, Final

from service.identifiers.traits import TRAIT_NAMES

MEMBER_COLUMNS: Final = ("user_id", "member_id", "id")
"""Names of the column that tells members apart; a list has exactly one of them."""
TRAIT_COLUMNS: Final = tuple(name for names in TRAIT_NAMES.values() for name in names)
"""Names of every other column that is understood."""
MEMBER_ID_BYTES_MAX: Final = 512
"""Longest member id, in bytes of UTF-8."""
LINE_BYTES_MAX: Final = 1024 * 1024
"""Longest line that is read, in bytes."""

_BYTE_ORDER_MARK: Final = b"\xef\xbb\xbf"
_SHOWABLE_NAME: Final = re.compile(r"[A-Za-z_][\w .-]{0,39}", re.ASCII)
"""What a column may be called to be repeated in a message: without a header, names are data."""


class BadList(Exception):
    """The list has a mistake at a line (counted from 1)."""

    def __init__(self, line: int, problem: str) -> None:
        super().__init__(f"line {line}: {problem}")
        self.line = line
        self.problem = problem


@dataclass(frozen=True, slots=True)
class ListedMember:
    """One line of a list: the member, and the values that are not blank by trait name."""

    member_id: str = field(repr=False)
    traits: Mapping[str, str] = field(repr=False)


@dataclass(frozen=True, slots=True)
class _Columns:
    names: tuple[str, ...]
    member: int

    def read(self, line: int, cells: list[str]) -> ListedMember:
        if len(cells) != len(self.names):
            expected = len(self.names)
            raise BadList(line, f"{len(cells)} columns where the header line has {expected}")
        member_id = cells[self.member]
        if not member_id.strip():
            raise BadList(line, f"no {self.names[self.member]}")
        if len(member_id.encode()) > MEMBER_ID_BYTES_MAX:
            raise BadList(line, f"{self.names[self.member]} is over {MEMBER_ID_BYTES_MAX} bytes")
        traits = {
            name: cell
            for place, (name, cell) in enumerate(zip(self.names, cells, strict=True))
            if place != self.member and cell and not cell.isspace()
        }
        return ListedMember(member_id, traits)


def read_members(
    file: BinaryIO, on_bytes: Callable[[int], object] = lambda _: None
) -> Iterator[ListedMember]:
    """Read a list line by line; `on_bytes` is told the number of bytes read since it was last told.

    Raises: BadList at the first mistake, after the members before it.
    """
    records = _records(_lines(file, on_bytes))
    first = next(records, None)
    if first is None:
        raise BadList(1, "the list is empty: its first line names the columns")
    columns = _columns(*first)
    for line, cells in records:
        yield columns.read(line, cells)


def _lines(file: BinaryIO, on_bytes: Callable[[int], object]) -> Iterator[str]:
    number = 0
    while raw := file.readline(LINE_BYTES_MAX + 1):
        number += 1
        if len(raw) > LINE_BYTES_MAX:
            raise BadList(number, f"longer than {LINE_BYTES_MAX} bytes; is this a CSV file?")
        on_bytes(len(raw))
        yield _text(number, raw.removeprefix(_BYTE_ORDER_MARK) if number == 1 else raw)


def _text(number: int, raw: bytes) -> str:
    try:
        text = raw.decode()
    except UnicodeDecodeError as error:
        raise BadList(
            number, f"not UTF-8 at byte {error.start + 1}; save the list as UTF-8"
        ) from None
    if "\0" in text:
        raise BadList(number, "a zero byte is no text; save the list as UTF-8")
    return text


def _records(lines: Iterator[str]) -> Iterator[tuple[int, list[str]]]:
    """Split into cells; each record comes with the line where it begins, blank lines are left out."""
    reader = csv.reader(lines, strict=True)
    while True:
        begins = reader.line_num + 1
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            raise BadList(begins, _csv_problem(error)) from None
        if cells:
            yield begins, cells


def _csv_problem(error: csv.Error) -> str:
    """The reader has one class for every mistake: only its text tells."""
    text = str(error)
    if "unexpected end" in text:
        return "a quote is opened here and never closed"
    if "field larger" in text:
        return f"a value is over {csv.field_size_limit()} characters; is a quote not closed?"
    if "new-line character" in text:
        return (
            "a line ends with a bare carriage return; save the list with Unix or Windows line ends"
        )
    return "something follows a closing quote; a quote inside a quoted value is written twice"


def _columns(line: int, cells: list[str]) -> _Columns:
    names = tuple(cell.strip() for cell in cells)
    for place, name in enumerate(names):
        if name not in MEMBER_COLUMNS and name not in TRAIT_COLUMNS:
            raise BadList(line, _unknown_column(place, name))
        if name in names[:place]:
            raise BadList(line, f"column {name} is there twice")
    members = [place for place, name in enumerate(names) if name in MEMBER_COLUMNS]
    if len(members) != 1:
        raise BadList(line, f"exactly one of the columns {', '.join(MEMBER_COLUMNS)} is needed")
    return _Columns(names, members[0])


def _unknown_column(place: int, name: str) -> str:
    known = (*MEMBER_COLUMNS, *TRAIT_COLUMNS)
    listing = f"known are {', '.join(known)}"
    if not name:
        return f"column {place + 1} has no name; {listing}"
    if not _SHOWABLE_NAME.fullmatch(name):
        what = "columns are separated by commas" if ";" in name or "\t" in name else listing
        return f"column {place + 1} has no known name (is the header line missing?); {what}"
    near = difflib.get_close_matches(name, known, n=1)
    guess = f" (did you mean {near[0]}?)" if near else ""
    return f"unknown column {name}{guess}; {listing}"
