"""Reads a customer list of Parquet: rows become members, a mistake is told with its row and column.

It needs pyarrow, which is installed by the extra `parquet`.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import BinaryIO, Final

import pyarrow as pa
import pyarrow.parquet as pq

from service.cli.customer_list import (
    ROWS_AT_ONCE_MAX,
    BadList,
    ListShorter,
    MemberColumns,
    member_column,
    member_id_problem,
)
from service.cli.parquet_texts import BadCell, Texts, texts_of
from service.identifiers.keys import STRONG_KEYS, Key
from service.identifiers.traits import TRAIT_NAMES

COLUMN_BUFFER_BYTES: Final = 256 * 1024
"""Bytes of one column that are read at once; without it a whole row group would be."""
VALUE_CHARACTERS_MAX: Final = 128 * 1024
"""Longest value that is taken, in characters."""

_DATE_COLUMNS: Final = frozenset(TRAIT_NAMES[Key.DOBD])
_LIST_COLUMNS: Final = frozenset(name for key in STRONG_KEYS for name in TRAIT_NAMES[key])
_INDEX_OF_PANDAS: Final = re.compile(r"__index_level_\d+__")
"""Row numbers that pandas writes beside the columns."""
_READING_FAILED: Final = (pa.ArrowException, OSError)


class _BadRow(Exception):
    """A row of a batch (counted from 0) has a mistake; the column is empty when it is told already."""

    def __init__(self, place: int, column: str, problem: str) -> None:
        super().__init__(problem)
        self.place = place
        self.where = f", column {column}" if column else ""
        self.problem = problem


@dataclass(frozen=True, slots=True)
class _Column:
    name: str
    stored_name: str
    texts: Texts

    def read(self, batch: pa.RecordBatch) -> list[str]:
        """Raises: _BadRow."""
        try:
            texts = self.texts(batch.column(self.stored_name))
        except BadCell as bad:
            raise _BadRow(bad.place, self.name, bad.problem) from None
        except pa.ArrowException:
            raise _BadRow(0, self.name, "this value or one soon after it is damaged") from None
        if len(max(texts, key=len, default="")) > VALUE_CHARACTERS_MAX:
            place = next(n for n, one in enumerate(texts) if len(one) > VALUE_CHARACTERS_MAX)
            raise _BadRow(place, self.name, f"over {VALUE_CHARACTERS_MAX} characters")
        return texts

    def read_ids(self, batch: pa.RecordBatch) -> list[str]:
        """Raises: _BadRow."""
        ids = self.read(batch)
        for place, member_id in enumerate(ids):
            if problem := member_id_problem(self.name, member_id):
                raise _BadRow(place, "", problem)
        return ids


class ParquetList:
    """A list of Parquet that is open; its length is counted in rows."""

    def __init__(self, file: BinaryIO) -> None:
        """Raises: BadList."""
        try:
            self._file = pq.ParquetFile(file, pre_buffer=False, buffer_size=COLUMN_BUFFER_BYTES)
            self._member, self._traits = _columns_of(self._file.schema_arrow)
        except UnicodeDecodeError:
            raise BadList("", "the name of a column is not UTF-8") from None
        except _READING_FAILED as error:
            raise _told(error, "", "the file is not Parquet, or its end is missing") from None
        # A damaged file may say anything.
        self.length: int = max(0, self._file.metadata.num_rows)

    def columns(self, skip: int, on_read: Callable[[int], object]) -> Iterator[MemberColumns]:
        """The members of the rows behind the first `skip`, which are not read where that can be.

        Raises: BadList at the first mistake, after the members before it; ListShorter.
        """
        if skip > self.length:
            raise ListShorter
        on_read(skip)
        for row, batch in self._batches(skip):
            on_read(batch.num_rows)
            columns, mistake = self._columns_in(batch)
            if columns.member_ids:
                yield columns
            if mistake is not None:
                raise BadList(f"row {row + mistake.place + 1}{mistake.where}", mistake.problem)

    def _columns_in(self, batch: pa.RecordBatch) -> tuple[MemberColumns, _BadRow | None]:
        """The rows before the first mistake, and the mistake."""
        mistake: _BadRow | None = None
        while True:
            try:
                ids = self._member.read_ids(batch)
                traits = {one.name: one.read(batch) for one in self._traits}
            except _BadRow as bad:
                # Another column may have a mistake in a row before.
                mistake, batch = bad, batch.slice(0, bad.place)
            else:
                return MemberColumns(ids, traits), mistake

    def _batches(self, skip: int) -> Iterator[tuple[int, pa.RecordBatch]]:
        """The rows behind the first `skip`, each batch with the number of rows before it."""
        names = [self._member.stored_name, *(one.stored_name for one in self._traits)]
        row = 0
        for group in range(self._file.num_row_groups):
            rows = self._file.metadata.row_group(group).num_rows
            if row + rows <= skip:
                row += rows
                continue
            for batch in self._batches_in(group, names, row):
                known = min(batch.num_rows, max(0, skip - row))
                yield row + known, batch.slice(known)
                row += batch.num_rows

    def _batches_in(self, group: int, names: list[str], row: int) -> Iterator[pa.RecordBatch]:
        """One row group, so that damage to it keeps nobody of those before it back."""
        try:
            for batch in self._file.iter_batches(
                ROWS_AT_ONCE_MAX, row_groups=[group], columns=names, use_threads=False
            ):
                yield batch
                row += batch.num_rows
        except _READING_FAILED as error:
            raise _told(error, f"row {row + 1}", "from here on the file is damaged") from None


def _told(error: Exception, place: str, problem: str) -> Exception:
    """A mistake of the list, unless the system could not read its file."""
    return error if isinstance(error, OSError) and error.errno else BadList(place, problem)


def _columns_of(schema: pa.Schema) -> tuple[_Column, list[_Column]]:
    """The member's column, and those of the traits.

    Raises: BadList.
    """
    fields = [field for field in schema if not _INDEX_OF_PANDAS.fullmatch(field.name)]
    member = member_column("", [field.name.strip() for field in fields])
    columns = [_column(field) for field in fields]
    return columns.pop(member), columns


def _column(stored: pa.Field) -> _Column:
    name = stored.name.strip()
    texts = texts_of(
        stored.type, takes_dates=name in _DATE_COLUMNS, takes_lists=name in _LIST_COLUMNS
    )
    if texts is None:
        wanted = "texts or dates" if name in _DATE_COLUMNS else "texts"
        wanted = "texts or lists of texts" if name in _LIST_COLUMNS else wanted
        raise BadList(f"column {name}", f"it holds {_shown(stored.type)}; {wanted} are expected")
    return _Column(name, stored.name, texts)


def _shown(kind: pa.DataType) -> str:
    """The type in a word or two: the names of what is nested in it may be anything."""
    if not pa.types.is_nested(kind):
        return str(kind)
    return "lists" if "list" in str(kind).partition("<")[0] else "structs"
