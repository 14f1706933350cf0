"""Reads a member's free-form traits: which trait names stand for which key."""

from collections.abc import Mapping
from typing import Final

from service.identifiers.keys import STRONG_KEYS, Key

LIST_SEPARATOR: Final = ";"
"""Between several e-mails, phones or devices in one trait."""

TRAIT_NAMES: Final[Mapping[Key, tuple[str, ...]]] = {
    Key.EMAIL: ("email", "emails"),
    Key.PHONE: ("phone", "phone_number", "phonenumber", "phoneNumber", "phones"),
    Key.MADID: ("idfa", "aaid", "gaid", "madid", "advertising_id"),
    Key.FN: ("first_name", "firstname", "firstName", "first"),
    Key.LN: ("last_name", "lastname", "lastName", "last"),
    Key.GEN: ("gender", "gen"),
    Key.DOBY: ("birth_year",),
    Key.DOBM: ("birth_month",),
    Key.DOBD: ("birth_day", "birthday", "date_of_birth", "DOB", "dateOfBirth"),
    Key.CT: ("city", "address_city"),
    Key.ST: ("state", "address_state"),
    Key.ZIP: ("zip", "zip_code", "zipCode"),
    Key.COUNTRY: ("country", "country_code", "countryCode"),
}
"""Every trait name understood, by key. Of several with a value, an earlier one goes first."""

_KNOWN: Final = {name: key for key, names in TRAIT_NAMES.items() for name in names}


def trait_values(traits: Mapping[str, str]) -> tuple[dict[Key, list[str]], int]:
    """The values of the known traits that are not blank, by key, and how many are unknown.

    Values come in the order of `TRAIT_NAMES`, whatever the order of the mapping; those of
    strong keys are split at `LIST_SEPARATOR`.
    """
    present = {_KNOWN[name] for name in traits if name in _KNOWN}
    unknown = sum(name not in _KNOWN for name in traits)
    return {key: values for key in present if (values := _values_of(key, traits))}, unknown


def _values_of(key: Key, traits: Mapping[str, str]) -> list[str]:
    texts = [traits[name] for name in TRAIT_NAMES[key] if name in traits]
    if key in STRONG_KEYS:
        texts = [part for text in texts for part in text.split(LIST_SEPARATOR)]
    return [text for text in texts if text.strip()]
