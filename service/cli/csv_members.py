"""Reads a customer list of CSV in UTF-8: lines become members, a mistake is told with its line."""

import csv
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import islice
from typing import BinaryIO, Final

from service.cli.customer_list import (
    BadList,
    ListedMember,
    ListShorter,
    member_column,
    member_id_problem,
)

LINE_BYTES_MAX: Final = 1024 * 1024
"""Longest line that is read, in bytes."""

_BYTE_ORDER_MARK: Final = b"\xef\xbb\xbf"
_PARQUET_BEGINS: Final = b"PAR1"


@dataclass(frozen=True, slots=True)
class CsvList:
    """A list of CSV that is open; its length is counted in bytes."""

    file: BinaryIO
    length: int

    def members(self, skip: int, on_read: Callable[[int], object]) -> Iterator[ListedMember]:
        """The members behind the first `skip`, whose lines are split but not judged again."""
        return read_members(self.file, on_read, skip=skip)


@dataclass(frozen=True, slots=True)
class _Columns:
    names: tuple[str, ...]
    member: int

    def read(self, line: int, cells: list[str]) -> ListedMember:
        if len(cells) != len(self.names):
            expected = len(self.names)
            raise _bad(line, f"{len(cells)} columns where the header line has {expected}")
        member_id = cells[self.member]
        if problem := member_id_problem(self.names[self.member], member_id):
            raise _bad(line, problem)
        traits = {
            name: cell
            for place, (name, cell) in enumerate(zip(self.names, cells, strict=True))
            if place != self.member and cell and not cell.isspace()
        }
        return ListedMember(member_id, traits)


def read_members(
    file: BinaryIO, on_bytes: Callable[[int], object] = lambda _: None, *, skip: int = 0
) -> Iterator[ListedMember]:
    """Read a list line by line; `on_bytes` is told the number of bytes read since it was last told.

    Raises: BadList at the first mistake, after the members before it; ListShorter.
    """
    records = _records(_lines(file, on_bytes))
    first = next(records, None)
    if first is None:
        raise _bad(1, "the list is empty: its first line names the columns")
    columns = _columns(*first)
    if sum(1 for _ in islice(records, skip)) < skip:
        raise ListShorter
    for line, cells in records:
        yield columns.read(line, cells)


def _bad(line: int, problem: str) -> BadList:
    return BadList(f"line {line}", problem)


def _lines(file: BinaryIO, on_bytes: Callable[[int], object]) -> Iterator[str]:
    number = 0
    while raw := file.readline(LINE_BYTES_MAX + 1):
        number += 1
        if number == 1 and raw.startswith(_PARQUET_BEGINS):
            raise BadList("", "the file is Parquet; its name has to end in .parquet")
        if len(raw) > LINE_BYTES_MAX:
            raise _bad(number, f"longer than {LINE_BYTES_MAX} bytes; is this a CSV file?")
        on_bytes(len(raw))
        yield _text(number, raw.removeprefix(_BYTE_ORDER_MARK) if number == 1 else raw)


def _text(number: int, raw: bytes) -> str:
    try:
        text = raw.decode()
    except UnicodeDecodeError as error:
        raise _bad(number, f"not UTF-8 at byte {error.start + 1}; save the list as UTF-8") from None
    if "\0" in text:
        raise _bad(number, "a zero byte is no text; save the list as UTF-8")
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
            raise _bad(begins, _csv_problem(error)) from None
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
    return _Columns(names, member_column(f"line {line}", names))
