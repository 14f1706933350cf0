"""Writes clean values as people write them, and junk where they have none."""

import random
import unicodedata
import uuid
from typing import Final

from service.cli.demo_countries import Country

JUNK_SHARE: Final = 0.04
"""How often a value is junk."""
_JUNK_EMAILS: Final = ("n/a", "unknown", "nobody@nowhere", "two@at@example.com", "-")
_JUNK_PHONES: Final = ("0000000000", "n/a", "+1 23", "none")
_JUNK_DEVICES: Final = ("00000000-0000-0000-0000-000000000000", "unknown")
_JUNK_BIRTHDAYS: Final = ("1985-02-30", "31/31/1990", "unknown")
_GENDERS: Final = {"m": ("m", "M", "male", "Man"), "f": ("f", "F", "Female", "woman")}


def happens(chance: random.Random, share: float) -> bool:
    """True in that share of all cases (0 to 1)."""
    return chance.random() < share


def ascii_word(text: str) -> str:
    """The lower-case letters a to z and dots of a name, accents taken off."""
    plain = unicodedata.normalize("NFKD", text.lower()).replace("ß", "ss")
    return "".join(c for c in plain if c == "." or "a" <= c <= "z")


def device(chance: random.Random) -> str:
    """A fresh mobile advertising id."""
    return str(uuid.UUID(int=chance.getrandbits(128), version=4))


def email(chance: random.Random, clean: str) -> str:
    """An e-mail with spaces around it or in capitals."""
    written = (clean, clean, clean, f" {clean}", f"{clean}  ", clean.upper(), clean.capitalize())
    return chance.choice(written)


def phone(chance: random.Random, clean: str, country: Country, written_country: str) -> str:
    """A phone in one of the forms people use; national only where its country is known."""
    national = clean.removeprefix(f"+{country.dial_code}")
    grouped = f"{national[:3]} {national[3:6]} {national[6:]}"
    trunk = f"({country.trunk_prefix})" if country.trunk_prefix else ""
    forms = [
        clean,
        f"+{country.dial_code} {grouped}",
        f"00{country.dial_code}{national}",
        f"+{country.dial_code} {trunk}{grouped}",
        f"+{country.dial_code}-{grouped.replace(' ', '-')}",
    ]
    if written_country:
        forms += [f"{country.trunk_prefix}{national}", f"{country.trunk_prefix}{grouped}"]
    if country.code == "US":
        forms += [f"({national[:3]}) {national[3:6]}-{national[6:]}", f"{clean}x{national[:3]}"]
    return chance.choice(forms)


def written_device(chance: random.Random, clean: str) -> str:
    """A device id as one system or the other prints it."""
    return chance.choice((clean, clean.upper(), f" {clean}"))


def name(chance: random.Random, clean: str) -> str:
    """A name or city in other letters, or with spaces around it."""
    return chance.choice((clean, clean, clean, clean.upper(), clean.lower(), f" {clean} "))


def gender(chance: random.Random, clean: str) -> str:
    """A word for the gender; sometimes one that says nothing."""
    return chance.choice((*_GENDERS[clean], *_GENDERS[clean], "unknown"))


def birthday(chance: random.Random, clean: tuple[int, int, int]) -> str:
    """A date in one of four forms; sometimes none that exists."""
    if happens(chance, JUNK_SHARE):
        return chance.choice(_JUNK_BIRTHDAYS)
    year, month, day = clean
    forms = (
        f"{year}-{month:02}-{day:02}",
        f"{year}{month:02}{day:02}",
        f"{month:02}/{day:02}/{year}",
        f"{day}.{month}.{year}",
    )
    return chance.choice(forms)


def country(chance: random.Random, clean: Country) -> str:
    """A spelling of the country, or nothing."""
    return chance.choice(clean.spellings) if happens(chance, 0.85) else ""


def junk_email(chance: random.Random) -> list[str]:
    """Now and then what stands in a form that insisted on an e-mail."""
    return [chance.choice(_JUNK_EMAILS)] if happens(chance, JUNK_SHARE) else []


def junk_phone(chance: random.Random) -> list[str]:
    """Now and then what stands in a form that insisted on a phone."""
    return [chance.choice(_JUNK_PHONES)] if happens(chance, JUNK_SHARE) else []


def junk_device(chance: random.Random) -> list[str]:
    """Now and then the id of a device that does not tell."""
    return [chance.choice(_JUNK_DEVICES)] if happens(chance, JUNK_SHARE) else []
