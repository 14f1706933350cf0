"""Reads many names, cities or postal codes together, to the same texts as each by its rule."""

import re
from collections.abc import Mapping, Sequence
from typing import Final

from service.identifiers.keys import Key
from service.identifiers.places import UNITED_STATES
from service.identifiers.text_memory import REMEMBERED_CHARACTERS_MAX

_LETTERS: Final = b"abcdefghijklmnopqrstuvwxyz"
_NO_LETTERS: Final = bytes(set(range(256)) - set(_LETTERS) - set(b"\n"))
_NOT_IN_A_ZIP: Final = b" \t\r\v\f\x1c\x1d\x1e\x1f-"
"""White space of ASCII but for what joins the texts, and the dash."""
_FIVE_DIGITS: Final = re.compile(rb"[0-9]{5}")
_US_ZIP_BYTES: Final = 5

_LEFT_OUT: Final[Mapping[Key, bytes]] = {
    Key.FN: _NO_LETTERS,
    Key.LN: _NO_LETTERS,
    Key.CT: _NO_LETTERS,
    Key.ZIP: _NOT_IN_A_ZIP,
}
WORD_KEYS: Final = frozenset(_LEFT_OUT)
"""The keys whose texts are read together here."""


def plain_words(key: Key, texts: Sequence[str], region: str) -> dict[str, bytes]:
    """The normalised texts of a key of WORD_KEYS, as they are hashed; those to be read by the rule are missing."""
    plain = _plain(texts)
    joined = "\n".join(plain).encode().lower()
    words = joined.translate(None, _LEFT_OUT[key]).split(b"\n")
    if len(words) != len(plain):
        return {}
    if key is Key.ZIP and region == UNITED_STATES:
        words = [word if len(word) <= _US_ZIP_BYTES else _us_zip(word) for word in words]
    found = dict(zip(plain, words, strict=True))
    return found if all(words) else {text: word for text, word in found.items() if word}


def _plain(texts: Sequence[str]) -> Sequence[str]:
    """Those of ASCII that are not too long."""
    if "".join(texts).isascii() and max(map(len, texts), default=0) <= REMEMBERED_CHARACTERS_MAX:
        return texts
    return [one for one in texts if one.isascii() and len(one) <= REMEMBERED_CHARACTERS_MAX]


def _us_zip(code: bytes) -> bytes:
    digits = _FIVE_DIGITS.search(code)
    return digits.group() if digits else code
