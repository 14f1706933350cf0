"""Owns made-up people: several countries, households with one e-mail, several identifiers."""

import random
import uuid
from collections.abc import Iterator
from typing import Final

from fakefb.lands import LANDS
from fakefb.people import Person

SHARED_EMAIL_CHANCE: Final = 0.1
"""Part of the people who use the e-mail of the household before them too."""
PHONE_CHANCE: Final = 0.8
DEVICE_CHANCE: Final = 0.5
SECOND_CHANCE: Final = 0.2
"""Part of the people who have a second of a kind of identifier."""
THIRD_CHANCE: Final = 0.05
"""Part of the people who have a third, too."""

_HOSTS: Final = ("example.com", "mail.example.org", "example.net")


def generate_people(count: int, seed: int, *, first: int) -> Iterator[Person]:
    """Yield `count` people, the same for the same seed; ids are numbered from `first`."""
    chance = random.Random(seed)
    household_email = ""
    for number in range(first, first + count):
        own = f"{chance.choice(('m', 'x.', 'the+'))}{seed}.{number}@{chance.choice(_HOSTS)}"
        shares = bool(household_email) and chance.random() < SHARED_EMAIL_CHANCE
        emails = (own, household_email) if shares else _some(chance, own, f"w.{own}", f"old-{own}")
        household_email = household_email if shares else own
        yield _person(chance, f"p{number:07d}", emails)


def _person(chance: random.Random, person_id: str, emails: tuple[str, ...]) -> Person:
    land = chance.choice(LANDS)
    city, state = chance.choice(land.places)
    phones = _some(chance, *(_digits(chance, land.phone) for _ in range(3)))
    devices = _some(chance, *(_device(chance) for _ in range(3)))
    return Person(
        person_id=person_id,
        emails=emails,
        phones=phones if chance.random() < PHONE_CHANCE else (),
        mobile_ad_ids=devices if chance.random() < DEVICE_CHANCE else (),
        single={
            "first_name": chance.choice(land.first),
            "last_name": chance.choice(land.last),
            "gender": chance.choice(("m", "f")),
            "birth_year": str(chance.randint(1935, 2007)),
            "birth_month": str(chance.randint(1, 12)),
            "birth_day": str(chance.randint(1, 28)),
            "city": city,
            "state": state,
            "zip": _digits(chance, land.zip),
            "country": land.code,
        },
    )


def _some(chance: random.Random, *candidates: str) -> tuple[str, ...]:
    """Return the first one, two or three of three candidates."""
    drawn = chance.random()
    return candidates[: 1 + (drawn < SECOND_CHANCE) + (drawn < THIRD_CHANCE)]


def _digits(chance: random.Random, pattern: str) -> str:
    return "".join(str(chance.randrange(10)) if c == "#" else c for c in pattern)


def _device(chance: random.Random) -> str:
    return str(uuid.UUID(int=chance.getrandbits(128), version=4))
