"""Owns the rules of city, state, zip and country."""

import re
import unicodedata
from functools import lru_cache
from typing import Final

from fakefb.normalizer.countries import ALPHA_2, BY_ALPHA_3, BY_NAME
from fakefb.normalizer.text import ascii_letters, trimmed
from fakefb.normalizer.us_states import US_STATE_CODES, US_STATES_BY_NAME

_US_ZIP: Final = re.compile(r"[0-9]{5}")


def city(raw: str) -> str:
    """Return a to z of the name, or ""."""
    return ascii_letters(trimmed(raw))


def state(raw: str, region: str) -> str:
    """Return the two-letter code of a US state, elsewhere a to z of the name, or ""."""
    value = ascii_letters(trimmed(raw))
    if region != "US" or value in US_STATE_CODES:
        return value
    return US_STATES_BY_NAME.get(value, value)


def zip_code(raw: str, region: str) -> str:
    """Return the code without spaces and dashes, or "".

    For the US the first five digits that stand together, if there are so many.
    """
    value = "".join(c for c in trimmed(raw).lower() if not _is_space_or_dash(c))
    found = _US_ZIP.search(value) if region == "US" else None
    return found.group() if found else value


@lru_cache(maxsize=1_000)
def country(raw: str) -> str:
    """Return the lower-case ISO alpha-2 code of a code or English name, or ""."""
    plain = unicodedata.normalize("NFKD", trimmed(raw)).lower()
    value = "".join(c for c in plain if unicodedata.category(c)[0] in "LN")
    if value in ALPHA_2:
        return value
    return BY_ALPHA_3.get(value) or BY_NAME.get(value, "")


def region_of(raw_country: str, default_region: str) -> str:
    """Return the upper-case region that completes a member's phone, state and zip."""
    return country(raw_country).upper() or default_region


def _is_space_or_dash(c: str) -> bool:
    return c.isspace() or unicodedata.category(c) == "Pd"
