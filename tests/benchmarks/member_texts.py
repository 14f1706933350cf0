"""Makes members as callers know them: the same texts for us and for whom we compare with.

Names and places are as unevenly spread as those of people: the n-th of a pool is met 1/n as often
as the first. Nine of ten members live in the United States; three of five phones are in E.164.
"""

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import Final

FIRST_NAMES: Final = 2_000
LAST_NAMES: Final = 10_000
CITIES: Final = 5_000
ZIPS_A_CITY: Final = 8
_STATES: Final = ("CA", "Texas", "ny", "Florida", "IL", "Pennsylvania", "oh", "Georgia", "NC")
_DOMAINS: Final = ("gmail.com", "yahoo.com", "Hotmail.com", "example.org", "outlook.com", "aol.com")
_SYLLABLES: Final = ("an", "be", "cor", "da", "el", "fi", "gar", "ho", "is", "jo", "ka", "li", "mo")


@dataclass(frozen=True, slots=True)
class MemberTexts:
    """What a caller knows of one member."""

    email: str
    phone: str
    first_name: str
    last_name: str
    city: str
    state: str
    zip: str
    country: str

    def cells(self) -> Sequence[str]:
        return (
            *(self.email, self.phone, self.first_name, self.last_name),
            *(self.city, self.state, self.zip, self.country),
        )


def member_texts(count: int, seed: int = 1) -> Iterator[MemberTexts]:
    chance = random.Random(seed)
    firsts, lasts, cities = (_Pool(size) for size in (FIRST_NAMES, LAST_NAMES, CITIES))
    for number in range(count):
        first, last, city = firsts.draw(chance), lasts.draw(chance), cities.draw(chance)
        first_name, last_name = _name(first), _name(last)
        abroad = number % 10 == 9
        domain = _DOMAINS[number % len(_DOMAINS)]
        yield MemberTexts(
            email=f"{first_name}.{last_name}{number}@{domain}",
            phone=f"+44 7911 {number % 1_000_000:06d}" if abroad else _us_phone(number),
            first_name=first_name,
            last_name=last_name,
            city=f"{_name(city)} City",
            state="London" if abroad else _STATES[city % len(_STATES)],
            zip=f"SW{city % 20} {city % 9}AA" if abroad else _zip(city, chance),
            country="GB" if abroad else ("US", "us", "USA")[number % 3],
        )


class _Pool:
    def __init__(self, size: int) -> None:
        self._numbers = range(size)
        self._weights = list(accumulate(1 / (number + 1) for number in range(size)))

    def draw(self, chance: random.Random) -> int:
        return chance.choices(self._numbers, cum_weights=self._weights)[0]


def _name(number: int) -> str:
    """A name of its own for each number."""
    name = ""
    while True:
        number, syllable = divmod(number, len(_SYLLABLES))
        name += _SYLLABLES[syllable]
        if not number:
            return name.capitalize()


def _zip(city: int, chance: random.Random) -> str:
    return f"{10_000 + city * ZIPS_A_CITY + chance.randrange(ZIPS_A_CITY)}"


def _us_phone(number: int) -> str:
    area, line = 201 + number % 700, 2_000_000 + number % 7_900_000
    digits = f"{area}{line}"
    match number % 5:
        case 0:
            return f"({digits[:3]}) {digits[3:6]}-{digits[6:]}"
        case 1:
            return f"+1 {digits[:3]}-{digits[3:6]}-{digits[6:]}"
        case _:
            return f"+1{digits}"
