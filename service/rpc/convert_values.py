"""Converts times and durations between the contract and Python."""

from datetime import UTC, datetime
from typing import Final

from google.protobuf.duration_pb2 import Duration
from google.protobuf.timestamp_pb2 import Timestamp

from service.rpc.errors import InvalidField

_FIRST_SECOND: Final = -62_135_596_800
"""0001-01-01T00:00:00Z, the first second of a Timestamp, in seconds of the Unix epoch."""
_LAST_SECOND: Final = 253_402_300_799
"""9999-12-31T23:59:59Z, the last one."""
_NANOS_END: Final = 1_000_000_000


def timestamp(time: datetime | None) -> Timestamp | None:
    """Convert a time; None stays unset in the message."""
    if time is None:
        return None
    made = Timestamp()
    made.FromDatetime(time)
    return made


def time_of(value: Timestamp, *, field: str) -> datetime:
    """Convert a caller's timestamp, cut to microseconds.

    Raises: InvalidField naming `field` when it is no time between the years 1 and 9999.
    """
    in_range = _FIRST_SECOND <= value.seconds <= _LAST_SECOND and 0 <= value.nanos < _NANOS_END
    if not in_range:
        raise InvalidField.of(field, "must be a time between the years 1 and 9999")
    return value.ToDatetime(tzinfo=UTC)


def duration(milliseconds: int) -> Duration:
    message = Duration()
    message.FromMilliseconds(milliseconds)
    return message


def seconds_of(value: Duration, *, field: str) -> int:
    """Convert a duration of whole seconds. Raises: InvalidField for a fraction of a second."""
    if value.nanos:
        raise InvalidField.of(field, "must be whole seconds")
    return value.seconds
