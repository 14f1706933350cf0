"""Decides what a window of changes means for Facebook. Pure.

Facebook's audience is a set of people, not of rows: a removed e-mail takes out whoever has it, however
they came in. So a removal is of identifiers that no present member holds any more, and all rows of everybody
who shares something with a removed row are added again. The log helps: when a member loses a row, all
the rows that it had are logged as removed together, those that it keeps included.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from service.identifiers import Identifier, Key, row_mask, row_of, strong_identifiers
from service.identifiers.keys import STRONG_KEYS
from service.identifiers.packed_rows import PackedRows, Run, a_run, by_mask, distinct
from service.identifiers.rows import strong_places

HOLDERS_MAX: Final = 50
"""Rows: present rows of one identifier that are added again; with more, the identifier alone is."""


NAMES_MASK: Final = (1 << Key.FN) | (1 << Key.LN)
"""First and last name, without which nobody is found by weak keys."""


@dataclass(frozen=True, slots=True, eq=False)
class Plan:
    """The rows to send, each once, removals before additions.

    Shape: a removal is one strong identifier, or a whole row of which none is held.
    """

    removals: PackedRows = field(default_factory=PackedRows)
    additions: PackedRows = field(default_factory=PackedRows)

    @classmethod
    def joined(cls, parts: Sequence["Plan"]) -> "Plan":
        """What several plans say together."""
        return cls(
            removals=_joined([part.removals for part in parts]),
            additions=_joined([part.additions for part in parts]),
        )


def _joined(parts: Iterable[PackedRows]) -> PackedRows:
    filled = [part for part in parts if part]
    if len(filled) == 1:
        return filled[0]
    return distinct(run for part in filled for run in part.runs)


@dataclass(slots=True)
class Holders:
    """Which rows of present members hold an identifier, read after the window was.

    Shape: `beside` has, for a row, the other rows of the members who hold it.
    """

    rows: dict[Identifier, list[bytes]] = field(default_factory=dict)
    beside: dict[bytes, list[bytes]] = field(default_factory=dict)

    @classmethod
    def among(
        cls, present_rows: Iterable[bytes], beside: Mapping[bytes, Sequence[bytes]] | None = None
    ) -> "Holders":
        """Index the rows found by identifier prefix; the full value decides."""
        holders = cls(beside={row: list(others) for row, others in (beside or {}).items()})
        for row in dict.fromkeys(present_rows):
            for identifier in strong_identifiers(row):
                holders.rows.setdefault(identifier, []).append(row)
        return holders

    def of(self, identifier: Identifier) -> list[bytes]:
        return self.rows.get(identifier, [])

    def has_row(self, row: bytes) -> bool:
        return any(row in self.of(identifier) for identifier in strong_identifiers(row))


def plan_removed(rows: Iterable[bytes], holders: Holders, *, whole_rows: bool = False) -> Plan:
    """Plan rows by what is true now: held ones in, the others out.

    They are the `removed_rows` of a window of the log that was not sent before, or all rows of one
    that was. `holders` knows their identifiers, with up to HOLDERS_MAX + 1 rows of each.
    `whole_rows`: a row that nobody holds goes out whole even where one of its identifiers is held.
    Only for a refresh, which adds everybody again after: it takes out who was found by names alone
    beside an identifier that somebody else still holds, and, where Facebook reads only the first
    key that knows somebody, who was found by a key that now stands behind another one.
    """
    removals: dict[bytes, None] = {}
    additions: dict[bytes, None] = {}
    free, others = _told_apart(PackedRows.of(rows), holders)
    for row in others:
        identifiers = strong_identifiers(row)
        held = [identifier for identifier in identifiers if holders.of(identifier)]
        for identifier in held:
            additions.update(dict.fromkeys(_rows_to_add_again(identifier, holders)))
        removals.update(dict.fromkeys(_rows_that_take_out(row, identifiers, held)))
        if whole_rows and held and not holders.has_row(row):
            removals[row] = None
    return Plan(
        removals=distinct([*free, *by_mask(removals)]), additions=PackedRows(by_mask(additions))
    )


def _told_apart(rows: PackedRows, holders: Holders) -> tuple[list[Run], list[bytes]]:
    """Rows of one identifier that nobody holds, which go out as they are, and all others.

    Most rows of most audiences are the former: they need no object each.
    """
    held = {key: {one.value for one in holders.rows if one.key is key} for key in STRONG_KEYS}
    free: list[Run] = []
    others: list[bytes] = []
    for run in rows.runs:
        places = strong_places(run.mask)
        if len(places) != 1:
            others += run
            continue
        ((key, place),) = places
        if held[key]:
            mine = [row for row in run if row[place] not in held[key]]
            others += [row for row in run if row[place] in held[key]]
            run = a_run(run.mask, b"".join(mine))  # noqa: PLW2901
        free.append(run)
    return free, others


def rows_behind(removals: Iterable[bytes], rows: Iterable[bytes]) -> list[bytes]:
    """Those of the `rows` planned from which these of the plan's removals come.

    With `whole_rows`, also rows that have such an identifier beside another: planning them once more
    does no harm.
    """
    sent = frozenset(removals)
    return [row for row in rows if row in sent or not sent.isdisjoint(_identifiers_alone(row))]


def _identifiers_alone(row: bytes) -> list[bytes]:
    identifiers = strong_identifiers(row)
    return [row_of(one) for one in identifiers] if len(identifiers) > 1 else []


def _rows_that_take_out(
    row: bytes, identifiers: Sequence[Identifier], held: Sequence[Identifier]
) -> list[bytes]:
    """Rows that take out whom `row` brought in, as far as nobody present holds what found them.

    Weak keys go along only in the whole row: beside one identifier that Facebook does not know they
    would find a namesake, whom the whole row never brought in because another identifier was known.
    """
    if len(identifiers) == 1:
        return [] if held else [row]
    alone = [row_of(identifier) for identifier in identifiers if identifier not in held]
    return [*alone, row] if _has_names(row) and not held else alone


def _has_names(row: bytes) -> bool:
    """Whether weak keys alone could find somebody."""
    return row_mask(row) & NAMES_MASK == NAMES_MASK


def _rows_to_add_again(identifier: Identifier, holders: Holders) -> list[bytes]:
    rows = holders.of(identifier)
    if len(rows) > HOLDERS_MAX:
        return [row_of(identifier)]
    return [*rows, *(other for row in rows for other in holders.beside.get(row, ()))]
