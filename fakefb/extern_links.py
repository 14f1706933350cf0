"""Owns what an ad account remembers of EXTERN_ID: whom an id stood for when it was last uploaded."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from fakefb.matching import Columns, Found, Matching, find_people
from fakefb.people import Population

LINK_S: Final = 90 * 86_400
"""Seconds that a link is kept."""
LINKS_MAX: Final = 2_000_000
"""Links of one ad account; the oldest go first."""


@dataclass(slots=True)
class ExternLinks:
    """By external id: when it was linked (Unix seconds), and which identifiers found whom."""

    by_id: dict[str, tuple[float, Found]] = field(default_factory=dict)

    def learn(self, extern_id: str, found: Found, now: float) -> None:
        """Link an id to the people of its row."""
        self.by_id.pop(extern_id, None)
        self.by_id[extern_id] = (now, found)
        if len(self.by_id) > LINKS_MAX:
            del self.by_id[next(iter(self.by_id))]

    def found(self, extern_id: str, now: float) -> Found:
        """Return whom a link stands for; nobody when it is too old."""
        linked_at, found = self.by_id.get(extern_id, (0.0, {}))
        return found if now < linked_at + LINK_S else {}


def find_linked(
    columns: Columns,
    population: Population,
    matching: Matching,
    *,
    links: ExternLinks,
    learns: bool,
    now: float,
) -> Found:
    """Return everybody whom rows with an EXTERN_ID match.

    The other keys of a row come first; where they know nobody, the link does. `learns` keeps what
    the other keys said.
    """
    found: Found = {}
    others = {key: cells for key, cells in columns.items() if key != "EXTERN_ID"}
    for i, extern_id in enumerate(columns["EXTERN_ID"]):
        hit = find_people(_row(others, i), population, matching) if others else {}
        if hit and learns:
            links.learn(extern_id, hit, now)
        _merge(found, hit or links.found(extern_id, now))
    return found


def _row(columns: Columns, i: int) -> dict[str, Sequence[str]]:
    return {key: [cells[i]] for key, cells in columns.items()}


def _merge(found: Found, more: Found) -> None:
    for identifier, people in more.items():
        known = found.get(identifier, ())
        found[identifier] = people if not known else tuple({*known, *people})
