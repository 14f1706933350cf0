"""Normalises a phone number to the digits of its E.164 form, without the plus sign."""

import functools
import re
from typing import Final

import phonenumbers

from service.identifiers.keys import DropReason
from service.identifiers.plain_phone import plain_phone, with_country_code_first

_EXTENSION = re.compile(r"[\s,;]*(?:x|extn?\.?|extension)[\s.:]*\d*\s*$", re.IGNORECASE)
_PLUS_SIGNS: Final = ("+", "\uff0b")
_DIGIT = re.compile(r"\d")
_DIGIT_BUT_ZERO = re.compile(r"[^\D0]")


def normalize_phone(raw: str, region: str) -> str | DropReason:
    """The digits with the country code first, or UNREADABLE, NOT_POSSIBLE, ALL_ZEROS.

    A number without a country code is completed with that of `region` (ISO alpha-2, upper
    case). A number that lacks its area code is not possible: nobody can be found by it.
    """
    text = raw.strip()
    if not text:
        return ""
    return plain_phone(text, region) or phone_of_any_form(text, region)


def phone_of_any_form(text: str, region: str) -> str | DropReason:
    """What libphonenumber makes of a text that is trimmed and not blank."""
    text = _EXTENSION.sub("", text)
    if not _DIGIT_BUT_ZERO.search(text):
        return DropReason.ALL_ZEROS if _DIGIT.search(text) else DropReason.UNREADABLE
    text = with_country_code_first(text)
    number = _parsed(text, region)
    return DropReason.UNREADABLE if number is None else _digits(number, text)


def _parsed(text: str, region: str | None) -> phonenumbers.PhoneNumber | None:
    try:
        return phonenumbers.parse(text, region)
    except phonenumbers.NumberParseException:
        return None


def _digits(number: phonenumbers.PhoneNumber, text: str) -> str | DropReason:
    code = number.country_code or 0
    national = phonenumbers.national_significant_number(number)
    if not _DIGIT_BUT_ZERO.search(national):
        return DropReason.ALL_ZEROS
    verdict = phonenumbers.is_possible_number_with_reason(number)
    if verdict != phonenumbers.ValidationResult.IS_POSSIBLE:
        return DropReason.NOT_POSSIBLE
    digits = f"{code}{national}"
    trunk_prefix, national_form = _national_writing(code)
    if national_form.fullmatch(national):
        return digits
    if _lost(trunk_prefix, national, text) or not _is_stable(digits):
        return DropReason.NOT_POSSIBLE
    return digits


def _is_stable(digits: str) -> bool:
    """Whether the E.164 form reads as itself; not so where a trunk prefix was written twice."""
    number = _parsed(f"+{digits}", None)
    if number is None:
        return False
    return f"{number.country_code}{phonenumbers.national_significant_number(number)}" == digits


def _lost(trunk_prefix: str, national: str, text: str) -> bool:
    """Whether the trunk prefix was not taken off a number written without a country code.

    It stays when too few digits would be left. Such a number, as 123-456-7890 in the United
    States, has a possible length, yet where it comes from would be a guess.
    """
    if text.startswith(_PLUS_SIGNS) or not trunk_prefix:
        return False
    return national.startswith(trunk_prefix)


@functools.cache
def _national_writing(country_code: int) -> tuple[str, re.Pattern[str]]:
    """A country's trunk prefix, "" for none, and the form of its national numbers without it."""
    main_region = phonenumbers.region_code_for_country_code(country_code)
    metadata = phonenumbers.PhoneMetadata.metadata_for_region(main_region, None)
    described = metadata.general_desc if metadata else None
    form = re.compile((described and described.national_number_pattern) or r"\d+")
    return (metadata and metadata.national_prefix) or "", form
