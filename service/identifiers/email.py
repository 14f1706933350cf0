"""Normalises an e-mail address: trimmed and lower-cased; dots and tags stay."""

import re

from service.identifiers.keys import DropReason
from service.identifiers.text import lowered

# One "@", something before it, a dot inside the part behind it, no white space. A lone
# surrogate has no UTF-8 form, so it cannot be part of an address either.
_SHAPE = re.compile(
    r"[^@\s\ud800-\udfff]+ @ [^@\s.\ud800-\udfff]+ (?: \.+ [^@\s.\ud800-\udfff]+ )+",
    re.VERBOSE,
)


def normalize_email(raw: str) -> str | DropReason:
    """The address as it is hashed, or NOT_AN_EMAIL; blank gives ""."""
    address = lowered(raw)
    if not address:
        return ""
    return address if _SHAPE.fullmatch(address) else DropReason.NOT_AN_EMAIL
