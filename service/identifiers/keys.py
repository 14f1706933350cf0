"""The match keys, the reasons for dropping a value, and the limits on values."""

import enum
from typing import Final

RULES_VERSION: Final = 1
"""Version of the normalisation rules. Raise it when any value would hash differently."""

IDENTIFIERS_PER_KIND_MAX: Final = 100
"""Distinct e-mails, phones or devices kept of one member."""

IDENTIFIER_BYTES_MAX: Final = 512
"""UTF-8 bytes of one raw value, white space around it included."""


class Key(enum.IntEnum):
    """A match key. Its number is its bit in a row's mask, its name Graph's schema name."""

    EMAIL = 0
    PHONE = 1
    MADID = 2
    FN = 3
    LN = 4
    GEN = 5
    DOBY = 6
    DOBM = 7
    DOBD = 8
    CT = 9
    ST = 10
    ZIP = 11
    COUNTRY = 12


STRONG_KEYS: Final = (Key.EMAIL, Key.PHONE, Key.MADID)
"""The keys that find a person alone. They are the first in every packed row."""

WEAK_KEYS: Final = tuple(key for key in Key if key not in STRONG_KEYS)
"""The keys that only make a match surer; a member has at most one value of each."""


class DropReason(enum.IntEnum):
    """Why a value that was not blank is not used."""

    EMPTY = 1
    """Nothing is left after normalising."""
    TOO_LONG = 2
    """Over `IDENTIFIER_BYTES_MAX`."""
    NOT_AN_EMAIL = 3
    """Not of the form x@y.z."""
    UNREADABLE = 4
    """Cannot be read as a phone number."""
    NOT_POSSIBLE = 5
    """A phone number that cannot exist."""
    ALL_ZEROS = 6
    """A phone number or device id of zeros only."""
    NOT_A_UUID = 7
    """A device id that is no UUID with hyphens."""
    UNKNOWN_VALUE = 8
    """A gender or country that is not known."""
    OUT_OF_RANGE = 9
    """A year, month or day outside its range, or no year, month or day at all."""
    NO_SUCH_DATE = 10
    """A whole date that the calendar does not have."""
    TOO_MANY = 11
    """Beyond `IDENTIFIERS_PER_KIND_MAX` of one kind."""


class Doubt(enum.IntEnum):
    """Why a value that is used may find nobody. Counted beside the drops: no number is one of theirs."""

    ROLE_MAILBOX = 101
    """An e-mail of a role, such as info@."""
