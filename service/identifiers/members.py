"""Turns what a caller knows of one member into the rows that stand for them."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import zip_longest
from typing import Final, Protocol

from service.identifiers.birth import BirthDate, whole_date
from service.identifiers.hashing import value_of
from service.identifiers.keys import (
    IDENTIFIERS_PER_KIND_MAX,
    STRONG_KEYS,
    WEAK_KEYS,
    DropReason,
    Key,
)
from service.identifiers.places import normalize_country
from service.identifiers.rows import pack_row
from service.identifiers.sha256 import sha256, sha256_each
from service.identifiers.traits import trait_values

MEMBER_KEY_BYTES: Final = 16
"""Bytes kept of the hash of a member id."""


class MemberFields(Protocol):
    """A member's identifiers as a caller wrote them; blank where unknown."""

    @property
    def emails(self) -> Sequence[str]: ...
    @property
    def phones(self) -> Sequence[str]: ...
    @property
    def mobile_ad_ids(self) -> Sequence[str]: ...
    @property
    def first_name(self) -> str: ...
    @property
    def last_name(self) -> str: ...
    @property
    def gender(self) -> str: ...
    @property
    def birth_year(self) -> str: ...
    @property
    def birth_month(self) -> str: ...
    @property
    def birth_day(self) -> str: ...
    @property
    def city(self) -> str: ...
    @property
    def state(self) -> str: ...
    @property
    def zip(self) -> str: ...
    @property
    def country(self) -> str: ...
    @property
    def traits(self) -> Mapping[str, str]: ...


class ValueOf(Protocol):
    """Gives the bytes to store for a raw value, as `value_of` does."""

    def __call__(
        self, key: Key, raw: str, *, region: str, this_year: int
    ) -> bytes | DropReason | None: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class RawMember:
    """The fields of a member as plain values.

    Lives in memory only, and its repr shows nothing of it.
    """

    emails: Sequence[str] = field(default=(), repr=False)
    phones: Sequence[str] = field(default=(), repr=False)
    mobile_ad_ids: Sequence[str] = field(default=(), repr=False)
    first_name: str = field(default="", repr=False)
    last_name: str = field(default="", repr=False)
    gender: str = field(default="", repr=False)
    birth_year: str = field(default="", repr=False)
    birth_month: str = field(default="", repr=False)
    birth_day: str = field(default="", repr=False)
    city: str = field(default="", repr=False)
    state: str = field(default="", repr=False)
    zip: str = field(default="", repr=False)
    country: str = field(default="", repr=False)
    traits: Mapping[str, str] = field(default_factory=dict, repr=False)


@dataclass(frozen=True, slots=True)
class MemberRows:
    """What stands for a member: `rows` are sorted, distinct, each with a strong identifier."""

    rows: tuple[bytes, ...] = field(repr=False)
    """Packed rows; empty where the member has nothing that finds a person."""
    dropped: tuple[tuple[Key, DropReason], ...]
    """One entry for each raw value that was not blank and is not used."""
    unknown_traits: int
    """Traits with a name that stands for no key."""


def rows_of_member(
    member: MemberFields, *, default_region: str, this_year: int, value_of: ValueOf = value_of
) -> MemberRows:
    """The rows of a member. Any text is accepted, none raises.

    `default_region` (ISO alpha-2, upper case) stands in for a country that is blank, unknown
    or already hashed.
    """
    raw, unknown_traits = _raw_values(member)
    region = region_of(raw.get(Key.COUNTRY, ()), default_region)
    reading = _Reading(region, this_year, value_of)
    _split_birth_date(raw, reading)
    strong = [reading.several(key, raw.get(key, ())) for key in STRONG_KEYS]
    weak = {key: value for key in WEAK_KEYS if (value := reading.single(key, raw.get(key, ())))}
    rows = {pack_row(_found(pick) | weak) for pick in zip_longest(*strong)}
    return MemberRows(tuple(sorted(rows)), tuple(reading.dropped), unknown_traits)


def member_key(member_id: str) -> bytes:
    """What is stored for a member id: 16 bytes of its SHA-256, for it may be an e-mail."""
    return sha256(member_id.encode("utf-8", "surrogatepass"))[:MEMBER_KEY_BYTES]


def member_keys(member_ids: Sequence[str]) -> list[bytes]:
    """The same of many ids."""
    try:
        encoded = list(map(str.encode, member_ids))
    except UnicodeEncodeError:  # a lone surrogate
        encoded = [one.encode("utf-8", "surrogatepass") for one in member_ids]
    return [digest[:MEMBER_KEY_BYTES] for digest in sha256_each(encoded)]


class _Reading:
    """Reads the values of one member and keeps count of what was dropped."""

    __slots__ = ("dropped", "region", "this_year", "value_of")

    def __init__(self, region: str, this_year: int, value_of: ValueOf) -> None:
        self.value_of = value_of
        self.region = region
        self.this_year = this_year
        self.dropped: list[tuple[Key, DropReason]] = []

    def single(self, key: Key, raws: Iterable[str]) -> bytes | None:
        """The value of the first raw text; the others are aliases that it overrules."""
        for raw in raws:
            value = self.value_of(key, raw, region=self.region, this_year=self.this_year)
            if isinstance(value, DropReason):
                self.dropped.append((key, value))
                return None
            return value
        return None

    def several(self, key: Key, raws: Iterable[str]) -> list[bytes]:
        """The distinct values, in their order, at most `IDENTIFIERS_PER_KIND_MAX`."""
        values: dict[bytes, None] = {}
        for raw in raws:
            if len(values) == IDENTIFIERS_PER_KIND_MAX:
                self.dropped.append((key, DropReason.TOO_MANY))
            elif value := self.single(key, (raw,)):
                values[value] = None
        return list(values)


def _raw_values(member: MemberFields) -> tuple[dict[Key, list[str]], int]:
    """Every text that is not blank, by key, and how many traits are unknown.

    A typed field overrules the traits of its key. The day of birth is the exception: there a
    trait may add the year and the month, so it stays behind the typed field.
    """
    from_traits, unknown = trait_values(member.traits) if member.traits else ({}, 0)
    typed = _typed_values(member)
    days = typed.get(Key.DOBD, []) + from_traits.get(Key.DOBD, [])
    merged = from_traits | typed
    if days:
        merged[Key.DOBD] = days
    return merged, unknown


def _typed_values(member: MemberFields) -> dict[Key, list[str]]:
    fields: tuple[tuple[Key, Sequence[str]], ...] = (
        (Key.EMAIL, member.emails),
        (Key.PHONE, member.phones),
        (Key.MADID, member.mobile_ad_ids),
        (Key.FN, (member.first_name,)),
        (Key.LN, (member.last_name,)),
        (Key.GEN, (member.gender,)),
        (Key.DOBY, (member.birth_year,)),
        (Key.DOBM, (member.birth_month,)),
        (Key.DOBD, (member.birth_day,)),
        (Key.CT, (member.city,)),
        (Key.ST, (member.state,)),
        (Key.ZIP, (member.zip,)),
        (Key.COUNTRY, (member.country,)),
    )
    filled = ((key, [text for text in texts if text.strip()]) for key, texts in fields)
    return {key: texts for key, texts in filled if texts}


def region_of(countries: Iterable[str], default_region: str) -> str:
    """The region of the first country, or else the default one."""
    for country in countries:
        code = normalize_country(country)
        return code.upper() if isinstance(code, str) else default_region
    return default_region


def _split_birth_date(raw: dict[Key, list[str]], reading: _Reading) -> None:
    """Spreads the first whole date among the days over the birth keys that are blank."""
    texts = raw.get(Key.DOBD, [])
    dates = [(text, whole_date(text)) for text in texts]
    days = [text for text, date in dates if date is None]
    first = next((date for _, date in dates if date is not None), None)
    raw[Key.DOBD] = days
    match first:
        case BirthDate():
            raw.setdefault(Key.DOBY, [first.year])
            raw.setdefault(Key.DOBM, [first.month])
            raw[Key.DOBD] = days or [first.day]
        case DropReason():
            reading.dropped.append((Key.DOBD, first))
        case None:
            pass


def _found(pick: Iterable[bytes | None]) -> dict[Key, bytes]:
    return {key: value for key, value in zip(STRONG_KEYS, pick, strict=True) if value is not None}
