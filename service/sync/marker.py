"""The marker in a Custom Audience's description, by which we know our own. Pure."""

import re
from dataclasses import dataclass
from typing import Self

_MARKER = re.compile(
    r"\s*\[audience-sync:(?P<audience_id>[^\s@\]]+)@(?P<installation_id>[^\s\]]+)\]"
)


@dataclass(frozen=True, slots=True)
class Marker:
    """Which audience of which installation keeps a Custom Audience."""

    audience_id: str
    installation_id: str

    @classmethod
    def find(cls, description: str) -> Self | None:
        """The marker in a description as Facebook gives it; None when there is none."""
        found = _MARKER.search(description)
        return cls(found["audience_id"], found["installation_id"]) if found else None

    def append_to(self, description: str) -> str:
        """The description to send: the caller's words, then the marker (and no other one)."""
        plain = _MARKER.sub("", description)
        marker = f"[audience-sync:{self.audience_id}@{self.installation_id}]"
        return f"{plain} {marker}" if plain else marker
