"""Owns how the number of people is shown to the world: late, and as a rounded range with a floor."""

from collections.abc import Sequence
from typing import Final

from fakefb.history import Upload

INACTIVE: Final = -1
"""Both bounds of an audience that is not kept up to date."""
_SIGNIFICANT: Final = 2


def approximate_counts(people: int, floor: int) -> tuple[int, int]:
    """Return lower and upper bound: two significant digits, nothing below the floor."""
    step = 10 ** max(0, len(str(people)) - _SIGNIFICANT)
    lower = people // step * step
    upper = -(-people // step) * step
    return max(lower, floor), max(upper, floor)


def people_shown(uploads: Sequence[Upload], time: float) -> int:
    """Return the size at a time in the past; 0 before the first upload.

    Of an audience with more uploads since then than are remembered, the oldest that is.
    """
    for upload in reversed(uploads):
        if upload.time <= time:
            return upload.people
    forgotten = len(uploads) == getattr(uploads, "maxlen", None)
    return uploads[0].people if forgotten else 0
