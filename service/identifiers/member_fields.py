"""Takes a member apart into the values of its keys, its traits put where its fields are blank."""

from collections.abc import Sequence
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

Fields = tuple[Any, ...]
"""E-mails, phones, devices, the number of unknown traits (something falsy for none), then a text
for each of WEAK_KEYS in their order."""


def fields_of(member: MemberFields) -> Fields:
    """The fields of a member. A day of birth that is told twice is put down as no day at all."""
    fields: Fields = _typed_fields_of(member)
    return _with_traits(*fields) if fields[len(STRONG_KEYS)] else fields


def _with_traits(
    emails: Sequence[str], phones: Sequence[str], devices: Sequence[str], traits: Any, *weak: str
) -> Fields:
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
