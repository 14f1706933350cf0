"""Gives the values of columns: of one key, the texts that many members have."""

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Final

from service.identifiers.hashing import HASH_OF_NOTHING, all_already_hashed, value_of
from service.identifiers.keys import STRONG_KEYS, DropReason, Key
from service.identifiers.members import region_of
from service.identifiers.normalize import REGIONAL_KEYS, rule_of
from service.identifiers.plain_emails import plain_emails
from service.identifiers.plain_phone import plain_phone
from service.identifiers.plain_phones import PhoneColumns
from service.identifiers.plain_words import WORD_KEYS, plain_words
from service.identifiers.sha256 import sha256, sha256_each
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
        self._phones = PhoneColumns()

    def of_columns(
        self, columns: Mapping[Key, Sequence[str]], count: int
    ) -> dict[Key, Sequence[bytes]]:
        """A value for each text: NOTHING for a blank one, UNSURE for one that needs a closer look.

        Shape: `columns` has the texts of `count` members for each key that any of them has.
        """
        countries = columns.get(Key.COUNTRY, ())
        regions = list(map(self._region_of.__getitem__, countries))
        regions = regions or [self.default_region] * count
        return {
            key: self._of_column(key, column, regions)
            for key, column in sorted(columns.items())
            if column
        }

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
        if key in _TOGETHER and (digests := all_already_hashed(texts)):
            return [UNSURE if one == HASH_OF_NOTHING else one for one in digests]
        if key is Key.EMAIL:
            return self._of_emails(texts)
        if key is Key.PHONE:
            return self._of_phones(texts, regions)
        if key is Key.MADID:
            return [self._strong(key, _ANY_REGION, text) for text in texts]
        if key not in REGIONAL_KEYS:
            return self._of_words(key, texts, _ANY_REGION)
        several = set(regions)
        if len(several) == 1:
            return self._of_words(key, texts, regions[0])
        known = {region: self._memory(key, region) for region in several}
        if key in WORD_KEYS:
            self._learn_of_regions(key, texts, regions, known)
        return [known[region][text] for region, text in zip(regions, texts, strict=True)]

    def _of_filled(self, key: Key, texts: Sequence[str], regions: Sequence[str]) -> Sequence[bytes]:
        """The same, of those that are not empty only."""
        places = [place for place, text in enumerate(texts) if text]
        if not places:
            return [NOTHING] * len(texts)
        filled = self._of_column(key, [texts[at] for at in places], [regions[at] for at in places])
        values = [NOTHING] * len(texts)
        for place, value in zip(places, filled, strict=True):
            values[place] = value
        return values

    def _of_emails(self, texts: Sequence[str]) -> Sequence[bytes]:
        addresses, odd = plain_emails(texts)
        if len(odd) > len(texts) // 2:
            return [self._strong(Key.EMAIL, _ANY_REGION, text) for text in texts]
        values = sha256_each(addresses)
        for at in odd:
            values[at] = self._strong(Key.EMAIL, _ANY_REGION, texts[at])
        return values

    def _of_phones(self, texts: Sequence[str], regions: Sequence[str]) -> Sequence[bytes]:
        digits, odd = self._phones.plain_phones(texts, regions)
        values = sha256_each(digits)
        for at in odd:
            one = plain_phone(texts[at].strip(), regions[at])
            values[at] = (
                sha256(one.encode()) if one else self._strong(Key.PHONE, regions[at], texts[at])
            )
        return values

    def _of_words(self, key: Key, texts: Sequence[str], region: str) -> Sequence[bytes]:
        known = self._memory(key, region)
        if key in WORD_KEYS:
            new = [text for text in texts if text not in known]
            self._learn(key, region, new, known)
        return list(map(known.__getitem__, texts))

    def _learn_of_regions(
        self,
        key: Key,
        texts: Sequence[str],
        regions: Sequence[str],
        known: Mapping[str, TextMemory[bytes]],
    ) -> None:
        new: defaultdict[str, list[str]] = defaultdict(list)
        for region, text in zip(regions, texts, strict=True):
            if text not in known[region]:
                new[region].append(text)
        for region, its_texts in new.items():
            self._learn(key, region, its_texts, known[region])

    @staticmethod
    def _learn(key: Key, region: str, new: Sequence[str], known: TextMemory[bytes]) -> None:
        """Read new texts together, as far as they are plain; the memory itself reads the others."""
        if new:
            words = plain_words(key, list(dict.fromkeys(new)), region)
            known.learn(dict(zip(words, sha256_each(words.values()), strict=True)))

    def _memory(self, key: Key, region: str) -> TextMemory[bytes]:
        """What the texts of a weak key give: they alone come again, so only theirs is remembered."""
        known = self._memories.get((key, region))
        if known is None:
            rule = rule_of(key, region=region, this_year=self.this_year)
            known = self._memories[key, region] = TextMemory(partial(_weak, rule))
        return known

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
