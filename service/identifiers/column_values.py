"""Gives the values of columns: of one key, the texts that many members have."""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Final

from service.identifiers.email import is_email_domain
from service.identifiers.hashing import value_of
from service.identifiers.keys import STRONG_KEYS, DropReason, Key
from service.identifiers.members import region_of
from service.identifiers.normalize import REGIONAL_KEYS, rule_of
from service.identifiers.plain_emails import plain_emails
from service.identifiers.plain_phone import plain_phones
from service.identifiers.sha256 import sha256
from service.identifiers.text_memory import REMEMBERED_CHARACTERS_MAX, TextMemory

NOTHING: Final = b""
"""The value of a blank."""
UNSURE: Final = b"?"
"""Stands for what is to be read in detail: it is dropped, or for other keys too."""

_ANY_REGION: Final = ""
_TOGETHER: Final = (Key.EMAIL, Key.PHONE)
"""The keys whose texts are read together, as hardly two are alike."""


class ColumnValues:
    """The bytes to store for the texts of each key.

    Made for a call and dropped with it: it remembers plain text, bounded as a `TextMemory` is.
    """

    def __init__(self, *, default_region: str, this_year: int) -> None:
        self.default_region = default_region
        self.this_year = this_year
        self._memories: dict[tuple[Key, str], TextMemory[bytes]] = {}
        self._memories_in_detail: dict[tuple[Key, str], TextMemory[bytes | DropReason | None]] = {}
        self._region_of = TextMemory(self._region_named)
        self._is_domain = TextMemory(is_email_domain)

    def of_columns(
        self, columns: Mapping[Key, Sequence[str]], count: int
    ) -> dict[Key, Sequence[bytes]]:
        """A value for each text: NOTHING for a blank one, UNSURE for one that needs a closer look.

        Shape: `columns` has the texts of `count` members for each key that any of them has.
        """
        countries = columns.get(Key.COUNTRY, ())
        regions = [self._region_of[text] for text in countries] or [self.default_region] * count
        return {key: self._of_column(key, columns[key], regions) for key in Key if columns.get(key)}

    def in_detail(
        self, key: Key, raw: str, *, region: str, this_year: int
    ) -> bytes | DropReason | None:
        """The same as `value_of`, remembered for weak keys."""
        if key in STRONG_KEYS:
            return value_of(key, raw, region=region, this_year=this_year)
        known = self._memories_in_detail.get((key, region))
        if known is None:
            known = self._memories_in_detail[key, region] = TextMemory(
                lambda text: value_of(key, text, region=region, this_year=this_year)
            )
        return known[raw]

    def _of_column(self, key: Key, texts: Sequence[str], regions: Sequence[str]) -> Sequence[bytes]:
        if key in _TOGETHER and not all(texts):
            return self._of_filled(key, texts, regions)
        if key is Key.EMAIL:
            return self._of_emails(texts)
        if key is Key.PHONE:
            return self._of_phones(texts, regions)
        if key not in REGIONAL_KEYS:
            return list(map(self._reading(key, _ANY_REGION), texts))
        readings = {region: self._reading(key, region) for region in set(regions)}
        if len(readings) == 1:
            return list(map(readings[regions[0]], texts))
        return [readings[region](text) for region, text in zip(regions, texts, strict=True)]

    def _of_filled(self, key: Key, texts: Sequence[str], regions: Sequence[str]) -> Sequence[bytes]:
        """The same, of those that are not empty only."""
        places = [place for place, text in enumerate(texts) if text]
        filled = self._of_column(key, [texts[at] for at in places], [regions[at] for at in places])
        values = [NOTHING] * len(texts)
        for place, value in zip(places, filled, strict=True):
            values[place] = value
        return values

    def _of_emails(self, texts: Sequence[str]) -> Sequence[bytes]:
        return [
            self._strong(Key.EMAIL, _ANY_REGION, text)
            if address is None
            else sha256(address.encode())
            for address, text in zip(plain_emails(texts, self._is_domain), texts, strict=True)
        ]

    def _of_phones(self, texts: Sequence[str], regions: Sequence[str]) -> Sequence[bytes]:
        return [
            self._strong(Key.PHONE, region, text) if digits is None else sha256(digits.encode())
            for digits, text, region in zip(
                plain_phones([text.strip() for text in texts], regions), texts, regions, strict=True
            )
        ]

    def _reading(self, key: Key, region: str) -> Callable[[str], bytes]:
        """What reads one text. Of weak keys alone texts come again, so only theirs are remembered."""
        if key is Key.MADID:
            return partial(self._strong, key, region)
        known = self._memories.get((key, region))
        if known is None:
            rule = rule_of(key, region=region, this_year=self.this_year)
            known = self._memories[key, region] = TextMemory(partial(_weak, rule))
        return known.__getitem__

    def _strong(self, key: Key, region: str, raw: str) -> bytes:
        if not raw:
            return NOTHING
        value = value_of(key, raw, region=region, this_year=self.this_year)
        return UNSURE if isinstance(value, DropReason) else value or NOTHING

    def _region_named(self, country: str) -> str:
        return region_of([country] if country.strip() else [], self.default_region)


def _weak(rule: Callable[[str], str | DropReason], text: str) -> bytes:
    # A whole date is no day to the rule of days, so it is unsure as well.
    normalized = rule(text) if len(text) <= REMEMBERED_CHARACTERS_MAX else DropReason.TOO_LONG
    if isinstance(normalized, DropReason):
        return UNSURE
    return sha256(normalized.encode()) if normalized else NOTHING
