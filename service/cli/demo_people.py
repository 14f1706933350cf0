"""Makes up the people of the demo: what Facebook knows of them, and the messy lists of two days.

Everything follows from the seed. What makes two people one for Facebook is always visible in the
lists too (a shared e-mail); names are unique in their country, numbers and devices everywhere.
"""

import random
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple, TypedDict

from service.cli import demo_mess as mess
from service.cli.demo_countries import COUNTRIES, MAIL_DOMAINS, Country

MEMBERS_MAX: Final = 50_000
"""Members of the first day, at most: beyond it names would no longer be unique."""

_STRIDE: Final = 7_919
"""Walks through all pairs of names of a country without meeting one twice (it is a prime)."""


class Customer(TypedDict):
    """A member as a caller has them: shaped like the message Member of the API."""

    member_id: str
    emails: list[str]
    phones: list[str]
    mobile_ad_ids: list[str]
    traits: dict[str, str]


class FacebookUser(TypedDict):
    """A person as Facebook knows them: shaped like the people of the fake's admin port."""

    person_id: str
    emails: list[str]
    phones: list[str]
    mobile_ad_ids: list[str]
    first_name: str
    last_name: str
    gender: str
    birth_year: str
    birth_month: str
    birth_day: str
    city: str
    state: str
    zip: str
    country: str


class Human(NamedTuple):
    """The truth about somebody, in clean values."""

    number: int
    country: Country
    first_name: str
    last_name: str
    gender: str
    birth: tuple[int, int, int]
    place: tuple[str, str, str]
    emails: tuple[str, ...]
    phones: tuple[str, ...]
    devices: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class DemoPeople:
    """A population, the list of a first day, and what a second day changes.

    `returned` left and came back on the second day: they are among `left` and, after it, `entered`.
    """

    population: Sequence[FacebookUser]
    first_day: Sequence[Customer]
    left: Sequence[str]
    changed: Sequence[Customer]
    entered: Sequence[Customer]

    def second_day(self) -> list[Customer]:
        """Who is present at the end of the second day."""
        present = {customer["member_id"]: customer for customer in self.first_day}
        for member_id in self.left:
            del present[member_id]
        changes = (*self.changed, *self.entered)
        return list((present | {one["member_id"]: one for one in changes}).values())


def make_people(members: int, seed: int) -> DemoPeople:
    """Make up so many members of a first day, and everything around them."""
    chance = random.Random(seed)
    humans = _humans(chance)
    known = [next(humans) for _ in range(members)]
    known = [_share_email(chance, one, before) for one, before in _with_neighbour(known)]
    first_day = [_customer(chance, human) for human in known]
    new = [next(humans) for _ in range(members // 12 + 1)]
    new = [
        human._replace(emails=(*human.emails, *chance.choice(known).emails[:1]))
        if mess.happens(chance, 0.2)
        else human
        for human in new
    ]
    new = [_share_email(chance, one, before) for one, before in _with_neighbour(new)]
    strangers = [next(humans) for _ in range(members // 3)]
    movers = chance.sample(range(members), members // 6)
    leavers, changers = movers[::2], movers[1::2]
    returners = leavers[::8]
    changed = {i: _with_changed_email(chance, known[i]) for i in changers}
    on_facebook = (*known, *new, *strangers, *changed.values())
    return DemoPeople(
        population=list(_population(chance, on_facebook)),
        first_day=first_day,
        left=[first_day[i]["member_id"] for i in leavers],
        changed=[_rewritten(chance, first_day[i], human) for i, human in changed.items()],
        entered=[_customer(chance, human) for human in new] + [first_day[i] for i in returners],
    )


def _humans(chance: random.Random) -> Iterator[Human]:
    """An endless row of people, no two of whom share a name, an e-mail, a phone or a device."""
    numbers = dict.fromkeys((country.code for country in COUNTRIES), 0)
    number = 0
    while True:
        country = chance.choice((COUNTRIES[0], *COUNTRIES))
        in_country = numbers[country.code]
        numbers[country.code] += 1
        number += 1
        yield _human(chance, number, country, in_country)


def _human(chance: random.Random, number: int, country: Country, in_country: int) -> Human:
    first_name, last_name = _name(country, in_country)
    spare = country.mobile_digits - len(country.mobile_start)
    step = 10 ** (spare - 1)
    phones = [
        f"+{country.dial_code}{country.mobile_start}{2 * step + 2 * number + i:0{spare}d}"
        for i in range(chance.choices((0, 1, 2), (15, 75, 10))[0])
    ]
    mailbox = mess.ascii_word(f"{first_name}.{last_name}")
    emails = [
        f"{mailbox}{number}{'' if i == 0 else f'.{i}'}@{chance.choice(MAIL_DOMAINS)}"
        for i in range(chance.choices((0, 1, 2, 3), (6, 75, 14, 5))[0])
    ]
    devices = [mess.device(chance) for _ in range(chance.choices((0, 1, 2), (60, 30, 10))[0])]
    return Human(
        number=number,
        country=country,
        first_name=first_name,
        last_name=last_name,
        gender="mf"[in_country % 2],
        birth=(chance.randint(1940, 2007), chance.randint(1, 12), chance.randint(1, 28)),
        place=chance.choice(country.places),
        emails=tuple(emails),
        phones=tuple(phones),
        devices=tuple(devices),
    )


def _name(country: Country, in_country: int) -> tuple[str, str]:
    """A pair of names that nobody else in the country has, up to 28,800 people."""
    firsts, lasts = len(country.first_names), len(country.last_names)
    pick = in_country * _STRIDE % (firsts * lasts * lasts)
    outer, inner = divmod(pick // firsts, lasts)
    first, second = country.last_names[inner], country.last_names[outer]
    return country.first_names[pick % firsts], first if outer == 0 else f"{first}-{second}"


def _with_neighbour(humans: Sequence[Human]) -> Iterator[tuple[Human, Human]]:
    return zip(humans, (humans[0], *humans), strict=False)


def _share_email(chance: random.Random, human: Human, neighbour: Human) -> Human:
    """Now and then the neighbour's first e-mail is used in this household too."""
    if human.number == neighbour.number or not mess.happens(chance, 0.08):
        return human
    if mess.happens(chance, 0.5):
        return human._replace(emails=neighbour.emails[:1])
    return human._replace(emails=(*human.emails, *neighbour.emails[:1]))


def _with_changed_email(chance: random.Random, human: Human) -> Human:
    """A new first e-mail, or one of several given up."""
    if len(human.emails) > 1 and mess.happens(chance, 0.5):
        return human._replace(emails=human.emails[:-1])
    mailbox = f"new.address{human.number}@{chance.choice(MAIL_DOMAINS)}"
    return human._replace(emails=(mailbox, *human.emails[1:]))


def _population(chance: random.Random, humans: Sequence[Human]) -> Iterator[FacebookUser]:
    """Three of four are on Facebook, which knows some of their identifiers, old and new."""
    versions: dict[int, list[Human]] = {}
    for human in humans:
        versions.setdefault(human.number, []).append(human)
    emails = {
        number: dict.fromkeys(email for version in known_as for email in version.emails)
        for number, known_as in versions.items()
    }
    holders = Counter(email for held in emails.values() for email in held)
    for number, known_as in versions.items():
        if mess.happens(chance, 0.75):
            # A shared e-mail is always known: else only names would tell who shares it.
            known = [
                email for email in emails[number] if holders[email] > 1 or mess.happens(chance, 0.8)
            ]
            yield _facebook_user(chance, known_as[0], known)


def _facebook_user(chance: random.Random, human: Human, emails: list[str]) -> FacebookUser:
    year, month, day = human.birth
    city, state, zip_code = human.place
    return FacebookUser(
        person_id=f"fb-{human.number}",
        emails=emails,
        phones=[phone for phone in human.phones if mess.happens(chance, 0.7)],
        mobile_ad_ids=[device for device in human.devices if mess.happens(chance, 0.7)],
        first_name=human.first_name,
        last_name=human.last_name,
        gender=human.gender,
        birth_year=str(year),
        birth_month=str(month),
        birth_day=str(day),
        city=city,
        state=state,
        zip=zip_code,
        country=human.country.code,
    )


def _rewritten(chance: random.Random, before: Customer, human: Human) -> Customer:
    """The same customer with the e-mails that the human has now."""
    emails = [mess.email(chance, email) for email in human.emails]
    return Customer(**(before | {"emails": emails}))


def _customer(chance: random.Random, human: Human) -> Customer:
    """Write down a human as forms, imports and call centres do."""
    country = mess.country(chance, human.country)
    city, state, zip_code = human.place
    traits = {
        "firstName": mess.name(chance, human.first_name),
        "lastName": mess.name(chance, human.last_name),
        "gender": mess.gender(chance, human.gender),
        "birthday": mess.birthday(chance, human.birth),
        "city": mess.name(chance, city),
    }
    if country or human.country.code == "US":  # elsewhere they would be read as American
        traits |= {"state": state, "zip_code": zip_code}
    kept = {name: value for name, value in traits.items() if mess.happens(chance, 0.9)}
    return Customer(
        member_id=f"customer-{human.number:06}",
        emails=[mess.email(chance, email) for email in human.emails] + mess.junk_email(chance),
        phones=[mess.phone(chance, phone, human.country, country) for phone in human.phones]
        + mess.junk_phone(chance),
        mobile_ad_ids=[mess.written_device(chance, device) for device in human.devices]
        + mess.junk_device(chance),
        traits=kept | ({"country_code": country} if country else {}),
    )
