"""Owns who is in an audience, in the two readings of what a removal means."""

import enum
from typing import Protocol

from fakefb.matching import Found


class Removal(enum.StrEnum):
    """What a removal row takes out."""

    PERSON = "person"
    """Everybody whom the row matches."""
    IDENTIFIERS = "identifiers"
    """The identifiers that matched; a person leaves when none that put them in is left."""


class Membership(Protocol):
    """The people of one audience, as numbers of the population."""

    def add(self, found: Found) -> None:
        """Put everybody found in."""

    def remove(self, found: Found) -> None:
        """Take out what a removal of these rows means."""

    def people(self) -> set[int]:
        """Return everybody inside; the caller must not change the set."""

    def size(self) -> int:
        """Return how many are inside."""

    def copy(self) -> "Membership":
        """Return an independent copy, for trying a removal out."""


class PeopleOnly:
    """Remembers people, not what put them in."""

    def __init__(self, inside: set[int] | None = None) -> None:
        self._inside = inside if inside is not None else set()

    def add(self, found: Found) -> None:
        """Put everybody found in."""
        self._inside.update(*found.values())

    def remove(self, found: Found) -> None:
        """Take everybody found out."""
        self._inside.difference_update(*found.values())

    def people(self) -> set[int]:
        """Return everybody inside."""
        return self._inside

    def size(self) -> int:
        """Return how many are inside."""
        return len(self._inside)

    def copy(self) -> Membership:
        """Return an independent copy."""
        return PeopleOnly(set(self._inside))


class PeopleByIdentifier:
    """Remembers for each person the identifiers that put them in."""

    def __init__(self, reasons: dict[int, set[str]] | None = None) -> None:
        self._reasons = reasons if reasons is not None else {}

    def add(self, found: Found) -> None:
        """Put everybody found in, for the identifier that found them."""
        for identifier, people in found.items():
            for person in people:
                self._reasons.setdefault(person, set()).add(identifier)

    def remove(self, found: Found) -> None:
        """Forget the identifiers; who has none left leaves."""
        for identifier, people in found.items():
            for person in people:
                held = self._reasons.get(person, set())
                held.discard(identifier)
                if not held:
                    self._reasons.pop(person, None)

    def people(self) -> set[int]:
        """Return everybody inside."""
        return set(self._reasons)

    def size(self) -> int:
        """Return how many are inside."""
        return len(self._reasons)

    def copy(self) -> Membership:
        """Return an independent copy."""
        return PeopleByIdentifier({person: set(held) for person, held in self._reasons.items()})


def new_membership(removal: Removal) -> Membership:
    """Return an empty membership for the switch."""
    match removal:
        case Removal.PERSON:
            return PeopleOnly()
        case Removal.IDENTIFIERS:
            return PeopleByIdentifier()
