"""Owns how a plain member becomes rows: aliases, normal forms, hashes, one row an identifier."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import zip_longest
from typing import Final

from fakefb.normalizer import birth, contact, names, places
from fakefb.normalizer.text import given_hash, sha256_hex

EMAIL_TRAITS: Final = ("email", "emails")
PHONE_TRAITS: Final = ("phone", "phone_number", "phonenumber", "phoneNumber", "phones")
MADID_TRAITS: Final = ("idfa", "aaid", "gaid", "madid", "advertising_id")
SINGLE_TRAITS: Final[dict[str, tuple[str, ...]]] = {
    "first_name": ("first_name", "firstname", "firstName", "first"),
    "last_name": ("last_name", "lastname", "lastName", "last"),
    "gender": ("gender", "gen"),
    "birth_year": ("birth_year",),
    "birth_month": ("birth_month",),
    "birth_day": ("birthday", "birth_day", "date_of_birth", "DOB", "dateOfBirth"),
    "city": ("city", "address_city"),
    "state": ("state", "address_state"),
    "zip": ("zip", "zip_code", "zipCode"),
    "country": ("country_code", "countryCode"),
}
"""Trait names read for each single-valued field, in order of precedence."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PlainMember:
    """What a caller says of one member; a field that has a value wins over its traits."""

    emails: Sequence[str] = ()
    phones: Sequence[str] = ()
    mobile_ad_ids: Sequence[str] = ()
    single: Mapping[str, str]
    """Plain single-valued fields by name (`first_name` … `country`)."""
    traits: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class HashedMember:
    """Keys as they are compared: hashes, and the device id as it is."""

    strong: Mapping[str, tuple[str, ...]]
    weak: Mapping[str, str]

    def rows(self) -> list[dict[str, str]]:
        """Lay out the rows: the i-th has the i-th of each strong key, all have the weak keys.

        Without a strong identifier there is no row.
        """
        columns = zip_longest(*self.strong.values(), fillvalue="")
        return [
            {key: value for key, value in zip(self.strong, column, strict=True) if value}
            | dict(self.weak)
            for column in columns
        ]


def hashed_member(member: PlainMember, *, default_region: str, this_year: int) -> HashedMember:
    """Normalise and hash everything that can be read; what cannot be read is left out."""
    single = {field: _single(member, field) for field in SINGLE_TRAITS}
    region = places.region_of(single["country"], default_region)
    emails = member.emails or _split(_traits(member, EMAIL_TRAITS))
    phones = member.phones or _split(_traits(member, PHONE_TRAITS))
    madids = member.mobile_ad_ids or _split(_traits(member, MADID_TRAITS))
    strong = {
        "EMAIL": _distinct(_hashed(raw, contact.email(raw)) for raw in emails),
        "PHONE": _distinct(_hashed(raw, contact.phone(raw, region)) for raw in phones),
        "MADID": _distinct(contact.mobile_ad_id(raw) for raw in madids),
    }
    return HashedMember(strong, _weak(single, region, this_year))


def _weak(single: Mapping[str, str], region: str, this_year: int) -> dict[str, str]:
    values = {
        "FN": _hashed(single["first_name"], names.name(single["first_name"])),
        "LN": _hashed(single["last_name"], names.name(single["last_name"])),
        "GEN": _hashed(single["gender"], names.gender(single["gender"])),
        **_birth(single, this_year),
        "CT": _hashed(single["city"], places.city(single["city"])),
        "ST": _hashed(single["state"], places.state(single["state"], region)),
        "ZIP": _hashed(single["zip"], places.zip_code(single["zip"], region)),
        "COUNTRY": _hashed(single["country"], places.country(single["country"])),
    }
    return {key: value for key, value in values.items() if value}


def _birth(single: Mapping[str, str], this_year: int) -> dict[str, str]:
    year, month, day = single["birth_year"], single["birth_month"], single["birth_day"]
    whole = birth.whole_date(day, this_year)
    if whole is not None:
        year, month, day = year or whole.year, month or whole.month, whole.day
    return {
        "DOBY": _hashed(year, birth.year(year, this_year)),
        "DOBM": _hashed(month, birth.month(month)),
        "DOBD": _hashed(day, birth.day(day)),
    }


def _single(member: PlainMember, field: str) -> str:
    candidates = _traits(member, SINGLE_TRAITS[field])
    return member.single.get(field, "") or (candidates[0] if candidates else "")


def _traits(member: PlainMember, aliases: tuple[str, ...]) -> list[str]:
    return [member.traits[alias] for alias in aliases if member.traits.get(alias)]


def _split(values: Iterable[str]) -> list[str]:
    """A trait is one text, so that several identifiers in it are parted by semicolons."""
    return [part for value in values for part in value.split(";") if part]


def _hashed(raw: str, normal: str) -> str:
    return given_hash(raw) or (sha256_hex(normal) if normal else "")


def _distinct(values: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(value for value in values if value))
