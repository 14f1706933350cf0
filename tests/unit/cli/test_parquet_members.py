"""Customer lists of Parquet: broken files, and how they are read piece by piece and gone on with."""

import datetime as dt
import errno
import io

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from service.cli.customer_list import ROWS_AT_ONCE_MAX, BadList, ListShorter
from service.cli.parquet_members import ParquetList
from tests.unit.cli.listed import ids_of, members_of
from tests.unit.cli.parquet_lists import file_of, listed


def test_a_list_without_rows_is_a_list_of_nobody() -> None:
    parquet = listed({"id": pa.array([], pa.string()), "email": pa.array([], pa.string())})
    assert list(members_of(parquet)) == []
    assert parquet.length == 0


def test_ids_alone_are_a_list() -> None:
    assert list(members_of(listed({"id": pa.array([1, 2])}))) == [
        ("1", {}),
        ("2", {}),
    ]


@pytest.mark.parametrize("content", [b"", b"id,email\n", b"PAR1" * 3])
def test_a_file_that_is_no_parquet_is_told_as_such(content: bytes) -> None:
    with pytest.raises(BadList, match="not Parquet, or its end is missing"):
        ParquetList(io.BytesIO(content))


def test_a_file_that_was_cut_off_is_told_as_such() -> None:
    content = file_of(pa.table({"id": ["u1", "u2"]})).getvalue()
    with pytest.raises(BadList, match="its end is missing"):
        ParquetList(io.BytesIO(content[:-20]))


def test_a_disk_that_fails_is_no_mistake_of_the_list() -> None:
    class Failing(io.BytesIO):
        def read(self, size: int | None = -1, /) -> bytes:
            raise OSError(errno.EIO, "Input/output error")

    with pytest.raises(OSError, match="Input/output error"):
        ParquetList(Failing(file_of(pa.table({"id": ["u1"]})).getvalue()))


def test_damage_in_the_middle_is_told_with_its_row_after_the_members_before_it() -> None:
    table = pa.table({"id": [f"member-{n:06}" for n in range(100)]})
    options = {"row_group_size": 50, "compression": "zstd", "use_dictionary": False}
    content = bytearray(file_of(table, **options).getvalue())
    second = pq.ParquetFile(io.BytesIO(content)).metadata.row_group(1).column(0)
    begins = second.data_page_offset
    content[begins : begins + second.total_compressed_size] = bytes(second.total_compressed_size)
    members = members_of(ParquetList(io.BytesIO(content)))
    assert [next(members)[0] for _ in range(50)][-1] == "member-000049"
    with pytest.raises(BadList, match="row 51: from here on the file is damaged"):
        next(members)


def test_a_column_whose_name_is_not_utf_8_is_told_without_it() -> None:
    table = pa.table({"id": ["u1"], "emailX": ["a@x.org"]})
    file = io.BytesIO()
    pq.write_table(table, file, store_schema=False)
    content = file.getvalue().replace(b"emailX", b"email\xff")
    with pytest.raises(BadList, match="the name of a column is not UTF-8"):
        ParquetList(io.BytesIO(content))


def test_a_file_with_any_byte_changed_is_members_or_one_mistake() -> None:
    columns = {
        "id": [f"u{n}" for n in range(20)],
        "emails": [["a@x.org"], None] * 10,
        "birthday": [dt.date(1980, 5, 17)] * 20,
        "zip": [94107.0] * 20,
    }
    content = file_of(pa.table(columns), row_group_size=10, compression="none").getvalue()
    mistakes = 0
    for place in range(0, len(content), 2):
        changed = bytearray(content)
        changed[place] ^= 0xA5
        try:
            ids_of(ParquetList(io.BytesIO(changed)))
        except BadList:
            mistakes += 1
    assert mistakes > 100


@pytest.mark.parametrize("skip", [0, 1, 6, 7, 8, 14, 19, 20])
def test_members_that_are_sent_already_are_skipped_in_every_row_group(skip: int) -> None:
    ids = [f"m{n}" for n in range(20)]
    parquet = listed({"id": ids}, row_group_size=7)
    told: list[int] = []
    blocks = list(parquet.columns(skip, told.append))
    assert [one for block in blocks for one in block.member_ids] == ids[skip:]
    assert sum(told) == parquet.length == 20


def test_row_groups_that_are_sent_already_are_not_even_decoded() -> None:
    table = pa.table({"id": [f"member-{n:06}" for n in range(100)]})
    content = bytearray(file_of(table, row_group_size=50).getvalue())
    first = pq.ParquetFile(io.BytesIO(content)).metadata.row_group(0).column(0)
    begins = first.dictionary_page_offset
    content[begins : begins + first.total_compressed_size] = bytes(first.total_compressed_size)
    found = ids_of(ParquetList(io.BytesIO(content)), skip=60)
    assert [found[0], len(found)] == ["member-000060", 40]


def test_a_mistake_behind_skipped_rows_has_the_row_of_the_file() -> None:
    parquet = listed({"id": ["u1", "u2", "u3", None, "u5"]}, row_group_size=2)
    with pytest.raises(BadList, match="row 4: no id"):
        list(members_of(parquet, skip=3))


def test_a_list_with_fewer_rows_than_are_to_be_skipped_is_too_short() -> None:
    with pytest.raises(ListShorter):
        list(members_of(listed({"id": ["u1", "u2"]}), skip=3))


def test_rows_come_as_columns_of_a_bounded_length() -> None:
    rows = 2 * ROWS_AT_ONCE_MAX + 1
    parquet = listed({"zip": pa.array(range(rows))})
    blocks = list(parquet.columns(0, lambda _: None))
    assert max(len(block.member_ids) for block in blocks) <= ROWS_AT_ONCE_MAX
    assert [text for block in blocks for text in block.traits["zip"]] == [
        str(n) for n in range(rows)
    ]
    assert "u1" not in repr(blocks[0])


def test_a_row_group_larger_than_memory_would_be_read_piece_by_piece() -> None:
    rows, text = 100_000, "x" * 100
    table = pa.table({"id": [f"{n:010}{text}" for n in range(rows)]})
    parquet = ParquetList(file_of(table, use_dictionary=False, compression="none"))
    del table
    before = pa.total_allocated_bytes()
    held = [pa.total_allocated_bytes() - before for _ in parquet.columns(0, lambda _: None)]
    assert len(held) == rows / ROWS_AT_ONCE_MAX
    assert max(held) < 4 * 1024 * 1024 < rows * len(text)
