"""Owns the rules of the strong keys: e-mail, phone and mobile advertising id."""

import re
from functools import lru_cache
from typing import Final

import phonenumbers

from fakefb.normalizer.text import trimmed

_UUID: Final = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_TRUNK: Final = re.compile(r"\(\s*0\s*\)")
_EXTENSION: Final = re.compile(r"[\s,;]*(?:x|ext\.?|extension)[\s.:]*\d{1,9}$", re.IGNORECASE)
_DIGITS_KEPT: Final = 20_000


def email(raw: str) -> str:
    """Return the normal e-mail, or "" when it has not the shape of one."""
    value = trimmed(raw).lower()
    name, _, domain = value.partition("@")
    if not name or "@" in domain or "." not in domain or domain != domain.strip("."):
        return ""
    return "" if any(c.isspace() for c in value) else value


@lru_cache(maxsize=_DIGITS_KEPT)
def phone(raw: str, region: str) -> str:
    """Return country code and national number as digits, or "" when it can be no number.

    `region` is the ISO alpha-2 code (upper case) that completes a national number.
    """
    value = _EXTENSION.sub("", _TRUNK.sub("", trimmed(raw))).strip()
    if value.startswith("00"):
        value = "+" + value[2:]
    if not any(c.isdigit() and int(c) for c in value if c.isdecimal()):
        return ""
    try:
        number = phonenumbers.parse(value, region)
        digits = _e164_digits(number)
        reads_as_itself = _e164_digits(phonenumbers.parse(f"+{digits}", None)) == digits
    except phonenumbers.NumberParseException:
        return ""
    if not _is_possible(number) or not reads_as_itself:
        return ""
    return "" if _keeps_trunk_prefix(number, value) else digits


def _is_possible(number: phonenumbers.PhoneNumber) -> bool:
    """Tell whether the number has a possible length, area code included."""
    verdict = phonenumbers.is_possible_number_with_reason(number)
    return bool(verdict == phonenumbers.ValidationResult.IS_POSSIBLE)


def _keeps_trunk_prefix(number: phonenumbers.PhoneNumber, written: str) -> bool:
    """Tell whether a nationally written number is too short without its trunk prefix.

    123-456-7890 in the US has a possible length only because its 1 was left in place.
    """
    region = phonenumbers.region_code_for_country_code(number.country_code or 0)
    trunk = phonenumbers.ndd_prefix_for_region(region, True)
    if written.startswith("+") or not trunk:
        return False
    national = phonenumbers.national_significant_number(number)
    return national.startswith(trunk) and not phonenumbers.is_valid_number(number)


def _e164_digits(number: phonenumbers.PhoneNumber) -> str:
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)[1:]


def mobile_ad_id(raw: str) -> str:
    """Return the lower-case UUID, or "" when it is none or all zeros."""
    value = trimmed(raw).lower()
    return value if _UUID.fullmatch(value) and value.strip("0-") else ""
