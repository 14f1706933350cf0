"""Reads a customer list of CSV in UTF-8: lines become members, a mistake is told with its line."""

import csv
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import BinaryIO, Final

from service.cli.customer_list import (
    ROWS_AT_ONCE_MAX,
    BadList,
    ListShorter,
    MemberColumns,
    member_column,
    member_id_problem,
)

LINE_BYTES_MAX: Final = 1024 * 1024
"""Longest line that is read, in bytes."""
BYTES_AT_ONCE_MAX: Final = 4 * 1024 * 1024
"""Bytes of lines that are read at once, the last line left aside."""

_Record = tuple[int, list[str]]
"""The line where it begins, and its cells."""

_BYTE_ORDER_MARK: Final = b"\xef\xbb\xbf"
_PARQUET_BEGINS: Final = b"PAR1"


@dataclass(frozen=True, slots=True)
class CsvList:
    """A list of CSV that is open; its length is counted in bytes."""

    file: BinaryIO
    length: int

    def columns(self, skip: int, on_read: Callable[[int], object]) -> Iterator[MemberColumns]:
        """The members behind the first `skip`, whose lines are split but not judged again.

        Raises: BadList at the first mistake, after the members before it; ListShorter.
        """
        lines = _Lines(self.file)
        records = _records(lines)
        first = next(records, None)
        if first is None:
            raise _bad(1, "the list is empty: its first line names the columns")
        header = _header(*first)
        if sum(1 for _ in islice(records, skip)) < skip:
            raise ListShorter
        on_read(lines.bytes_read)
        while True:
            bytes_before = lines.bytes_read
            rows, mistake = _rows(records, lines)
            # A row that is read comes before what could not be read.
            columns, mistake_in_rows = header.read(rows)
            on_read(lines.bytes_read - bytes_before)
            if columns.member_ids:
                yield columns
            if mistake := mistake_in_rows or mistake:
                raise mistake
            if not rows:
                return


@dataclass(frozen=True, slots=True)
class _Header:
    names: tuple[str, ...]
    member: int

    def read(self, rows: Sequence[_Record]) -> tuple[MemberColumns, BadList | None]:
        """The rows before the first mistake, and the mistake."""
        mistake = None
        for place, (line, cells) in enumerate(rows):
            if problem := self._problem(cells):
                mistake, rows = _bad(line, problem), rows[:place]
                break
        columns = list(zip(*(cells for _, cells in rows), strict=True)) or [()] * len(self.names)
        traits = dict(zip(self.names, columns, strict=True))
        ids = traits.pop(self.names[self.member])
        return MemberColumns(ids, traits), mistake

    def _problem(self, cells: Sequence[str]) -> str:
        if len(cells) != len(self.names):
            return f"{len(cells)} columns where the header line has {len(self.names)}"
        return member_id_problem(self.names[self.member], cells[self.member])


class _Lines:
    """The lines of a file as texts, and how many bytes they were."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self.bytes_read = 0

    def __iter__(self) -> Iterator[str]:
        number = 0
        while raw := self._file.readline(LINE_BYTES_MAX + 1):
            number += 1
            if number == 1 and raw.startswith(_PARQUET_BEGINS):
                raise BadList("", "the file is Parquet; its name has to end in .parquet")
            if len(raw) > LINE_BYTES_MAX:
                raise _bad(number, f"longer than {LINE_BYTES_MAX} bytes; is this a CSV file?")
            self.bytes_read += len(raw)
            yield _text(number, raw.removeprefix(_BYTE_ORDER_MARK) if number == 1 else raw)


def _rows(records: Iterator[_Record], lines: _Lines) -> tuple[list[_Record], BadList | None]:
    """The next records that are read at once, and the mistake that ended them."""
    rows: list[_Record] = []
    bytes_after = lines.bytes_read + BYTES_AT_ONCE_MAX
    try:
        for record in islice(records, ROWS_AT_ONCE_MAX):
            rows.append(record)
            if lines.bytes_read >= bytes_after:
                break
    except BadList as mistake:
        return rows, mistake
    return rows, None


def _bad(line: int, problem: str) -> BadList:
    return BadList(f"line {line}", problem)


def _text(number: int, raw: bytes) -> str:
    try:
        text = raw.decode()
    except UnicodeDecodeError as error:
        raise _bad(number, f"not UTF-8 at byte {error.start + 1}; save the list as UTF-8") from None
    if "\0" in text:
        raise _bad(number, "a zero byte is no text; save the list as UTF-8")
    return text


def _records(lines: Iterable[str]) -> Iterator[_Record]:
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


def _header(line: int, cells: list[str]) -> _Header:
    names = tuple(cell.strip() for cell in cells)
    return _Header(names, member_column(f"line {line}", names))
