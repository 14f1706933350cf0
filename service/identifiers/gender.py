"""Normalises a gender to the two letters that Facebook knows."""

from typing import Final

from service.identifiers.keys import DropReason
from service.identifiers.text import lowered

_LETTERS: Final = {
    "": "",
    "m": "m",
    "male": "m",
    "man": "m",
    "boy": "m",
    "f": "f",
    "female": "f",
    "woman": "f",
    "girl": "f",
}


def normalize_gender(raw: str) -> str | DropReason:
    """`m`, `f` or UNKNOWN_VALUE; blank gives ""."""
    return _LETTERS.get(lowered(raw), DropReason.UNKNOWN_VALUE)
