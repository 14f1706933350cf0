"""Normalises first and last names: letters of any script and their marks, in lower case."""

import re
import unicodedata

from service.identifiers.keys import DropReason
from service.identifiers.text import composed, lowered

_NOT_ASCII_LETTERS = re.compile(r"[^a-z]+")


def normalize_name(raw: str) -> str | DropReason:
    """The name as it is hashed, or EMPTY where it has no letter; blank gives ""."""
    name = lowered(raw)
    if not name or name.isalpha():
        return name
    if name.isascii():
        return _NOT_ASCII_LETTERS.sub("", name) or DropReason.EMPTY
    return composed("".join(_letters_and_marks(name))) or DropReason.EMPTY


def _letters_and_marks(name: str) -> list[str]:
    # A mark belongs to the character before it: an emoji takes its variation selector along.
    kept: list[str] = []
    follows_letter = False
    for character in name:
        match unicodedata.category(character)[0]:
            case "L":
                follows_letter = True
                kept.append(character)
            case "M" if follows_letter:
                kept.append(character)
            case _:
                follows_letter = False
    return kept
