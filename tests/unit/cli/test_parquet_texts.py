"""Customer lists of Parquet: what is read from which type, and how a wrong value is told."""

import datetime as dt
import uuid
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pytest

from service.cli.customer_list import BadList
from service.cli.parquet_members import VALUE_CHARACTERS_MAX, ParquetList
from tests.unit.cli.listed import members_of
from tests.unit.cli.parquet_lists import file_of, listed

MADID = uuid.UUID("6d92078a-8246-4ba4-ae5b-76104861e7dc")
BIRTH = dt.date(1980, 5, 17)
MIDNIGHT = dt.datetime(1980, 5, 17)  # noqa: DTZ001
BERLIN = dt.timezone(dt.timedelta(hours=2))


def values(name: str, array: pa.Array) -> list[str]:
    return [traits.get(name, "") for _, traits in members_of(listed({name: array}))]


def mistake(columns: Mapping[str, Any]) -> BadList:
    with pytest.raises(BadList) as caught:
        list(members_of(listed(columns)))
    return caught.value


def test_columns_become_traits_and_nulls_and_blanks_are_left_out() -> None:
    found = members_of(listed({"email": [" A@x.org", None, ""], "firstName": ["Ann", " ", "Bea"]}))
    assert list(found) == [
        ("u1", {"email": " A@x.org", "firstName": "Ann"}),
        ("u2", {}),
        ("u3", {"firstName": "Bea"}),
    ]


@pytest.mark.parametrize(
    ("name", "array", "texts"),
    [
        ("city", pa.array(["Köln", None], pa.large_string()), ["Köln", ""]),
        ("city", pa.array(["Köln", None, "Köln"]).dictionary_encode(), ["Köln", "", "Köln"]),
        ("city", pa.array([None, None], pa.null()), ["", ""]),
        ("email", pa.array([b"a@x.org", None], pa.binary()), ["a@x.org", ""]),
        ("gender", pa.array([b"f", None], pa.binary(1)), ["f", ""]),
        ("birth_year", pa.array([1980, None], pa.int16()), ["1980", ""]),
        ("zip", pa.array([94107, None], pa.uint32()), ["94107", ""]),
        ("birth_year", pa.array([1980.0, None, float("nan")]), ["1980", "", ""]),
        ("birth_year", pa.array([1980.0, None], pa.float32()), ["1980", ""]),
        (
            "phone",
            pa.array([Decimal(14155550123), None], pa.decimal128(38, 0)),
            ["14155550123", ""],
        ),
        ("zip", pa.array([Decimal("94107.00")], pa.decimal128(20, 2)), ["94107"]),
        ("birthday", pa.array([BIRTH, None], pa.date32()), ["1980-05-17", ""]),
        ("DOB", pa.array([BIRTH, None], pa.date64()), ["1980-05-17", ""]),
        ("birthday", pa.array([MIDNIGHT, None], pa.timestamp("ns")), ["1980-05-17", ""]),
        ("birthday", pa.array([MIDNIGHT], pa.timestamp("us", tz="UTC")), ["1980-05-17"]),
        (
            "birthday",
            pa.array([MIDNIGHT.replace(tzinfo=BERLIN)], pa.timestamp("us", tz="Europe/Berlin")),
            ["1980-05-17"],
        ),
        ("birth_day", pa.array([17, None], pa.int8()), ["17", ""]),
        ("idfa", pa.array([MADID.bytes, None], pa.uuid()), [str(MADID), ""]),
    ],
)
def test_a_value_is_the_text_that_a_person_would_write(
    name: str, array: pa.Array, texts: Sequence[str]
) -> None:
    assert values(name, array) == texts


@pytest.mark.parametrize(
    "kind", [pa.list_(pa.string()), pa.large_list(pa.string()), pa.list_(pa.string(), 3)]
)
def test_lists_of_strings_are_several_values_without_the_blank_ones(kind: pa.DataType) -> None:
    array = pa.array([["a@x.org", None, "b@x.org"], None, ["", "c@x.org", None]], kind)
    assert values("emails", array) == ["a@x.org;b@x.org", "", "c@x.org"]


def test_lists_of_numbers_and_of_dictionaries_are_read_and_empty_ones_are_blank() -> None:
    numbers = pa.array([[4917612345678, 14155550123], []], pa.list_(pa.int64()))
    assert values("phones", numbers) == ["4917612345678;14155550123", ""]
    cities = pa.array(["x", "y", "x"]).dictionary_encode()
    assert values("idfa", pa.ListArray.from_arrays([0, 2, 3], cities)) == ["x;y", "x"]


@pytest.mark.parametrize(
    ("name", "array", "words"),
    [
        ("email", pa.array([True]), "column email: it holds bool; texts or lists of texts are"),
        ("birthday", pa.array([True]), "column birthday: it holds bool; texts or dates are"),
        ("city", pa.array([["x"]]), "column city: it holds lists; texts are expected"),
        ("birth_year", pa.array([BIRTH]), "column birth_year: it holds date32[day]; texts are"),
        ("phones", pa.array([[["x"]]]), "column phones: it holds lists"),
        ("email", pa.array([{"ann@x.org": 1}]), "column email: it holds structs"),
        ("id", pa.array([{"x": 1}]), "column id: it holds structs; texts are expected"),
        ("shoe_size", pa.array([1]), "unknown column shoe_size; known are user_id"),
        ("emial", pa.array(["x"]), "unknown column emial (did you mean email?)"),
    ],
)
def test_a_column_that_means_nothing_is_told_before_any_row_is_read(
    name: str, array: pa.Array, words: str
) -> None:
    with pytest.raises(BadList) as caught:
        listed({name: array})
    assert words in str(caught.value)
    assert "ann@" not in str(caught.value)


@pytest.mark.parametrize(
    ("name", "array", "words"),
    [
        ("id", pa.array(["u1", None]), "row 2: no id"),
        ("id", pa.array(["u1", "  "]), "row 2: no id"),
        ("id", pa.array(["u1", "é" * 257]), "row 2: id is over 512 bytes"),
        ("zip", pa.array([94107, 94107.5]), "row 2, column zip: not a whole number"),
        ("birth_year", pa.array([1.0, float("inf")]), "row 2, column birth_year: too large"),
        ("id", pa.array([1.0, 2.0**53 + 2]), "row 2, column id: too large to be exact"),
        ("phone", pa.array([Decimal("1.0"), Decimal("1.5")]), "row 2, column phone: not a whole"),
        ("email", pa.array([b"a@x.org", b"m\xfcller@x.org"]), "row 2, column email: not UTF-8"),
        (
            "birthday",
            pa.array([MIDNIGHT, MIDNIGHT.replace(hour=22)]),
            "row 2, column birthday: a time of day is no part of a date",
        ),
        (
            "phones",
            pa.array([[1.0, 2.0], [], [3.0, 4.5]]),
            "row 3, column phones: not a whole number",
        ),
        (
            "city",
            pa.array(["x", "x" * (VALUE_CHARACTERS_MAX + 1)]),
            f"row 2, column city: over {VALUE_CHARACTERS_MAX} characters",
        ),
    ],
)
def test_a_value_that_cannot_be_read_is_told_with_its_row_and_column(
    name: str, array: pa.Array, words: str
) -> None:
    told = str(mistake({name: array}))
    assert words in told
    assert "ller" not in told


def test_text_that_its_writer_marked_as_utf_8_and_is_not_is_a_mistake() -> None:
    raw = pa.array([b"K\xc3\xb6ln", b"K\xf6ln"])
    marked = pa.StringArray.from_buffers(2, raw.buffers()[1], raw.buffers()[2])
    assert "row 2, column city: not UTF-8" in str(mistake({"city": marked}))


def test_members_before_the_first_mistake_are_read_whichever_column_it_is_in() -> None:
    columns = {
        "zip": pa.array([1.0, 2.0, 3.0, 4.5]),
        "birth_year": pa.array([1980.0, 1981.0, 1982.5, 1983.0]),
    }
    members = members_of(listed(columns))
    assert [next(members)[0], next(members)[0]] == ["u1", "u2"]
    with pytest.raises(BadList, match="row 3, column birth_year"):
        next(members)


@pytest.mark.parametrize(
    ("columns", "words"),
    [
        ({"email": ["x"]}, "exactly one of the columns user_id, member_id, id"),
        ({"id": ["x"], "user_id": ["x"]}, "exactly one of the columns"),
    ],
)
def test_the_member_needs_one_column(columns: Mapping[str, Any], words: str) -> None:
    with pytest.raises(BadList, match=words):
        ParquetList(file_of(pa.table(dict(columns))))


def test_a_column_that_is_there_twice_is_told() -> None:
    table = pa.table([pa.array(["u1"])] * 3, names=["id", "email", "email"])
    with pytest.raises(BadList, match="column email is there twice"):
        ParquetList(file_of(table))


def test_row_numbers_of_pandas_are_no_column() -> None:
    columns = {"email": ["a@x.org"], "__index_level_0__": [7]}
    assert list(members_of(listed(columns))) == [("u1", {"email": "a@x.org"})]
