"""What each key's rule makes of a value."""

import hashlib

import pytest

from service.identifiers import DropReason, Key, already_hashed, is_region, normalize, value_of
from service.identifiers.regions import ALPHA_2

_HASH = "AbCdEf0123456789" * 4


def _normalize(key: Key, raw: str, region: str = "US") -> str | DropReason:
    return normalize(key, raw, region=region, this_year=2026)


def _value(key: Key, raw: str) -> bytes | DropReason | None:
    return value_of(key, raw, region="US", this_year=2026)


@pytest.mark.parametrize("key", Key)
@pytest.mark.parametrize("blank", ["", "  \t\n", "\u00a0\u3000", " " * 600])
def test_a_blank_stays_blank_and_is_not_hashed(key: Key, blank: str) -> None:
    assert _normalize(key, blank) == ""
    assert _value(key, blank) is None


@pytest.mark.parametrize("key", Key)
def test_a_value_over_512_bytes_is_too_long(key: Key) -> None:
    assert _normalize(key, "é" * 257) is DropReason.TOO_LONG
    assert _normalize(key, "1" * 513) is DropReason.TOO_LONG


def test_a_value_of_512_bytes_is_not_too_long() -> None:
    assert _normalize(Key.FN, "é" * 256) == "é" * 256
    assert _normalize(Key.EMAIL, "a" * 508 + "@b.c") == "a" * 508 + "@b.c"


def test_composed_and_decomposed_letters_are_the_same_name() -> None:
    assert _normalize(Key.LN, "Vale\u0301ry") == "val\u00e9ry"
    assert _normalize(Key.EMAIL, "Rene\u0301@x.fr") == "ren\u00e9@x.fr"


@pytest.mark.parametrize(
    "raw",
    [
        "n/a", "a@b", "a@@b.c", "a@b@c.d", "@b.c", "a@.b", "a@b.", "a@.b.c", "a b@c.d", "a@b .c",
        "a\u00a0@b.c", "a\ud800@b.c",
    ],
)  # fmt: skip
def test_what_is_no_email(raw: str) -> None:
    assert _normalize(Key.EMAIL, raw) is DropReason.NOT_AN_EMAIL


@pytest.mark.parametrize(
    ("raw", "region", "digits"),
    [
        ("+1 (650) 555-1212", "DE", "16505551212"),
        ("(650) 555-1212", "US", "16505551212"),
        ("00 44 20 7946 0958", "US", "442079460958"),
        ("011 44 20 7946 0958", "US", "442079460958"),
        ("+44(0)141 4960508", "US", "441414960508"),
        ("+44 ( 0 ) 141 4960508", "US", "441414960508"),
        ("0049 (0)30 901820", "US", "4930901820"),
        ("+34 (0)912 345 678", "ES", "34912345678"),
        ("030 901820", "DE", "4930901820"),
        ("06 1234 5678", "IT", "390612345678"),
        ("8 (912) 345-67-89", "RU", "79123456789"),
        ("812 345 67 89", "RU", "78123456789"),
        ("(028) 9018141", "GB", "44289018141"),
        ("415 555 0100x123", "US", "14155550100"),
        ("415 555 0100 ext 7", "US", "14155550100"),
        ("415 555 0100, Extension: 7", "US", "14155550100"),
        ("415 555 0100 x 12345678901", "US", "14155550100"),
        ("\uff0b14155550100", "DE", "14155550100"),
        ("39-3457-4676#5", "JP", "813934574676"),
        ("+1 123 456 7890", "US", "11234567890"),
    ],
)
def test_a_phone_becomes_its_country_code_and_digits(raw: str, region: str, digits: str) -> None:
    assert _normalize(Key.PHONE, raw, region) == digits


@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        ("hello", DropReason.UNREADABLE),
        ("+", DropReason.UNREADABLE),
        ("x123", DropReason.UNREADABLE),
        ("+999 123 456 789", DropReason.UNREADABLE),
        ("\ud800415", DropReason.NOT_POSSIBLE),
        ("12345", DropReason.NOT_POSSIBLE),
        ("555-0100", DropReason.NOT_POSSIBLE),
        ("123-456-7890", DropReason.NOT_POSSIBLE),
        ("442079460958", DropReason.NOT_POSSIBLE),
        ("+1 415 555 01000", DropReason.NOT_POSSIBLE),
        ("+591 00 73201446", DropReason.NOT_POSSIBLE),
        ("0", DropReason.ALL_ZEROS),
        ("000-000-0000", DropReason.ALL_ZEROS),
        ("+0000000000", DropReason.ALL_ZEROS),
        ("+1 000 000 0000", DropReason.ALL_ZEROS),
        ("000 x12", DropReason.ALL_ZEROS),
    ],
)
def test_what_is_no_phone_of_the_united_states(raw: str, reason: DropReason) -> None:
    assert _normalize(Key.PHONE, raw) is reason


def test_a_phone_in_a_region_without_phones_needs_its_country_code() -> None:
    assert _normalize(Key.PHONE, "415 555 0100", "AQ") is DropReason.UNREADABLE
    assert _normalize(Key.PHONE, "+1 415 555 0100", "AQ") == "14155550100"


def test_a_device_is_a_lower_case_uuid_and_not_hashed() -> None:
    raw = " A648A7DD-0683-4EB9-85B6-E6E307D4BEDC\n"
    assert _normalize(Key.MADID, raw) == "a648a7dd-0683-4eb9-85b6-e6e307d4bedc"
    assert _value(Key.MADID, raw) == bytes.fromhex("a648a7dd06834eb985b6e6e307d4bedc")


@pytest.mark.parametrize(
    "raw",
    [
        "a648a7dd06834eb985b6e6e307d4bedc",
        "{a648a7dd-0683-4eb9-85b6-e6e307d4bedc}",
        "a648a7dd-0683-4eb9-85b6-e6e307d4bed",
        "g648a7dd-0683-4eb9-85b6-e6e307d4bedc",
        _HASH,
    ],
)
def test_what_is_no_device(raw: str) -> None:
    assert _value(Key.MADID, raw) is DropReason.NOT_A_UUID


def test_a_device_of_zeros_is_dropped() -> None:
    zeros = "00000000-0000-0000-0000-000000000000"
    assert _normalize(Key.MADID, zeros) is DropReason.ALL_ZEROS


@pytest.mark.parametrize(
    ("raw", "name"),
    [
        ("Mary Jane", "maryjane"),
        ("O\u2019Brien 3rd", "obrienrd"),
        ("Anna\u2764\ufe0f", "anna"),
        ("\u0928\u093f\u0936\u093e", "\u0928\u093f\u0936\u093e"),
        ("e-\u0301", "e"),
        ("李", "李"),
        ("a\ud800b", "ab"),
    ],
)
def test_a_name_keeps_letters_and_their_marks(raw: str, name: str) -> None:
    assert _normalize(Key.FN, raw) == _normalize(Key.LN, raw) == name


@pytest.mark.parametrize("raw", ["😀", "-", "123", "\u2764\ufe0f", "1\ufe0f\u20e3", "\u0301"])
def test_a_name_without_letters_is_empty(raw: str) -> None:
    assert _normalize(Key.FN, raw) is DropReason.EMPTY


def test_genders() -> None:
    assert {_normalize(Key.GEN, raw) for raw in ("m", "Male", " MAN", "boy")} == {"m"}
    assert {_normalize(Key.GEN, raw) for raw in ("F", "female", "woman ", "Girl")} == {"f"}
    assert _normalize(Key.GEN, "unknown") is DropReason.UNKNOWN_VALUE


def test_a_birth_year_lies_between_1900_and_this_year() -> None:
    assert [_normalize(Key.DOBY, year) for year in ("1900", " 2026 ")] == ["1900", "2026"]
    for raw in ("1899", "2027", "90", "19999", "-1", "x", "\uff11\uff19\uff19\uff10"):
        assert _normalize(Key.DOBY, raw) is DropReason.OUT_OF_RANGE


def test_months_are_understood_as_numbers_and_english_names() -> None:
    assert [_normalize(Key.DOBM, raw) for raw in ("1", "09", "DEC", " may")] == [
        "01", "09", "12", "05",
    ]  # fmt: skip
    for raw in ("0", "13", "-1", "Januar", "001"):
        assert _normalize(Key.DOBM, raw) is DropReason.OUT_OF_RANGE


def test_days_lie_between_1_and_31() -> None:
    assert [_normalize(Key.DOBD, raw) for raw in ("1", "31")] == ["01", "31"]
    for raw in ("0", "32", "first", "007"):
        assert _normalize(Key.DOBD, raw) is DropReason.OUT_OF_RANGE


def test_a_city_keeps_the_letters_a_to_z() -> None:
    assert _normalize(Key.CT, "Saint-Étienne 2") == "sainttienne"
    assert _normalize(Key.CT, "東京") is DropReason.EMPTY


@pytest.mark.parametrize(
    ("raw", "code"),
    [
        ("New York", "ny"),
        ("newyork", "ny"),
        ("WEST  VIRGINIA", "wv"),
        ("N.Y.", "ny"),
        ("Washington, D.C.", "dc"),
        ("District of Columbia", "dc"),
        ("Washington", "wa"),
        ("Puerto Rico", "pr"),
        ("Matera", "matera"),
    ],
)
def test_a_state_of_the_united_states_becomes_its_code(raw: str, code: str) -> None:
    assert _normalize(Key.ST, raw) == code


def test_a_state_elsewhere_keeps_its_name() -> None:
    assert _normalize(Key.ST, "New South Wales", "AU") == "newsouthwales"
    assert _normalize(Key.ST, "Washington", "GB") == "washington"
    assert _normalize(Key.ST, "富山県", "JP") is DropReason.EMPTY


@pytest.mark.parametrize(
    ("raw", "region", "code"),
    [
        ("94105-1234", "US", "94105"),
        ("94105 1234", "US", "94105"),
        ("01234", "US", "01234"),
        ("1234", "US", "1234"),
        ("K1A 0A6", "US", "k1a0a6"),
        ("SW1A\u20131AA", "GB", "sw1a1aa"),
        ("00-950", "PL", "00950"),
        ("163-8001", "JP", "1638001"),
    ],
)
def test_a_zip_loses_spaces_and_dashes(raw: str, region: str, code: str) -> None:
    assert _normalize(Key.ZIP, raw, region) == code


@pytest.mark.parametrize("raw", ["-", "\ud800"])
def test_a_zip_of_nothing_else_is_empty(raw: str) -> None:
    assert _normalize(Key.ZIP, raw) is DropReason.EMPTY


@pytest.mark.parametrize(
    ("raw", "code"),
    [
        ("uk", "gb"),
        ("U.S.A.", "us"),
        ("United States", "us"),
        ("south korea", "kr"),
        ("Russia", "ru"),
        ("Czech Republic", "cz"),
        ("Czechia", "cz"),
        ("Côte d\u2019Ivoire", "ci"),
        ("Trinidad & Tobago", "tt"),
        ("Türkiye", "tr"),
        ("DEU", "de"),
        ("Georgia", "ge"),
    ],
)
def test_a_country_is_known_by_code_and_name(raw: str, code: str) -> None:
    assert _normalize(Key.COUNTRY, raw) == code


@pytest.mark.parametrize("raw", ["Atlantis", "東京us", "xx", "...", "12"])
def test_an_unknown_country_is_dropped(raw: str) -> None:
    assert _normalize(Key.COUNTRY, raw) is DropReason.UNKNOWN_VALUE


def test_regions_are_the_249_upper_case_codes() -> None:
    assert len(ALPHA_2) == 249
    assert is_region("US")
    assert not any(is_region(code) for code in ("us", "UK", "USA", ""))


@pytest.mark.parametrize("key", [key for key in Key if key is not Key.MADID])
def test_64_hex_digits_are_taken_as_already_hashed(key: Key) -> None:
    assert _value(key, f" {_HASH}\n") == bytes.fromhex(_HASH)


def test_already_hashed_is_decided_on_the_raw_value_only() -> None:
    raw = "-" + "a" * 64
    assert already_hashed(raw) is None
    assert _value(Key.FN, raw) == hashlib.sha256(b"a" * 64).digest()


def test_the_hash_of_nothing_is_dropped() -> None:
    assert _value(Key.EMAIL, hashlib.sha256(b"").hexdigest().upper()) is DropReason.EMPTY
