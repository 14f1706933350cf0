"""The quick reading of phone numbers against libphonenumber's."""

import random

import pytest
from phonenumbers import (
    SUPPORTED_REGIONS,
    PhoneNumber,
    PhoneNumberFormat,
    example_number,
    format_number,
)

from service.identifiers import plain_phones as together
from service.identifiers.phone import normalize_phone, phone_of_any_form
from service.identifiers.plain_phone import learn_plans, plain_phone, plan_of
from service.identifiers.plain_phones import PhoneColumns
from tests.unit.identifiers.phone_texts import phone_text

_PARTS = 20
_NUMBERS_A_PART = 5_000
"""100,000 numbers in all."""


@pytest.mark.timeout(30)
@pytest.mark.parametrize("part", range(_PARTS))
def test_the_quick_reading_never_differs_from_that_of_libphonenumber(part: int) -> None:
    chance = random.Random(part)
    texts = [phone_text(chance) for _ in range(_NUMBERS_A_PART)]
    differing = [
        (text, region, quick, exact)
        for text, region in texts
        if text.strip()
        and (quick := normalize_phone(text, region))
        != (exact := phone_of_any_form(text.strip(), region))
    ]
    assert differing == []


@pytest.mark.timeout(30)
@pytest.mark.parametrize("at_once", [1, 7, 500])
def test_numbers_read_together_are_read_as_each_alone(at_once: int) -> None:
    chance = random.Random(at_once)
    numbers = [phone_text(chance) for _ in range(_NUMBERS_A_PART)]
    strange = [
        "+1 415\n555 0100",
        "\t00 44 20 7946 0958",
        "(0)",
        " 0044 20 7946 0958",
        "",
        "4" * 41,
    ]
    numbers += [(text, region) for text in strange for region in ("US", "DE", "GB")]
    chance.shuffle(numbers)
    plain_count = read_count = 0
    for at in range(0, len(numbers), at_once):
        texts, regions = zip(*numbers[at : at + at_once], strict=True)
        digits, odd = PhoneColumns().plain_phones(texts, regions)
        read_count += len(texts) - len(odd)
        plain_count += sum(
            plain_phone(*one) is not None for one in zip(texts, regions, strict=True)
        )
        for place in set(range(len(texts))).difference(odd):
            text = texts[place].strip()
            assert digits[place].decode() == plain_phone(text, regions[place]), text
            assert digits[place].decode() == phone_of_any_form(text, regions[place]), text
    assert read_count > plain_count * 0.9


@pytest.mark.parametrize(
    ("text", "region", "digits"),
    [
        ("+14155550100", "DE", "14155550100"),
        ("+1 (415) 555-0100", "DE", "14155550100"),
        ("(415) 555-0100", "US", "14155550100"),
        ("415.555.0100", "CA", "14155550100"),
        ("14155550100", "US", "14155550100"),
        ("030/901820", "DE", "4930901820"),
        ("+39 06 1234 5678", "US", "390612345678"),
        ("+54 9 11 1234-5678", "US", "5491112345678"),
    ],
)
def test_what_is_plainly_written_is_read_without_libphonenumber(
    text: str, region: str, digits: str
) -> None:
    assert plain_phone(text, region) == digits


@pytest.mark.parametrize(
    "text",
    [
        "+1 415 555 0100 x7", "\uff0b14155550100", "+1 415 555\u00a00100", "+0 415 555 0100",
        "++14155550100", "+999 123 456 789", "011 44 20 7946 0958", "555-0100", "+800 1234 5678",
        "+1 415 555 01000", "+", "-", "+1 800 FLOWERS", "+39 000 000 0000", "4" * 41,
    ],
)  # fmt: skip
def test_what_is_not_plain_is_left_to_libphonenumber(text: str) -> None:
    assert plain_phone(text, "US") is None


@pytest.mark.parametrize(
    ("text", "region"),
    [
        ("+14155550100", "DE"),
        ("+1 (415) 555-0100", "DE"),
        (" +44 20 7946 0958 ", "US"),
        ("(415) 555-0100", "US"),
        ("415.555.0100", "CA"),
        ("14155550100", "US"),
        ("0044 20 7946 0958", "US"),
        ("030/901820", "DE"),
        ("49 30 901820", "DE"),
        ("+39 06 1234 5678", "US"),
        ("+54 9 11 1234-5678", "US"),
    ],
)
def test_what_is_plainly_written_is_read_together(text: str, region: str) -> None:
    digits, odd = PhoneColumns().plain_phones([text] * 2, [region] * 2)
    assert (digits, odd) == ([str(plain_phone(text.strip(), region)).encode()] * 2, [])


def test_starts_of_numbers_are_not_kept_without_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(together, "STARTS_MAX", 7)
    monkeypatch.setattr(together, "REGIONS_MAX", 3)
    chance = random.Random(1)
    phones = PhoneColumns()
    numbers = [phone_text(chance) for _ in range(500)]
    for text, region in numbers:
        read = phones.plain_phones([text], [region])
        assert read == PhoneColumns().plain_phones([text], [region])
    assert len(phones._starts) <= 3
    assert max(map(len, phones._starts.values())) <= 7


def test_most_numbers_of_callers_are_plain() -> None:
    chance = random.Random(0)
    texts = [phone_text(chance) for _ in range(2_000)]
    possible = [
        (text, region) for text, region in texts if isinstance(normalize_phone(text, region), str)
    ]
    plain = [text for text, region in possible if plain_phone(text.strip(), region)]
    assert len(plain) > len(possible) / 2


def test_who_has_learned_the_plans_need_not_read_any_for_a_number() -> None:
    regions = sorted(SUPPORTED_REGIONS)
    examples = [example_number(region) or PhoneNumber() for region in regions]
    plan_of.cache_clear()
    learn_plans()
    known = plan_of.cache_info().misses
    for form in (PhoneNumberFormat.E164, PhoneNumberFormat.NATIONAL):
        assert any(
            PhoneColumns().plain_phones([format_number(one, form) for one in examples], regions)[0]
        )
    assert plan_of.cache_info().misses == known
