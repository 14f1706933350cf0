"""Which rows stand for a member."""

import hashlib

import pytest

from service.identifiers import (
    IDENTIFIERS_PER_KIND_MAX,
    DropReason,
    Key,
    MemberRows,
    RawMember,
    member_key,
    pack_row,
    rows_of_member,
    unpack_row,
    wire_value,
)
from service.identifiers.traits import TRAIT_NAMES

_DEVICE = "a648a7dd-0683-4eb9-85b6-e6e307d4bedc"


def _rows(member: RawMember, default_region: str = "US") -> MemberRows:
    return rows_of_member(member, default_region=default_region, this_year=2026)


def _row(**texts: str) -> bytes:
    """The packed row of normalised texts, keyed by key name."""
    return pack_row(
        {
            Key[name]: bytes.fromhex(text.replace("-", ""))
            if name == "MADID"
            else hashlib.sha256(text.encode()).digest()
            for name, text in texts.items()
        }
    )


def test_a_member_with_every_field_gives_one_row_of_every_key() -> None:
    member = RawMember(
        emails=[" Mary@Example.com"],
        phones=["(650) 555-1212"],
        mobile_ad_ids=[_DEVICE.upper()],
        first_name="Mary Ann",
        last_name="O'Brien",
        gender="woman",
        birth_year="1990",
        birth_month="Feb",
        birth_day="3",
        city="St. Louis",
        state="New York",
        zip="94105-1234",
        country="USA",
    )
    expected = _row(
        EMAIL="mary@example.com", PHONE="16505551212", MADID=_DEVICE, FN="maryann", LN="obrien",
        GEN="f", DOBY="1990", DOBM="02", DOBD="03", CT="stlouis", ST="ny", ZIP="94105",
        COUNTRY="us",
    )  # fmt: skip
    assert _rows(member) == MemberRows((expected,), (), 0)


def test_row_i_takes_the_ith_email_phone_and_device() -> None:
    member = RawMember(
        emails=["a@x.com", "b@x.com", "A@X.com ", ""],
        phones=["+16505551212"],
        mobile_ad_ids=["", _DEVICE],
        first_name="Mary",
    )
    assert _rows(member).rows == tuple(
        sorted(
            [
                _row(EMAIL="a@x.com", PHONE="16505551212", MADID=_DEVICE, FN="mary"),
                _row(EMAIL="b@x.com", FN="mary"),
            ]
        )
    )


def test_dropped_values_leave_no_hole() -> None:
    rows = _rows(RawMember(emails=["n/a", "a@x.com"], phones=["+16505551212"]))
    assert rows.rows == (_row(EMAIL="a@x.com", PHONE="16505551212"),)
    assert rows.dropped == ((Key.EMAIL, DropReason.NOT_AN_EMAIL),)


def test_a_member_without_a_strong_identifier_has_no_rows() -> None:
    rows = _rows(RawMember(emails=["n/a"], first_name="Mary", gender="?"))
    assert rows.rows == ()
    assert rows.dropped == (
        (Key.EMAIL, DropReason.NOT_AN_EMAIL),
        (Key.GEN, DropReason.UNKNOWN_VALUE),
    )


def test_identifiers_beyond_the_limit_of_one_kind_are_dropped() -> None:
    emails = [f"{number}@x.com" for number in range(IDENTIFIERS_PER_KIND_MAX + 2)]
    rows = _rows(RawMember(emails=["0@x.com", *emails]))
    assert len(rows.rows) == IDENTIFIERS_PER_KIND_MAX
    assert rows.dropped == ((Key.EMAIL, DropReason.TOO_MANY),) * 2


def test_too_long_values_are_dropped_and_said() -> None:
    rows = _rows(RawMember(emails=["a" * 600 + "@x.com", "a@x.com"], city="c" * 513))
    assert rows.rows == (_row(EMAIL="a@x.com"),)
    assert rows.dropped == ((Key.EMAIL, DropReason.TOO_LONG), (Key.CT, DropReason.TOO_LONG))


def test_the_members_country_comes_before_the_default_region() -> None:
    member = RawMember(phones=["030 901820"], state="Washington", zip="123456", country="Germany")
    expected = _row(PHONE="4930901820", ST="washington", ZIP="123456", COUNTRY="de")
    assert _rows(member).rows == (expected,)


def test_the_default_region_stands_in_for_an_unknown_country() -> None:
    member = RawMember(phones=["030 901820"], country="Atlantis")
    rows = _rows(member, default_region="DE")
    assert rows.rows == (_row(PHONE="4930901820"),)
    assert rows.dropped == ((Key.COUNTRY, DropReason.UNKNOWN_VALUE),)


def test_a_hashed_value_is_taken_as_it_is() -> None:
    digest = hashlib.sha256(b"mary@example.com").hexdigest()
    assert _rows(RawMember(emails=[digest.upper()])).rows == (_row(EMAIL="mary@example.com"),)


_TRAIT_EXAMPLES = {
    Key.EMAIL: ("B@x.com", "b@x.com"),
    Key.PHONE: ("+1 650 555 1212", "16505551212"),
    Key.MADID: (_DEVICE.upper(), _DEVICE),
    Key.FN: ("Mary", "mary"),
    Key.LN: ("Smith", "smith"),
    Key.GEN: ("Male", "m"),
    Key.DOBY: ("1990", "1990"),
    Key.DOBM: ("2", "02"),
    Key.DOBD: ("3", "03"),
    Key.CT: ("Paris", "paris"),
    Key.ST: ("Texas", "tx"),
    Key.ZIP: ("94105-1", "94105"),
    Key.COUNTRY: ("USA", "us"),
}


@pytest.mark.parametrize(
    ("key", "name"), [(key, name) for key, names in TRAIT_NAMES.items() for name in names]
)
def test_every_trait_name_is_read(key: Key, name: str) -> None:
    raw, normalized = _TRAIT_EXAMPLES[key]
    anchor = {"emails": ["a@x.com"]} if key is not Key.EMAIL else {"phones": ["+16505551212"]}
    rows = _rows(RawMember(**anchor, traits={name: raw}))  # type: ignore[arg-type]
    (row,) = rows.rows
    value = unpack_row(row)[key]
    expected = normalized if key is Key.MADID else hashlib.sha256(normalized.encode()).hexdigest()
    assert wire_value(key, value) == expected
    assert rows.unknown_traits == 0


def test_the_trait_names_are_those_of_the_table_and_where_it_is_silent_our_own() -> None:
    table = (
        "first_name firstname firstName first last_name lastname lastName last "
        "phone phone_number phonenumber phoneNumber gender gen birth_year birth_month "
        "birthday birth_day date_of_birth DOB dateOfBirth state address_state "
        "city address_city zip zip_code zipCode country_code countryCode"
    )
    our_own = "email emails phones idfa aaid gaid madid advertising_id country"
    names = [name for names in TRAIT_NAMES.values() for name in names]
    assert sorted(names) == sorted(f"{table} {our_own}".split())


def test_unknown_traits_are_counted_and_ignored() -> None:
    rows = _rows(RawMember(traits={"email": "a@x.com", "Email": "b@x.com", "shoe_size": "9"}))
    assert rows == MemberRows((_row(EMAIL="a@x.com"),), (), 2)


@pytest.mark.parametrize("name", ["email", "emails"])
def test_a_trait_of_several_values_is_split_at_semicolons(name: str) -> None:
    rows = _rows(RawMember(traits={name: "a@x.com; b@x.com;;n/a"}))
    assert set(rows.rows) == {_row(EMAIL="a@x.com"), _row(EMAIL="b@x.com")}
    assert rows.dropped == ((Key.EMAIL, DropReason.NOT_AN_EMAIL),)


def test_strong_traits_of_several_names_add_up_in_a_fixed_order() -> None:
    other = "b" + _DEVICE[1:]
    one = RawMember(traits={"aaid": other, "idfa": _DEVICE, "emails": "a@x.com;b@x.com"})
    two = RawMember(traits={"emails": "a@x.com;b@x.com", "idfa": _DEVICE, "aaid": other})
    expected = [_row(EMAIL="a@x.com", MADID=_DEVICE), _row(EMAIL="b@x.com", MADID=other)]
    assert _rows(one).rows == _rows(two).rows == tuple(sorted(expected))


def test_a_typed_field_wins_over_a_trait_of_its_key() -> None:
    member = RawMember(
        emails=["a@x.com"], first_name="Mary", traits={"email": "b@x.com", "firstName": "Jane"}
    )
    assert _rows(member) == MemberRows((_row(EMAIL="a@x.com", FN="mary"),), (), 0)


def test_a_blank_typed_field_leaves_the_trait() -> None:
    member = RawMember(emails=[" "], first_name="  ", traits={"email": "b@x.com", "first": "Jane"})
    assert _rows(member).rows == (_row(EMAIL="b@x.com", FN="jane"),)


@pytest.mark.parametrize("date", ["1990-02-03", "19900203", "02/03/1990", "3.2.1990"])
@pytest.mark.parametrize("name", ["birthday", "birth_day", "date_of_birth", "DOB", "dateOfBirth"])
def test_a_whole_date_in_a_birthday_trait_fills_all_three_keys(name: str, date: str) -> None:
    rows = _rows(RawMember(emails=["a@x.com"], traits={name: date}))
    assert rows.rows == (_row(EMAIL="a@x.com", DOBY="1990", DOBM="02", DOBD="03"),)


def test_a_whole_date_in_the_typed_day_fills_all_three_keys() -> None:
    rows = _rows(RawMember(emails=["a@x.com"], birth_day=" 1990-02-03 "))
    assert rows.rows == (_row(EMAIL="a@x.com", DOBY="1990", DOBM="02", DOBD="03"),)


def test_explicit_parts_win_over_a_whole_date() -> None:
    member = RawMember(
        emails=["a@x.com"],
        birth_year="1991",
        birth_day="4",
        traits={"birth_month": "May", "DOB": "1990-02-03"},
    )
    assert _rows(member).rows == (_row(EMAIL="a@x.com", DOBY="1991", DOBM="05", DOBD="04"),)


@pytest.mark.parametrize("date", ["1990-02-30", "0000-00-00", "22/02/1990", "1900-02-29"])
def test_an_impossible_date_is_dropped(date: str) -> None:
    rows = _rows(RawMember(emails=["a@x.com"], birth_day=date))
    expected = MemberRows((_row(EMAIL="a@x.com"),), ((Key.DOBD, DropReason.NO_SUCH_DATE),), 0)
    assert rows == expected


def test_only_the_year_of_a_date_out_of_range_is_dropped() -> None:
    rows = _rows(RawMember(emails=["a@x.com"], birth_day="2030-02-03"))
    assert rows.rows == (_row(EMAIL="a@x.com", DOBM="02", DOBD="03"),)
    assert rows.dropped == ((Key.DOBY, DropReason.OUT_OF_RANGE),)


def test_a_member_id_is_kept_as_half_of_its_hash() -> None:
    assert member_key("u-1") == hashlib.sha256(b"u-1").digest()[:16]
    assert len(member_key("\ud800")) == 16


def test_neither_a_raw_member_nor_its_rows_show_an_identifier() -> None:
    member = RawMember(emails=["a@x.com"], mobile_ad_ids=[_DEVICE], traits={"first": "Mary"})
    shown = repr(member) + repr(_rows(member))
    assert not any(secret in shown for secret in ("a@x.com", "Mary", "\\x", "a648"))
