"""Owns what all normalising rules share: Unicode form, size limit, hashing, hashes passed on."""

import hashlib
import re
import unicodedata
from typing import Final

VALUE_BYTES_MAX: Final = 512
"""Longest raw value, in bytes of UTF-8, that is read at all."""

_HASH: Final = re.compile(r"[0-9a-fA-F]{64}")


def trimmed(raw: str) -> str:
    """Compose the text (NFC) and cut white space at both ends; "" when it is too long to read."""
    if len(raw.encode("utf-8", "replace")) > VALUE_BYTES_MAX:
        return ""
    return unicodedata.normalize("NFC", raw).strip()


def given_hash(raw: str) -> str | None:
    """Return the lower-cased hash when the raw value is one already, else None."""
    value = raw.strip()
    return value.lower() if _HASH.fullmatch(value) else None


def sha256_hex(normal: str) -> str:
    """Hash a normal form; the caller makes sure that it is not empty."""
    return hashlib.sha256(normal.encode("utf-8", "replace")).hexdigest()


def ascii_letters(text: str) -> str:
    """Keep a to z of the lower-cased text; accented letters drop."""
    return "".join(c for c in text.lower() if "a" <= c <= "z")


def letters_of_any_script(text: str) -> str:
    """Keep Unicode letters and marks of the lower-cased text, composed again."""
    kept = "".join(c for c in text.lower() if unicodedata.category(c)[0] in "LM")
    return unicodedata.normalize("NFC", kept)
