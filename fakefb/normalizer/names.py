"""Owns the rules of names and gender."""

from typing import Final

from fakefb.normalizer.text import letters_of_any_script, trimmed

_GENDERS: Final = {
    **dict.fromkeys(("m", "male", "man", "boy"), "m"),
    **dict.fromkeys(("f", "female", "woman", "girl"), "f"),
}


def name(raw: str) -> str:
    """Return the letters of a first or last name, or ""."""
    return letters_of_any_script(trimmed(raw))


def gender(raw: str) -> str:
    """Return m or f, or "" for anything else."""
    return _GENDERS.get(trimmed(raw).lower(), "")
