"""Owns the made-up population: plain people, and who is found by which hashed key."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final

from fakefb.normalizer.member import PlainMember, hashed_member
from fakefb.schema_keys import STRONG_KEYS

PEOPLE_MAX: Final = 2_000_000
"""Most people a population may hold."""

SINGLE_FIELDS: Final = (
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


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """One user of Facebook with plain identifiers."""

    person_id: str
    emails: tuple[str, ...] = ()
    phones: tuple[str, ...] = ()
    mobile_ad_ids: tuple[str, ...] = ()
    single: Mapping[str, str] = field(default_factory=dict)
    """Plain single-valued fields, names as in `SINGLE_FIELDS`."""


class Population:
    """Everybody, numbered in order of arrival, with an index for each strong key and the names.

    An index value is the tuple of the numbers of all people who have that hash.
    """

    def __init__(self) -> None:
        self.people: list[Person] = []
        self.weak: list[Mapping[str, str]] = []
        self.by_strong: dict[str, dict[str, tuple[int, ...]]] = {key: {} for key in STRONG_KEYS}
        self.by_name: dict[tuple[str, str], tuple[int, ...]] = {}
        self._numbers: dict[str, int] = {}

    def __len__(self) -> int:
        return len(self.people)

    def __contains__(self, person_id: str) -> bool:
        return person_id in self._numbers

    def __deepcopy__(self, memo: dict[int, object]) -> "Population":
        """Return a copy that grows on its own; the people themselves never change."""
        twin = Population()
        twin.people, twin.weak = list(self.people), list(self.weak)
        twin.by_strong = {key: dict(index) for key, index in self.by_strong.items()}
        twin.by_name, twin._numbers = dict(self.by_name), dict(self._numbers)
        return twin

    def by_id(self, person_id: str) -> tuple[int, ...]:
        """Return the number of the person with that id, or nothing."""
        number = self._numbers.get(person_id)
        return () if number is None else (number,)

    def add(self, person: Person, *, default_region: str, this_year: int) -> None:
        """Take one person in; the caller has made sure that the id is new."""
        number = len(self.people)
        hashed = hashed_member(
            PlainMember(
                emails=person.emails,
                phones=person.phones,
                mobile_ad_ids=person.mobile_ad_ids,
                single=person.single,
                traits={},
            ),
            default_region=default_region,
            this_year=this_year,
        )
        self.people.append(person)
        self.weak.append(hashed.weak)
        self._numbers[person.person_id] = number
        for key, values in hashed.strong.items():
            index = self.by_strong[key]
            for value in values:
                index[value] = (*index.get(value, ()), number)
        if "FN" in hashed.weak and "LN" in hashed.weak:
            name = (hashed.weak["FN"], hashed.weak["LN"])
            self.by_name[name] = (*self.by_name.get(name, ()), number)

    def ids(self, numbers: Iterable[int]) -> list[str]:
        """Return the sorted ids of numbered people."""
        return sorted(self.people[number].person_id for number in numbers)
