"""Owns the schema keys that `/users` understands and how a cell of each must look."""

import enum
from typing import Final


class CellKind(enum.Enum):
    """How a cell of a column is checked."""

    HASH = "hash"
    DEVICE = "device"
    EXTERN_ID = "extern_id"
    VALUE = "value"
    FREE = "free"


_HASHED: Final = (
    "EMAIL",
    "PHONE",
    "FN",
    "LN",
    "FI",
    "GEN",
    "DOBY",
    "DOBM",
    "DOBD",
    "CT",
    "ST",
    "ZIP",
    "COUNTRY",
)
_FREE: Final = (
    "UID",
    "PAGEUID",
    "APPUID",
    "DATA_PROCESSING_OPTIONS",
    "DATA_PROCESSING_OPTIONS_COUNTRY",
    "DATA_PROCESSING_OPTIONS_STATE",
)

CELL_KINDS: Final[dict[str, CellKind]] = {
    **dict.fromkeys(_HASHED, CellKind.HASH),
    **dict.fromkeys(_FREE, CellKind.FREE),
    "MADID": CellKind.DEVICE,
    "EXTERN_ID": CellKind.EXTERN_ID,
    "LOOKALIKE_VALUE": CellKind.VALUE,
}

SINGLE_KEYS: Final[dict[str, str]] = {
    "EMAIL": "EMAIL",
    "EMAIL_SHA256": "EMAIL",
    "PHONE": "PHONE",
    "PHONE_SHA256": "PHONE",
    "MADID": "MADID",
    "MOBILE_ADVERTISER_ID": "MADID",
    "EXTERN_ID": "EXTERN_ID",
    "UID": "UID",
}
"""What a schema given as one string may say, and the column it means."""

STRONG_KEYS: Final = ("EMAIL", "PHONE", "MADID")
"""Each of these alone finds people."""

WEAK_KEYS: Final = ("FN", "LN", "GEN", "DOBY", "DOBM", "DOBD", "CT", "ST", "ZIP", "COUNTRY")

ID_KEYS: Final = ("EXTERN_ID", "UID")
"""Ids that find people without any identifier of theirs."""
