"""Remembers the default regions of audiences, so that most updates need not look theirs up first."""

from collections import OrderedDict
from typing import Final

HINTS_MAX: Final = 1_000
"""Audiences whose region is remembered."""


class RegionHints:
    """What regions were when last seen. A change may have come since: the audience's lock decides."""

    def __init__(self, *, hints_max: int = HINTS_MAX) -> None:
        self._hints_max = hints_max
        self._regions: OrderedDict[str, str] = OrderedDict()

    def get(self, audience_id: str) -> str | None:
        return self._regions.get(audience_id)

    def note(self, audience_id: str, default_region: str) -> None:
        """Remember a region in place of the one that was noted longest ago."""
        self._regions[audience_id] = default_region
        self._regions.move_to_end(audience_id)
        if len(self._regions) > self._hints_max:
            self._regions.popitem(last=False)
