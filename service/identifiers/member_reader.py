"""Reads the members of one batch, doing once what many of them share.

Of names, places and the like a batch has few different ones: what a text gives is remembered.
"""

from collections import Counter
from collections.abc import Callable
from hashlib import sha256
from operator import attrgetter
from typing import Final, NamedTuple, TypeVar

from service.identifiers.birth import whole_date
from service.identifiers.email import is_email_domain
from service.identifiers.hashing import value_of
from service.identifiers.keys import STRONG_KEYS, WEAK_KEYS, DropReason, Key
from service.identifiers.members import MemberFields, region_of, rows_of_member
from service.identifiers.normalize import rule_of
from service.identifiers.plain_phone import plain_phone
from service.identifiers.rows import MASK_BYTES

T = TypeVar("T")

REMEMBERED_TEXTS_MAX: Final = 20_000
"""Texts of one key, and of one region, that are remembered at once."""
REMEMBERED_CHARACTERS_MAX: Final = 63
"""Characters of a text that is remembered. One so short is neither hashed already nor too long."""

_weak_texts = attrgetter(
    "first_name",
    "last_name",
    "gender",
    "birth_year",
    "birth_month",
    "birth_day",
    "city",
    "state",
    "zip",
    "country",
)
"""The texts of a member in the order of WEAK_KEYS."""
_NO_TEXTS: Final = ("",) * len(WEAK_KEYS)
_MASK_MAX: Final = (1 << len(Key)) - 1
_MASKS: Final = tuple(mask.to_bytes(MASK_BYTES) for mask in range(_MASK_MAX + 1))
_EMAIL_BIT, _PHONE_BIT, _MADID_BIT = (1 << key for key in STRONG_KEYS)


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


_Cell = tuple[int, bytes]
"""What a text of a weak key adds to a row: its bit of the mask, and its hash."""
_NOTHING: Final[_Cell] = (0, b"")
_READ_IN_DETAIL: Final[_Cell] = (1 << len(Key), b"")
"""Something of the text is dropped, or it is for other keys too: `rows_of_member` knows."""


class _Region(NamedTuple):
    """A region with the cells of its members' texts, in the order of WEAK_KEYS."""

    code: str
    cells: tuple[_Memory[_Cell], ...]


class MemberReader:
    """Gives the rows of the members of one batch, the same as `rows_of_member`.

    It remembers plain text, so it lives no longer than its batch.
    """

    def __init__(self, *, default_region: str, this_year: int) -> None:
        self._default_region = default_region
        self._this_year = this_year
        self._values: dict[tuple[Key, str], _Memory[bytes | DropReason | None]] = {}
        self._regions: dict[str, _Region] = {}
        self._region_of_country = _Memory(self._region_named)
        self._is_domain = _Memory(is_email_domain)
        self.dropped: Counter[tuple[Key, DropReason]] = Counter()
        """The values that were not blank and are not used."""
        self.unknown_traits = 0

    def rows_of(self, member: MemberFields) -> tuple[bytes, ...]:
        """The packed rows of a member."""
        row = self.row_of_plain(member)
        return self.rows_of_any(member) if row is None else (row,)

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

    def row_of_plain(self, member: MemberFields) -> bytes | None:
        """The only row of a member of which nothing is dropped; None where a closer look is due.

        Plain is who has one e-mail, phone or device of each kind at most, and no traits.
        """
        emails, phones, devices = member.emails, member.phones, member.mobile_ad_ids
        if len(emails) > 1 or len(phones) > 1 or len(devices) > 1 or member.traits:
            return None
        texts = _weak_texts(member)
        region = self._region_of_country[texts[-1]]
        mask, values = 0, [b""]
        if emails:
            mask = _EMAIL_BIT
            values.append(self._email(emails[0]))
        if phones:
            mask |= _PHONE_BIT
            values.append(self._phone(phones[0], region.code))
        if devices:
            mask |= _MADID_BIT
            values.append(self._strong(Key.MADID, devices[0], region.code))
        if not all(values[1:]) or not mask:
            return None
        if texts != _NO_TEXTS:
            for text, cells in zip(texts, region.cells):  # noqa: B905 - both are one a weak key
                if text:
                    bit, value = cells[text]
                    mask |= bit
                    values.append(value)
            if mask > _MASK_MAX:
                return None
        values[0] = _MASKS[mask]
        return b"".join(values)

    def _email(self, raw: str) -> bytes:
        """The hash of an address, b"" for none."""
        if len(raw) <= REMEMBERED_CHARACTERS_MAX and raw.isascii():
            words = raw.lower().split()
            if len(words) == 1:
                name, _, domain = words[0].partition("@")
                if name and self._is_domain[domain]:
                    return sha256(words[0].encode()).digest()
        return self._strong(Key.EMAIL, raw, self._default_region)

    def _phone(self, raw: str, region: str) -> bytes:
        digits = plain_phone(raw.strip(), region)
        if digits is not None:
            return sha256(digits.encode()).digest()
        return self._strong(Key.PHONE, raw, region)

    def _strong(self, key: Key, raw: str, region: str) -> bytes:
        value = value_of(key, raw, region=region, this_year=self._this_year)
        return value if isinstance(value, bytes) else b""

    def _value_of(
        self, key: Key, raw: str, *, region: str, this_year: int
    ) -> bytes | DropReason | None:
        if key in STRONG_KEYS:
            return value_of(key, raw, region=region, this_year=this_year)
        return self._values_of(key, region)[raw]

    def _values_of(self, key: Key, region: str) -> _Memory[bytes | DropReason | None]:
        known = self._values.get((key, region))
        if known is None:
            known = self._values[key, region] = _Memory(
                lambda raw: value_of(key, raw, region=region, this_year=self._this_year)
            )
        return known

    def _region_named(self, country: str) -> _Region:
        code = region_of([country] if country.strip() else [], self._default_region)
        known = self._regions.get(code)
        if known is None:
            cells = tuple(_Memory(self._cells_of(key, code)) for key in WEAK_KEYS)
            known = self._regions[code] = _Region(code, cells)
        return known

    def _cells_of(self, key: Key, region: str) -> Callable[[str], _Cell]:
        rule = rule_of(key, region=region, this_year=self._this_year)

        def cell(text: str) -> _Cell:
            if len(text) > REMEMBERED_CHARACTERS_MAX or (key is Key.DOBD and whole_date(text)):
                return _READ_IN_DETAIL
            normalized = rule(text)
            if isinstance(normalized, DropReason):
                return _READ_IN_DETAIL
            return (1 << key, sha256(normalized.encode()).digest()) if normalized else _NOTHING

        return cell
