"""Owns what happened to an audience: its uploads over time, and sums over all of them."""

from collections import Counter, deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from fakefb.matching import KeyMatches

UPLOADS_MAX: Final = 2_000
"""Uploads of one audience that are remembered; the oldest go first, the sums stay."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Upload:
    """One call that changed an audience, or could have; time in Unix seconds."""

    time: float
    operation: str
    """As in the journal: add, remove."""
    session_id: str
    rows: int
    people_added: int
    people_removed: int
    people: int
    """Everybody inside afterwards."""
    invalid: Mapping[str, int]
    """Rows by reason."""
    by_key: Mapping[str, KeyMatches]


@dataclass(slots=True)
class History:
    """The last uploads of one audience, oldest first, and sums since it was made."""

    uploads: deque[Upload] = field(default_factory=lambda: deque(maxlen=UPLOADS_MAX))
    people_added: int = 0
    people_removed: int = 0
    invalid: Counter[str] = field(default_factory=Counter)
    values: Counter[str] = field(default_factory=Counter)
    """Values that could have matched, by key."""
    matched: Counter[str] = field(default_factory=Counter)
    """Values that somebody is known by, by key."""

    def keep(self, upload: Upload) -> None:
        """Remember one upload."""
        self.uploads.append(upload)
        self.people_added += upload.people_added
        self.people_removed += upload.people_removed
        self.invalid.update(upload.invalid)
        for key, matches in upload.by_key.items():
            self.values[key] += matches.values
            self.matched[key] += matches.matched
