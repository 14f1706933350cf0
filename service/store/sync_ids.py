"""The opaque ids of syncs: each tells its audience and its number there."""

import base64
import binascii
import struct
from typing import Final

_NUMBERS: Final = struct.Struct(">IQ")
_TEXT_LENGTH: Final = 20


def encode_sync_id(audience_no: int, sync_no: int) -> str:
    """Return 20 characters of lower-case base32."""
    packed = _NUMBERS.pack(audience_no, sync_no)
    return base64.b32encode(packed).decode().rstrip("=").lower()


def decode_sync_id(text: str) -> tuple[int, int] | None:
    """Return the numbers of the audience and the sync; None for what is no id of ours."""
    if len(text) != _TEXT_LENGTH or not text.isascii():
        return None
    try:
        audience_no, sync_no = _NUMBERS.unpack(base64.b32decode(text.upper() + "===="))
    except (binascii.Error, struct.error):  # no base32, or of another length
        return None
    is_ours = encode_sync_id(audience_no, sync_no) == text
    fits = audience_no < 2**31 and sync_no < 2**63
    return (audience_no, sync_no) if is_ours and fits else None
