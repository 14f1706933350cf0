"""The fake's own reading of the normalising rules."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fakefb.normalizer import birth, contact, names, places
from fakefb.normalizer.member import (
    SINGLE_TRAITS,
    HashedMember,
    PlainMember,
    hashed_member,
)
from fakefb.normalizer.text import given_hash, sha256_hex
from tests.unit.fakefb.client import sha

VECTORS = Path(__file__).parents[2] / "data" / "normalization-vectors.jsonl"
RULES: dict[str, Callable[[str, str], str]] = {
    "EMAIL": lambda raw, _: contact.email(raw),
    "PHONE": contact.phone,
    "MADID": lambda raw, _: contact.mobile_ad_id(raw),
    "FN": lambda raw, _: names.name(raw),
    "LN": lambda raw, _: names.name(raw),
    "GEN": lambda raw, _: names.gender(raw),
    "DOBY": lambda raw, _: birth.year(raw, 2026),
    "DOBM": lambda raw, _: birth.month(raw),
    "DOBD": lambda raw, _: birth.day(raw),
    "CT": lambda raw, _: places.city(raw),
    "ST": places.state,
    "ZIP": places.zip_code,
    "COUNTRY": lambda raw, _: places.country(raw),
}


def member(**fields: object) -> HashedMember:
    lists = {k: v for k, v in fields.items() if isinstance(v, list)}
    single = {k: v for k, v in fields.items() if isinstance(v, str)}
    traits = fields.get("traits", {})
    assert isinstance(traits, dict)
    plain = PlainMember(**lists, single=single, traits=traits)
    return hashed_member(plain, default_region="US", this_year=2026)


def test_vectors_are_read_as_written() -> None:
    wrong = []
    lines = VECTORS.read_text(encoding="utf-8").splitlines()
    for vector in map(json.loads, lines):
        normal = RULES[vector["key"]](vector["input"], vector.get("country", "US"))
        known_hash = given_hash(vector["input"])
        value = known_hash or normal
        hashed = known_hash or (sha256_hex(normal) if normal else None)
        expected = (vector["expected_normalized"] or "", vector["expected_sha256"])
        got = (value, None if vector["key"] == "MADID" else hashed)
        if got != expected:
            wrong.append((vector, got))
    assert not wrong
    assert len(lines) > 100


@pytest.mark.parametrize(
    ("rule", "raw", "expected"),
    [
        (contact.email, "a@b@c.de", ""),
        (contact.email, "a b@c.de", ""),
        (contact.email, "a@.com", ""),
        (contact.email, "\u00a0A@B.com\n", "a@b.com"),
        (contact.email, "e\u0301@b.com", "é@b.com"),
        (contact.email, "x" * 513 + "@b.com", ""),
        (names.name, "  Ludwig II. ", "ludwigii"),
        (names.name, "--", ""),
        (places.city, "Saint-Étienne", "sainttienne"),
        (places.country, "U.S.A.", "us"),
        (places.country, "Côte d'Ivoire", "ci"),
        (birth.month, "sept", ""),
        (birth.month, "Sep", "09"),
        (birth.day, "00", ""),
    ],
)
def test_further_examples(rule: Callable[[str], str], raw: str, expected: str) -> None:
    assert rule(raw) == expected


@pytest.mark.parametrize(
    ("raw", "region", "expected"),
    [
        ("(415) 657-9229x718", "US", "14156579229"),
        ("415-657-9229 ext 7", "US", "14156579229"),
        ("+49(0) 226273248", "US", "49226273248"),
        ("06 12 34 56 78", "FR", "33612345678"),
        ("67 5982-0211", "BR", "556759820211"),
        ("+1 (122) 560-2031", "CA", "11225602031"),
        ("123-456-7890", "US", ""),
        ("555-1234", "US", ""),
        ("0099271445", "DE", ""),
        ("000-000-0000", "US", ""),
        ("call me", "US", ""),
        ("", "US", ""),
    ],
)
def test_messy_phones(raw: str, region: str, expected: str) -> None:
    assert contact.phone(raw, region) == expected


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        ("1990-02-22", ("1990", "02", "22")),
        ("19900222", ("1990", "02", "22")),
        ("06/03/1963", ("1963", "06", "03")),
        ("22.2.1990", ("1990", "02", "22")),
        ("2001-02-30", ("", "", "")),
        ("1899-01-01", ("", "01", "01")),
        ("22", None),
    ],
)
def test_whole_dates(raw: str, expected: tuple[str, str, str] | None) -> None:
    assert birth.whole_date(raw, 2026) == expected


def test_rows_take_the_ith_of_each_kind_and_all_weak_keys() -> None:
    found = member(
        emails=["a@x.org", "bad", "A@x.org", "b@x.org"], phones=["4155550100"], first_name="Ann"
    )
    weak = {"FN": sha("ann")}
    assert found.rows() == [
        {"EMAIL": sha("a@x.org"), "PHONE": sha("14155550100"), **weak},
        {"EMAIL": sha("b@x.org"), **weak},
    ]


def test_member_without_a_strong_identifier_has_no_row() -> None:
    assert member(first_name="Ann", last_name="Lee", zip="12345").rows() == []


def test_typed_field_wins_over_its_traits() -> None:
    found = member(first_name="Ann", traits={"firstName": "Eve", "lastName": "Lee", "DOB": "7"})
    assert found.weak == {"FN": sha("ann"), "LN": sha("lee"), "DOBD": sha("07")}


def test_hash_that_is_given_is_not_hashed_again() -> None:
    known = sha("a@x.org")
    assert member(emails=[f" {known.upper()} "]).strong["EMAIL"] == (known,)


def test_birthday_fills_year_month_and_day() -> None:
    found = member(traits={"birthday": "1990-02-22"})
    assert found.weak == {"DOBY": sha("1990"), "DOBM": sha("02"), "DOBD": sha("22")}


@given(st.text(max_size=60))
def test_any_text_is_read_or_left_out_and_nothing_empty_is_hashed(text: str) -> None:
    single = dict.fromkeys(SINGLE_TRAITS, text)
    found = member(emails=[text], phones=[text], mobile_ad_ids=[text], **single)
    values = [*found.weak.values(), *(v for kind in found.strong.values() for v in kind)]
    assert sha("") not in values
    assert "" not in values
