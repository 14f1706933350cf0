"""The first steps every raw text goes through: composition and the limit on its size."""

import unicodedata

from service.identifiers.keys import IDENTIFIER_BYTES_MAX

_UTF8_BYTES_PER_CHARACTER_MAX = 4


def composed(text: str) -> str:
    """The text in Unicode NFC; any text is accepted, lone surrogates too."""
    return text if text.isascii() else unicodedata.normalize("NFC", text)


def lowered(text: str) -> str:
    """The text trimmed, lower-cased and composed."""
    if text.isascii():
        return text.strip().lower()
    # Lower-casing may leave what NFC would compose, so it is composed once more.
    return composed(composed(text).strip().lower())


def is_too_long(text: str) -> bool:
    """Whether the text is over `IDENTIFIER_BYTES_MAX` in UTF-8."""
    if len(text) * _UTF8_BYTES_PER_CHARACTER_MAX <= IDENTIFIER_BYTES_MAX:
        return False
    return len(text.encode("utf-8", "surrogatepass")) > IDENTIFIER_BYTES_MAX
