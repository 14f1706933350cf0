"""Takes members apart into columns of texts, their traits put where their fields are blank."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from operator import attrgetter
from typing import Any

from service.identifiers.keys import STRONG_KEYS, WEAK_KEYS, Key
from service.identifiers.members import MemberFields
from service.identifiers.traits import trait_values

_typed_fields_of = attrgetter(
    *("emails", "phones", "mobile_ad_ids", "traits"),
    *("first_name", "last_name", "gender", "birth_year", "birth_month", "birth_day"),
    *("city", "state", "zip", "country"),
)

_Fields = tuple[Any, ...]
"""E-mails, phones, devices, the number of unknown traits (something falsy for none), then a text
for each of WEAK_KEYS in their order."""


@dataclass(slots=True)
class TextColumns:
    """What members have, as far as one text of each key tells it.

    Shape: `texts` has for each key that any member has one text a member, blank where unknown.
    """

    texts: dict[Key, Sequence[str]] = field(default_factory=dict, repr=False)
    unsure: set[int] = field(default_factory=set)
    """Places of members with several texts of one key."""
    unknown_traits: Mapping[int, int] = field(default_factory=dict)
    """Traits with names that stand for no key, by the member's place."""


def columns_of(members: Sequence[MemberFields]) -> TextColumns:
    """The columns of members. A day of birth that is told twice is put down as no day at all."""
    fields = zip(*map(_fields_of, members), strict=True)
    columns = TextColumns()
    for key in STRONG_KEYS:
        several = next(fields)
        if any(several):
            columns.texts[key] = [texts[0] if len(texts) == 1 else "" for texts in several]
            columns.unsure.update(at for at, texts in enumerate(several) if len(texts) > 1)
    unknown = next(fields)
    if any(unknown):
        columns.unknown_traits = {at: count for at, count in enumerate(unknown) if count}
    for key, texts in zip(WEAK_KEYS, fields, strict=True):
        if any(texts):
            columns.texts[key] = texts
    return columns


def _fields_of(member: MemberFields) -> _Fields:
    fields: _Fields = _typed_fields_of(member)
    return _with_traits(*fields) if fields[len(STRONG_KEYS)] else fields


def _with_traits(
    emails: Sequence[str], phones: Sequence[str], devices: Sequence[str], traits: Any, *weak: str
) -> _Fields:
    values, unknown = trait_values(dict(traits))
    strong = (
        typed if any(text.strip() for text in typed) else values.get(key, ())
        for key, typed in zip(STRONG_KEYS, (emails, phones, devices), strict=True)
    )
    texts = (
        _text(key, typed, values[key]) if key in values else typed
        for key, typed in zip(WEAK_KEYS, weak, strict=True)
    )
    return *strong, unknown, *texts


def _text(key: Key, typed: str, from_traits: Sequence[str]) -> str:
    if key is Key.DOBD:
        # Any of them may be a whole date, so all of them count.
        return " ".join([typed, *from_traits]).strip()
    return typed if typed.strip() else from_traits[0]
