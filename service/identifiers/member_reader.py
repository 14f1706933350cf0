"""Reads the members of one batch, doing once what many of them share.

Of names, places and the like a batch has few different ones: what a text gives is remembered.
Members are read column by column, a column being all their texts of one key.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from hashlib import sha256
from typing import Final, TypeVar

from service.identifiers.email import is_email_domain
from service.identifiers.hashing import value_of
from service.identifiers.keys import STRONG_KEYS, WEAK_KEYS, DropReason, Key
from service.identifiers.member_fields import Fields, fields_of
from service.identifiers.members import MemberFields, region_of, rows_of_member
from service.identifiers.normalize import rule_of
from service.identifiers.plain_phone import plain_phone
from service.identifiers.rows import MASK_BYTES

T = TypeVar("T")

REMEMBERED_TEXTS_MAX: Final = 20_000
"""Texts of one key, and of one region, that are remembered at once."""
REMEMBERED_CHARACTERS_MAX: Final = 63
"""Characters of a text that is remembered. One so short is neither hashed already nor too long."""

_NOTHING: Final = b""
"""What a blank adds to a row."""
_UNSURE: Final = b"?"
"""Stands for what is read in detail: it is dropped, or for other keys too."""

_STRONG_MASK: Final = sum(1 << key for key in STRONG_KEYS)
_HEADS: Final = {
    mask: mask.to_bytes(MASK_BYTES) for mask in range(1 << len(Key)) if mask & _STRONG_MASK
}
"""How rows begin, by their masks; without anything strong there is no row."""


class _Memory(dict[str, T]):
    """What short texts give, worked out when one is first met."""

    __slots__ = ("_make",)

    def __init__(self, make: Callable[[str], T]) -> None:
        super().__init__()
        self._make = make

    def __missing__(self, text: str) -> T:
        made = self._make(text)
        if len(text) <= REMEMBERED_CHARACTERS_MAX:
            if len(self) >= REMEMBERED_TEXTS_MAX:
                self.clear()
            self[text] = made
        return made


class MemberReader:
    """Gives the rows of the members of one batch, the same as `rows_of_member`.

    It remembers plain text, so it lives no longer than its batch.
    """

    def __init__(self, *, default_region: str, this_year: int) -> None:
        self._default_region = default_region
        self._this_year = this_year
        self._values_in_detail: dict[tuple[Key, str], _Memory[bytes | DropReason | None]] = {}
        self._values_by_region: dict[str, Sequence[_Memory[bytes]]] = {}
        self._region_of = _Memory(self._region_named)
        self._is_domain = _Memory(is_email_domain)
        self.dropped: Counter[tuple[Key, DropReason]] = Counter()
        """The values that were not blank and are not used."""
        self.unknown_traits = 0

    def rows_of(self, members: Sequence[MemberFields]) -> list[tuple[bytes, ...]]:
        """The packed rows of each member. Counts what was dropped."""
        return [
            self.rows_of_any(member) if row is None else (row,)
            for member, row in zip(members, self.rows_of_plain(members), strict=True)
        ]

    def rows_of_any(self, member: MemberFields) -> tuple[bytes, ...]:
        """The packed rows of a member, plain or not. Counts what was dropped."""
        found = rows_of_member(
            member,
            default_region=self._default_region,
            this_year=self._this_year,
            value_of=self._value_of,
        )
        self.dropped.update(found.dropped)
        self.unknown_traits += found.unknown_traits
        return found.rows

    def rows_of_plain(self, members: Sequence[MemberFields]) -> list[bytes | None]:
        """The only row of each member who is plain; None where a closer look is due.

        Plain is who has one e-mail, phone and device at most, and nothing to drop.
        """
        fields = [fields_of(member) for member in members]
        regions = [self._region_of[one[-1]] for one in fields]
        if len(set(regions)) == 1:
            return self._rows_in(regions[0], fields)
        rows: list[bytes | None] = [None] * len(fields)
        for region in set(regions):
            places = [place for place, other in enumerate(regions) if other == region]
            found = self._rows_in(region, [fields[place] for place in places])
            for place, row in zip(places, found, strict=True):
                rows[place] = row
        return rows

    def _rows_in(self, region: str, fields: Sequence[Fields]) -> list[bytes | None]:
        """The same of members of one region."""
        emails, phones, devices, unknown, *weak = zip(*fields, strict=True)
        columns = {
            Key.EMAIL: _strong_column(emails, self._email),
            Key.PHONE: _strong_column(phones, partial(self._phone, region)),
            Key.MADID: _strong_column(devices, partial(self._strong, Key.MADID, region)),
        }
        for key, texts, values in zip(WEAK_KEYS, weak, self._values_in(region), strict=True):
            if any(texts):
                columns[key] = [values[text] for text in texts]
        unsure: set[int] = set()
        for column in columns.values():
            if _UNSURE in column:
                unsure.update(place for place, value in enumerate(column) if value == _UNSURE)
        used = {key: column for key, column in columns.items() if column}
        rows = list(_joined(used, len(fields)))
        for place in unsure:
            rows[place] = None
        if any(unknown):
            counts = zip(unknown, rows, strict=True)
            self.unknown_traits += sum(count for count, row in counts if count and row is not None)
        return rows

    def _email(self, raw: str) -> bytes:
        if len(raw) <= REMEMBERED_CHARACTERS_MAX and raw.isascii():
            words = raw.lower().split()
            if len(words) == 1:
                name, _, domain = words[0].partition("@")
                if name and self._is_domain[domain]:
                    return sha256(words[0].encode()).digest()
        return self._strong(Key.EMAIL, self._default_region, raw)

    def _phone(self, region: str, raw: str) -> bytes:
        digits = plain_phone(raw.strip(), region)
        if digits is not None:
            return sha256(digits.encode()).digest()
        return self._strong(Key.PHONE, region, raw)

    def _strong(self, key: Key, region: str, raw: str) -> bytes:
        value = value_of(key, raw, region=region, this_year=self._this_year)
        return value if isinstance(value, bytes) else _UNSURE

    def _value_of(
        self, key: Key, raw: str, *, region: str, this_year: int
    ) -> bytes | DropReason | None:
        if key in STRONG_KEYS:
            return value_of(key, raw, region=region, this_year=this_year)
        known = self._values_in_detail.get((key, region))
        if known is None:
            known = self._values_in_detail[key, region] = _Memory(
                lambda text: value_of(key, text, region=region, this_year=this_year)
            )
        return known[raw]

    def _region_named(self, country: str) -> str:
        return region_of([country] if country.strip() else [], self._default_region)

    def _values_in(self, region: str) -> Sequence[_Memory[bytes]]:
        """The values of texts of members of a region, in the order of WEAK_KEYS."""
        known = self._values_by_region.get(region)
        if known is None:
            rules = [rule_of(key, region=region, this_year=self._this_year) for key in WEAK_KEYS]
            known = [_Memory(partial(_hashed, rule)) for rule in rules]
            self._values_by_region[region] = known
        return known


def _hashed(rule: Callable[[str], str | DropReason], text: str) -> bytes:
    # A whole date is no day to the rule of days, so it is unsure as well.
    normalized = rule(text) if len(text) <= REMEMBERED_CHARACTERS_MAX else DropReason.TOO_LONG
    if isinstance(normalized, DropReason):
        return _UNSURE
    return sha256(normalized.encode()).digest() if normalized else _NOTHING


def _strong_column(column: Sequence[Sequence[str]], read: Callable[[str], bytes]) -> list[bytes]:
    """The values of a strong key; an empty list where no member has any."""
    if not any(column):
        return []
    return [(read(raws[0]) if len(raws) == 1 else _UNSURE) if raws else _NOTHING for raws in column]


def _joined(columns: Mapping[Key, Sequence[bytes]], count: int) -> Sequence[bytes | None]:
    """The rows of columns in the order of their keys; None for one without anything strong."""
    everywhere = 0
    elsewhere: list[Iterable[int]] = []
    for key, column in columns.items():
        if all(column):
            everywhere |= 1 << key
        else:
            elsewhere.append([1 << key if value else 0 for value in column])
    if not elsewhere and everywhere & _STRONG_MASK:
        heads = [_HEADS[everywhere]] * count
    else:
        masks = map(sum, zip([everywhere] * count, *elsewhere, strict=True))
        heads = [_HEADS.get(mask, b"") for mask in masks]
    rows = list(map(b"".join, zip(heads, *columns.values(), strict=True)))
    if b"" not in heads:
        return rows
    return [row if head else None for head, row in zip(heads, rows, strict=True)]
