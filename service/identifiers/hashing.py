"""Turns a raw value into the bytes that are stored: a SHA-256, or a device id as it is."""

import re
from collections.abc import Sequence
from typing import Final

from service.identifiers.keys import DropReason, Key
from service.identifiers.madid import uuid_bytes
from service.identifiers.normalize import normalize
from service.identifiers.rows import HASH_BYTES
from service.identifiers.sha256 import sha256

HASH_OF_NOTHING: Final = sha256(b"")
"""What careless senders hash for a blank. It is nobody's, so it is never sent."""

_SHA256_HEX_DIGITS = 64
_SHA256_HEX = re.compile(r"[0-9a-fA-F]{64}")
_SHA256_HEX_LINES = re.compile(r"(?: *+[0-9a-fA-F]{64} *+\n)*+")


def already_hashed(raw: str) -> bytes | None:
    """The digest that the trimmed raw text spells in 64 hex digits; None where it does not."""
    if len(raw) < _SHA256_HEX_DIGITS:
        return None
    text = raw.strip()
    return bytes.fromhex(text) if _SHA256_HEX.fullmatch(text) else None


def all_already_hashed(texts: Sequence[str]) -> list[bytes] | None:
    """The digests that all of these texts spell, as `already_hashed`; None where one does not."""
    if not texts or len(texts[0]) < _SHA256_HEX_DIGITS:
        return None
    joined = "\n".join((*texts, ""))
    if joined.count("\n") > len(texts) or not _SHA256_HEX_LINES.fullmatch(joined):
        return None
    digests = bytes.fromhex(joined)
    return [digests[at : at + HASH_BYTES] for at in range(0, len(digests), HASH_BYTES)]


def value_of(key: Key, raw: str, *, region: str, this_year: int) -> bytes | DropReason | None:
    """The bytes to store for a raw value: 32 of a hash, 16 of a device id, None for blank.

    `region` is the member's country or the audience's default, ISO alpha-2 in upper case.
    """
    if key is not Key.MADID and (digest := already_hashed(raw)):
        return DropReason.EMPTY if digest == HASH_OF_NOTHING else digest
    normalized = normalize(key, raw, region=region, this_year=this_year)
    if isinstance(normalized, DropReason):
        return normalized
    return encode(key, normalized)


def encode(key: Key, normalized: str) -> bytes | None:
    """The bytes to store for a normalised text; None for blank."""
    if not normalized:
        return None
    if key is Key.MADID:
        return uuid_bytes(normalized)
    return sha256(normalized.encode())
