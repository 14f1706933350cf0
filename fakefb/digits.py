"""Owns the reading of whole numbers written as text."""

from typing import Final

DIGITS_MAX: Final = 19
"""Digits of the largest signed 64-bit number."""


def whole_number(text: str) -> int | None:
    """Return the number that the text is, None when it is none or longer than 64 bits allow."""
    if text.isascii() and text.isdigit() and len(text) <= DIGITS_MAX:
        return int(text)
    return None
