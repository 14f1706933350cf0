"""Chooses the rule for a key. Pure text to text: hashing comes after."""

import functools
from collections.abc import Callable, Mapping
from typing import Final

from service.identifiers.birth import (
    normalize_birth_day,
    normalize_birth_month,
    normalize_birth_year,
)
from service.identifiers.email import normalize_email
from service.identifiers.gender import normalize_gender
from service.identifiers.keys import DropReason, Key
from service.identifiers.madid import normalize_madid
from service.identifiers.names import normalize_name
from service.identifiers.phone import normalize_phone
from service.identifiers.places import (
    normalize_city,
    normalize_country,
    normalize_state,
    normalize_zip,
)
from service.identifiers.text import is_too_long

_BY_TEXT: Final[Mapping[Key, Callable[[str], str | DropReason]]] = {
    Key.EMAIL: normalize_email,
    Key.MADID: normalize_madid,
    Key.FN: normalize_name,
    Key.LN: normalize_name,
    Key.GEN: normalize_gender,
    Key.DOBM: normalize_birth_month,
    Key.DOBD: normalize_birth_day,
    Key.CT: normalize_city,
    Key.COUNTRY: normalize_country,
}
_BY_TEXT_AND_REGION: Final[Mapping[Key, Callable[[str, str], str | DropReason]]] = {
    Key.PHONE: normalize_phone,
    Key.ST: normalize_state,
    Key.ZIP: normalize_zip,
}
_BY_TEXT_AND_YEAR: Final[Mapping[Key, Callable[[str, int], str | DropReason]]] = {
    Key.DOBY: normalize_birth_year,
}

REGIONAL_KEYS: Final = frozenset(_BY_TEXT_AND_REGION)
"""The keys whose texts mean something else in another country."""


def normalize(key: Key, raw: str, *, region: str, this_year: int) -> str | DropReason:
    """The text to hash (for MADID: to send), or why there is none; blank gives "".

    Any text is accepted, none raises. `region` is ISO alpha-2 in upper case. A value that is
    already hashed is no text to normalise: ask `value_of`.
    """
    if is_too_long(raw):
        return DropReason.TOO_LONG if raw.strip() else ""
    return rule_of(key, region=region, this_year=this_year)(raw)


@functools.lru_cache(maxsize=4096)
def rule_of(key: Key, *, region: str, this_year: int) -> Callable[[str], str | DropReason]:
    """What normalises the texts of a key that are not too long."""
    if rule := _BY_TEXT.get(key):
        return rule
    if regional_rule := _BY_TEXT_AND_REGION.get(key):
        return lambda raw: regional_rule(raw, region)
    rule_of_year = _BY_TEXT_AND_YEAR[key]
    return lambda raw: rule_of_year(raw, this_year)
