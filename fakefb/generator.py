"""Owns made-up people: several countries, households with one e-mail, several identifiers."""

import random
import uuid
from collections.abc import Iterator
from typing import Final, NamedTuple

from fakefb.people import Person

SHARED_EMAIL_CHANCE: Final = 0.1
"""Part of the people who use the e-mail of the household before them too."""
PHONE_CHANCE: Final = 0.8
DEVICE_CHANCE: Final = 0.5
SECOND_CHANCE: Final = 0.2
"""Part of the people who have one more of a kind of identifier."""


class _Land(NamedTuple):
    code: str
    phone: str
    """E.164 pattern, # = any digit."""
    zip: str
    places: tuple[tuple[str, str], ...]
    """City and state."""
    first: tuple[str, ...]
    last: tuple[str, ...]


_LANDS: Final = (
    _Land(
        "US",
        "+1212555####",
        "#####",
        (("New York", "New York"), ("Austin", "Texas"), ("San Jose", "California")),
        ("Mary", "James", "Linda", "Robert", "Mary Ann", "Joseph"),
        ("Smith", "Johnson", "O'Brien", "Miller", "Garcia"),
    ),
    _Land(
        "GB",
        "+447911######",
        "SW# #AA",
        (("London", "Greater London"), ("Leeds", "Yorkshire")),
        ("Oliver", "Amelia", "Zoë", "Harry"),
        ("Taylor", "Lloyd-Webber", "Evans", "Khan"),
    ),
    _Land(
        "DE",
        "+4915112######",
        "#####",
        (("München", "Bayern"), ("Köln", "Nordrhein-Westfalen")),
        ("Jürgen", "Käthe", "Lukas", "Anna-Lena"),
        ("Müller", "Schröder", "Weiß", "Vogel"),
    ),
    _Land(
        "FR",
        "+336########",
        "#####",
        (("Paris", "Île-de-France"), ("Saint-Étienne", "Loire")),
        ("Chloé", "François", "Inès", "Hugo"),
        ("Lefèvre", "Dubois", "D'Arcy", "Moreau"),
    ),
    _Land(
        "BR",
        "+55119########",
        "#####-###",
        (("São Paulo", "São Paulo"), ("Belém", "Pará")),
        ("João", "Conceição", "Luiz", "Ana"),
        ("da Silva", "Araújo", "Souza"),
    ),
    _Land(
        "JP",
        "+8190########",
        "###-####",
        (("横浜市", "神奈川県"), ("大阪市", "大阪府")),
        ("陽子", "健一", "さくら"),
        ("佐藤", "鈴木", "高橋"),
    ),
    _Land(
        "PL",
        "+48512######",
        "##-###",
        (("Łódź", "Łódzkie"), ("Kraków", "Małopolskie")),
        ("Zofia", "Paweł", "Łukasz"),
        ("Nowak", "Wójcik", "Kowalska"),
    ),
)
_HOSTS: Final = ("example.com", "mail.example.org", "example.net")


def generate_people(count: int, seed: int, *, first: int) -> Iterator[Person]:
    """Yield `count` people, the same for the same seed; ids are numbered from `first`."""
    chance = random.Random(seed)
    household_email = ""
    for number in range(first, first + count):
        own = f"{chance.choice(('m', 'x.', 'the+'))}{seed}.{number}@{chance.choice(_HOSTS)}"
        shares = bool(household_email) and chance.random() < SHARED_EMAIL_CHANCE
        emails = (own, household_email) if shares else _one_or_two(chance, own, f"w.{own}")
        household_email = household_email if shares else own
        yield _person(chance, f"p{number:07d}", emails)


def _person(chance: random.Random, person_id: str, emails: tuple[str, ...]) -> Person:
    land = chance.choice(_LANDS)
    city, state = chance.choice(land.places)
    phones = _one_or_two(chance, *(_digits(chance, land.phone) for _ in range(2)))
    devices = _one_or_two(chance, *(_device(chance) for _ in range(2)))
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


def _one_or_two(chance: random.Random, one: str, two: str) -> tuple[str, ...]:
    return (one, two) if chance.random() < SECOND_CHANCE else (one,)


def _digits(chance: random.Random, pattern: str) -> str:
    return "".join(str(chance.randrange(10)) if c == "#" else c for c in pattern)


def _device(chance: random.Random) -> str:
    return str(uuid.UUID(int=chance.getrandbits(128), version=4))
