"""Normalises city, state, postal code and country."""

import re
from typing import Final

from service.identifiers.keys import DropReason
from service.identifiers.regions import region_named
from service.identifiers.text import composed, lowered
from service.identifiers.us_states import US_STATE_CODES

UNITED_STATES: Final = "US"
"""The region whose states and zips have rules of their own."""

_NOT_ASCII_LETTERS = re.compile(r"[^a-z]+")
_NOT_IN_A_ZIP = re.compile(r"[\s\-\u2010-\u2015\u2212\ufe58\ufe63\uff0d\ud800-\udfff]+")
_FIVE_DIGITS = re.compile(r"[0-9]{5}")


def normalize_city(raw: str) -> str | DropReason:
    """The letters a to z of the city, or EMPTY; blank gives ""."""
    city = lowered(raw)
    if not city:
        return ""
    return _NOT_ASCII_LETTERS.sub("", city) or DropReason.EMPTY


def normalize_state(raw: str, region: str) -> str | DropReason:
    """The letters a to z of the state, in the US its two-letter code, or EMPTY.

    A text that is no US state stays as it is written: it may be a state of a member whose
    country the caller does not know.
    """
    state = normalize_city(raw)
    if region == UNITED_STATES and isinstance(state, str):
        return US_STATE_CODES.get(state, state)
    return state


def normalize_zip(raw: str, region: str) -> str | DropReason:
    """The postal code without spaces and dashes, in the US its first five digits, or EMPTY."""
    text = lowered(raw)
    if not text:
        return ""
    is_code = text.isascii() and text.isalnum()
    code = text if is_code else composed(_NOT_IN_A_ZIP.sub("", text))
    if region == UNITED_STATES and (digits := _FIVE_DIGITS.search(code)):
        return digits.group()
    return code or DropReason.EMPTY


def normalize_country(raw: str) -> str | DropReason:
    """The ISO 3166-1 alpha-2 code in lower case, or UNKNOWN_VALUE; blank gives ""."""
    if not raw.strip():
        return ""
    region = region_named(raw)
    return DropReason.UNKNOWN_VALUE if region is None else region.lower()
