from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.identifiers import Key, pack_row, prefix, strong_identifiers
from service.identifiers.packed_rows import PackedRows, a_run, sorted_prefixes


def row_of(keys: frozenset[Key], seed: int) -> bytes:
    return pack_row({key: bytes([seed]) * (16 if key is Key.MADID else 32) for key in keys})


some_rows = st.lists(
    st.builds(
        row_of,
        st.frozensets(st.sampled_from([Key.EMAIL, Key.MADID, Key.FN]), min_size=1),
        st.integers(0, 3),
    ),
    max_size=12,
)


@given(some_rows)
def test_packed_rows_are_the_same_sequence(rows: list[bytes]) -> None:
    packed = PackedRows.of(rows)

    assert list(packed) == rows
    assert len(packed) == len(rows)
    assert [packed[at] for at in range(-len(rows), len(rows))] == rows + rows
    assert all(row in packed for row in rows)
    assert all(one.mask != next_one.mask for one, next_one in pairwise(packed.runs))


@given(some_rows, st.integers(-14, 14), st.none() | st.integers(-14, 14))
def test_a_part_of_packed_rows_is_cut_as_of_any_sequence(
    rows: list[bytes], start: int, end: int | None
) -> None:
    assert list(PackedRows.of(rows)[start:end]) == rows[start:end]


@given(some_rows)
def test_prefixes_are_those_of_the_strong_identifiers_in_order(rows: list[bytes]) -> None:
    identifiers = [one for row in rows for one in strong_identifiers(row)]
    assert sorted_prefixes(rows) == {
        key: sorted({prefix(value) for of, value in identifiers if of is key})
        for key in (Key.EMAIL, Key.PHONE, Key.MADID)
    }


def test_what_is_no_row_is_refused() -> None:
    row = row_of(frozenset([Key.EMAIL]), 1)
    with pytest.raises(ValueError, match="row"):
        PackedRows.of([row[:-1]])
    with pytest.raises(ValueError, match="row"):
        a_run(1, row + row[:-1])
    with pytest.raises(IndexError):
        PackedRows.of([row])[1]


def test_rows_are_not_shown() -> None:
    assert repr(PackedRows.of([row_of(frozenset([Key.MADID]), 1)])) == "PackedRows(1 rows)"
