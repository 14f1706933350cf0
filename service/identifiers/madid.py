"""Normalises a mobile advertising id: a UUID with hyphens, in lower case."""

import re
from itertools import pairwise

from service.identifiers.keys import DropReason

_UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
_ALL_ZEROS = "00000000-0000-0000-0000-000000000000"
_HEX_DIGITS_BEFORE_PARTS = (0, 8, 12, 16, 20, 32)


def normalize_madid(raw: str) -> str | DropReason:
    """The UUID text, or NOT_A_UUID or ALL_ZEROS; blank gives ""."""
    uuid = raw.strip().lower()
    if not uuid:
        return ""
    if not _UUID.fullmatch(uuid):
        return DropReason.NOT_A_UUID
    return DropReason.ALL_ZEROS if uuid == _ALL_ZEROS else uuid


def uuid_bytes(uuid: str) -> bytes:
    """The 16 bytes of a normalised UUID text."""
    return bytes.fromhex(uuid.replace("-", ""))


def uuid_text(value: bytes) -> str:
    """The UUID text of 16 bytes, as Facebook takes it."""
    digits = value.hex()
    return "-".join(digits[start:end] for start, end in pairwise(_HEX_DIGITS_BEFORE_PARTS))
