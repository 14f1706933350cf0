"""Identifiers: normalises and hashes what callers know of a member. Pure functions only."""

from service.identifiers.hashing import already_hashed, value_of
from service.identifiers.keys import (
    IDENTIFIER_BYTES_MAX,
    IDENTIFIERS_PER_KIND_MAX,
    RULES_VERSION,
    STRONG_KEYS,
    WEAK_KEYS,
    Doubt,
    DropReason,
    Key,
)
from service.identifiers.members import (
    MemberRows,
    RawMember,
    member_key,
    rows_of_member,
)
from service.identifiers.normalize import normalize
from service.identifiers.regions import is_region
from service.identifiers.rows import (
    EMPTY_ROW,
    Identifier,
    mask_keys,
    pack_row,
    prefix,
    row_mask,
    row_of,
    row_size,
    row_with_only,
    split_rows,
    strong_identifiers,
    unpack_row,
    wire_value,
)

__all__ = [
    "EMPTY_ROW",
    "IDENTIFIERS_PER_KIND_MAX",
    "IDENTIFIER_BYTES_MAX",
    "RULES_VERSION",
    "STRONG_KEYS",
    "WEAK_KEYS",
    "Doubt",
    "DropReason",
    "Identifier",
    "Key",
    "MemberRows",
    "RawMember",
    "already_hashed",
    "is_region",
    "mask_keys",
    "member_key",
    "normalize",
    "pack_row",
    "prefix",
    "row_mask",
    "row_of",
    "row_size",
    "row_with_only",
    "rows_of_member",
    "split_rows",
    "strong_identifiers",
    "unpack_row",
    "value_of",
    "wire_value",
]
