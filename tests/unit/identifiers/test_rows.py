"""Packing rows and taking them apart."""

import uuid

import pytest

from service.identifiers import (
    EMPTY_ROW,
    Identifier,
    Key,
    mask_keys,
    pack_row,
    prefix,
    row_mask,
    row_of,
    row_size,
    row_with_only,
    split_rows,
    strong_identifiers,
    unpack_row,
    wire_value,
)

_DEVICE = uuid.UUID("a648a7dd-0683-4eb9-85b6-e6e307d4bedc")
_VALUES = {
    Key.PHONE: b"p" * 32,
    Key.MADID: _DEVICE.bytes,
    Key.FN: b"f" * 32,
    Key.COUNTRY: b"c" * 32,
}


def test_a_row_is_its_mask_and_the_values_in_the_order_of_the_keys() -> None:
    shuffled = dict(reversed(_VALUES.items()))
    expected = b"\x10\x0e" + b"p" * 32 + _DEVICE.bytes + b"f" * 32 + b"c" * 32
    assert pack_row(shuffled) == expected
    assert row_mask(expected) == 0x100E
    assert mask_keys(0x100E) == tuple(_VALUES)
    assert row_size(0x100E) == len(expected)


def test_the_empty_row_holds_nothing() -> None:
    assert pack_row({}) == EMPTY_ROW
    assert unpack_row(EMPTY_ROW) == {}
    assert strong_identifiers(EMPTY_ROW) == ()


def test_a_value_of_the_wrong_size_is_refused() -> None:
    with pytest.raises(ValueError, match="EMAIL has 16 bytes, not 32"):
        pack_row({Key.EMAIL: b"x" * 16})
    with pytest.raises(ValueError, match="MADID has 32 bytes, not 16"):
        pack_row({Key.MADID: b"x" * 32})


@pytest.mark.parametrize("damaged", [b"", b"\x00", pack_row(_VALUES)[:-1], EMPTY_ROW + b"x"])
def test_what_is_no_row_is_refused(damaged: bytes) -> None:
    with pytest.raises(ValueError, match="not a packed row"):
        unpack_row(damaged)


def test_a_mask_with_an_unknown_key_is_refused() -> None:
    with pytest.raises(ValueError, match="unknown key"):
        row_size(1 << len(Key))
    with pytest.raises(ValueError, match="unknown key"):
        split_rows(b"\xff\xff" + b"x" * 500)


@pytest.mark.parametrize("cut", [1, 2, 33])
def test_a_chunk_that_ends_within_a_row_is_refused(cut: int) -> None:
    row = pack_row({Key.EMAIL: b"e" * 32})
    with pytest.raises(ValueError, match="ends within a row"):
        split_rows(row + row[:cut])


def test_strong_identifiers_of_a_row() -> None:
    assert strong_identifiers(pack_row(_VALUES)) == (
        Identifier(Key.PHONE, b"p" * 32),
        Identifier(Key.MADID, _DEVICE.bytes),
    )


def test_one_strong_identifier_keeps_the_weak_keys_beside_it() -> None:
    row = pack_row(_VALUES)
    assert unpack_row(row_with_only(row, Key.PHONE)) == {
        Key.PHONE: b"p" * 32, Key.FN: b"f" * 32, Key.COUNTRY: b"c" * 32,
    }  # fmt: skip
    with pytest.raises(KeyError):
        row_with_only(row, Key.EMAIL)


def test_a_row_of_one_identifier() -> None:
    assert unpack_row(row_of(Identifier(Key.MADID, _DEVICE.bytes))) == {Key.MADID: _DEVICE.bytes}


def test_a_prefix_is_a_signed_64_bit_number() -> None:
    assert prefix(b"\x00" * 7 + b"\x01" + b"\xff" * 24) == 1
    assert prefix(b"\xff" * 32) == -1
    assert prefix(b"\x80" + b"\x00" * 31) == -(2**63)


def test_what_facebook_gets() -> None:
    assert wire_value(Key.EMAIL, b"\xab" * 32) == "ab" * 32
    assert wire_value(Key.MADID, _DEVICE.bytes) == str(_DEVICE)


def test_an_identifier_does_not_show_its_value() -> None:
    assert repr(Identifier(Key.MADID, _DEVICE.bytes)) == "Identifier(MADID)"
