"""Customer lists: what is read, and how a mistake is told."""

import contextlib
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.cli.csv_members import BYTES_AT_ONCE_MAX, LINE_BYTES_MAX, CsvList
from service.cli.customer_list import ROWS_AT_ONCE_MAX, BadList, ListShorter
from tests.unit.cli.listed import Listed, members_of


def csv_list(text: str | bytes) -> CsvList:
    content = text.encode() if isinstance(text, str) else text
    return CsvList(io.BytesIO(content), len(content))


def read(text: str | bytes) -> list[Listed]:
    return list(members_of(csv_list(text)))


def mistake(text: str | bytes) -> BadList:
    with pytest.raises(BadList) as caught:
        read(text)
    return caught.value


def test_columns_become_traits_and_blank_values_are_left_out() -> None:
    members = read("user_id,email,firstName\nu1, A@x.org,Ann\nu2,, \n")
    assert members == [
        ("u1", {"email": " A@x.org", "firstName": "Ann"}),
        ("u2", {}),
    ]


@pytest.mark.parametrize("name", ["user_id", "member_id", "id"])
def test_the_member_column_has_three_names_and_any_place(name: str) -> None:
    assert read(f"email,{name}\na@x.org,u1\n") == [("u1", {"email": "a@x.org"})]


def test_a_byte_order_mark_windows_line_ends_and_blank_lines_are_accepted() -> None:
    text = b"\xef\xbb\xbfid,email\r\n\r\nu1,a@x.org\r\n\r\n"
    assert read(text) == [("u1", {"email": "a@x.org"})]


def test_quoted_values_may_hold_commas_quotes_and_line_ends() -> None:
    assert read('id,city\nu1,"St. ""X"",\nY"\nu2,Z\n') == [
        ("u1", {"city": 'St. "X",\nY'}),
        ("u2", {"city": "Z"}),
    ]


def test_a_header_alone_is_a_list_of_nobody() -> None:
    assert read("id,email\n") == []


@pytest.mark.parametrize("text", ["", "\n\n", b"\xef\xbb\xbf"])
def test_an_empty_file_is_told_as_such(text: str | bytes) -> None:
    assert "empty" in str(mistake(text))


@pytest.mark.parametrize(
    ("text", "line", "words"),
    [
        ("id,email\nu1,a@x.org\nu2\n", 3, "1 columns where the header line has 2"),
        ("id,email\nu1,a,b\n", 2, "3 columns where the header line has 2"),
        ('id,city\nu1,"x\ny"\nu2\n', 4, "1 columns"),
        ('id,email\nu1,a\nu2,"never\nclosed\n', 3, "never closed"),
        ('id,email\nu1,"a"b\n', 2, "closing quote"),
        ("id,email\n,a@x.org\n", 2, "no id"),
        ("user_id,email\n  ,a@x.org\n", 2, "no user_id"),
        (f"id\n{'x' * 513}\n", 2, "over 512 bytes"),
        (b"id,email\nu1,a\nu2,M\xfcller\n", 3, "not UTF-8 at byte 5"),
        ("id,email\nu1,a\n".encode("utf-16"), 1, "not UTF-8"),
        ("id,email\nu1,a\n".encode("utf-16-le"), 1, "zero byte"),
        ("id,emial\n", 1, "unknown column emial (did you mean email?); known are user_id"),
        ("id,shoe_size\n", 1, "unknown column shoe_size; known are"),
        ("id,email,\n", 1, "column 3 has no name"),
        ("id;email;phone\n", 1, "separated by commas"),
        ("email,phone\n", 1, "exactly one of the columns user_id, member_id, id"),
        ("id,user_id\n", 1, "exactly one"),
        ("id,email,email\n", 1, "email is there twice"),
        ("id\rx\ry\r", 1, "carriage return"),
    ],
)
def test_a_mistake_is_told_with_its_line(text: str | bytes, line: int, words: str) -> None:
    found = mistake(text)
    assert found.place == f"line {line}"
    assert words in str(found)
    assert "\n" not in str(found)


def test_a_line_without_an_end_is_not_read_into_memory() -> None:
    file = io.BytesIO(b"id\n" + b"x" * (3 * LINE_BYTES_MAX))
    with pytest.raises(BadList, match="line 2: longer than"):
        list(members_of(CsvList(file, 0)))
    assert file.tell() <= LINE_BYTES_MAX + 10


def test_a_list_without_header_is_not_repeated_in_the_message() -> None:
    found = mistake("ann@example.org,id\n")
    assert "header line missing" in str(found)
    assert "ann" not in str(found)


def test_members_before_a_mistake_are_read() -> None:
    members = members_of(csv_list(b"id\nu1\nu2\n\xff\n"))
    assert [next(members)[0], next(members)[0]] == ["u1", "u2"]
    with pytest.raises(BadList):
        next(members)


def test_the_bytes_told_add_up_to_the_file() -> None:
    content = b"\xef\xbb\xbfid,email\nu1,a@x.org\nu2,b@x.org"
    told: list[int] = []
    list(csv_list(content).columns(0, told.append))
    assert sum(told) == len(content)


@given(st.binary(max_size=200))
def test_any_bytes_are_members_or_one_mistake(noise: bytes) -> None:
    with contextlib.suppress(BadList):
        assert all(member_id.strip() for member_id, _ in read(b"id,email\n" + noise))


def test_the_repr_of_members_shows_nothing() -> None:
    (block,) = csv_list("id,email\nann@x.org,ann@x.org\n").columns(0, lambda _: None)
    assert "x.org" not in repr(block)


def test_the_first_of_two_mistakes_is_told_though_the_second_is_found_first() -> None:
    members = members_of(csv_list('id,city\nu1,x\n,y\nu3,"never closed\n'))
    assert next(members) == ("u1", {"city": "x"})
    with pytest.raises(BadList, match="line 3: no id"):
        next(members)


def test_a_bounded_number_of_members_and_bytes_is_read_at_once() -> None:
    many = csv_list("id\n" + "".join(f"u{n}\n" for n in range(2 * ROWS_AT_ONCE_MAX + 1)))
    blocks = [len(block.member_ids) for block in many.columns(0, lambda _: None)]
    assert blocks == [ROWS_AT_ONCE_MAX, ROWS_AT_ONCE_MAX, 1]
    line = "u," + ";".join(["x" * 1000] * 100)
    wide = csv_list("id,email\n" + f"{line}\n" * 100)
    for block in wide.columns(0, lambda _: None):
        assert len(block.member_ids) * len(line) < BYTES_AT_ONCE_MAX + 2 * len(line)


def test_members_that_are_sent_already_are_skipped_but_lines_are_still_counted() -> None:
    members = members_of(csv_list('id,city\nu1,"a\nb"\n\nu2,c\nu3,d\nu4\n'), skip=2)
    assert next(members)[0] == "u3"
    with pytest.raises(BadList, match="line 7: 1 columns"):
        next(members)


def test_a_list_with_fewer_members_than_are_to_be_skipped_is_too_short() -> None:
    assert list(members_of(csv_list("id\nu1\nu2\n"), skip=2)) == []
    with pytest.raises(ListShorter):
        list(members_of(csv_list("id\nu1\nu2\n"), skip=3))


def test_a_parquet_file_by_another_name_is_told_what_name_it_needs() -> None:
    assert "its name has to end in .parquet" in str(mistake(b"PAR1\x15\x04\n"))
