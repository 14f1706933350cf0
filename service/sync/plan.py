"""Decides what a window of changes means for Facebook. Pure.

Facebook's audience is a set of people, not of rows: a removed e-mail takes out whoever has it, however
they came in. So a removal is of identifiers that no present member holds any more, and all rows of everybody
who shares something with a removed row are added again. The log helps: when a member loses a row, all
the rows that it had are logged as removed together, those that it keeps included.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

from service.identifiers import (
    EMPTY_ROW,
    Identifier,
    Key,
    row_mask,
    row_of,
    split_rows,
    strong_identifiers,
)

HOLDERS_MAX: Final = 50
"""Rows: present rows of one identifier that are added again; with more, the identifier alone is."""


NAMES_MASK: Final = (1 << Key.FN) | (1 << Key.LN)
"""First and last name, without which nobody is found by weak keys."""


class Operation(StrEnum):
    """What a row of the log, or a call to Facebook, does."""

    ADD = "ADD"
    REMOVE = "REMOVE"

    @property
    def opposite(self) -> "Operation":
        return Operation.REMOVE if self is Operation.ADD else Operation.ADD


@dataclass(frozen=True, slots=True)
class Plan:
    """The rows to send, removals before additions.

    Shape: `removals` maps each row to send to the rows of the log that it comes from: one strong
    identifier, or a whole row of which none is held. Both keep the order of the window.
    """

    removals: Mapping[bytes, Sequence[bytes]]
    additions: Sequence[bytes]


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


def last_operations(chunks: Iterable[tuple[str, bytes]]) -> dict[bytes, Operation]:
    """Reduce chunks of (operation, rows back to back) to the last operation on each row."""
    last: dict[bytes, Operation] = {}
    for operation, packed_rows in chunks:
        last.update(dict.fromkeys(split_rows(packed_rows), Operation(operation)))
    last.pop(EMPTY_ROW, None)
    return last


def removed_rows(chunks: Iterable[tuple[str, bytes]]) -> list[bytes]:
    """List the rows that anybody lost, also those that somebody got again later in the window.

    Who else holds such a row may have been taken out with the leaver's other identifiers.
    """
    removed = (split_rows(packed) for operation, packed in chunks if operation == Operation.REMOVE)
    rows = dict.fromkeys(row for packed in removed for row in packed)
    rows.pop(EMPTY_ROW, None)
    return list(rows)


def plan_changes(
    operations: Mapping[bytes, Operation], removed: Iterable[bytes], holders: Holders
) -> Plan:
    """Plan a window of the log that was not sent before.

    `removed` are its `removed_rows`; `holders` knows their identifiers, with up to HOLDERS_MAX + 1
    rows of each.
    """
    added = [row for row, operation in operations.items() if operation is Operation.ADD]
    return _plan(added, list(removed), holders, whole_rows=False)


def plan_again(rows: Iterable[bytes], holders: Holders, *, whole_rows: bool) -> Plan:
    """Plan rows that were sent before, by what is true now: held rows in, the others out.

    `holders` knows the identifiers of all rows. `whole_rows`: a row that nobody holds goes out whole
    even where one of its identifiers is held. Only for a refresh, which adds everybody again after:
    it takes out who was found by names alone beside an identifier that somebody else still holds,
    and, where Facebook reads only the first key that knows somebody, who was found by a key that
    now stands behind another one.
    """
    return _plan([], list(rows), holders, whole_rows=whole_rows)


def _plan(
    added: Sequence[bytes], removed: Sequence[bytes], holders: Holders, *, whole_rows: bool
) -> Plan:
    additions = dict.fromkeys(added)
    removals: dict[bytes, list[bytes]] = {}
    for row in removed:
        identifiers = strong_identifiers(row)
        held = [identifier for identifier in identifiers if holders.of(identifier)]
        for identifier in held:
            additions.update(dict.fromkeys(_rows_to_add_again(identifier, holders)))
        for to_send in _rows_that_take_out(row, identifiers, held):
            removals.setdefault(to_send, []).append(row)
        if whole_rows and held and not holders.has_row(row):
            removals.setdefault(row, []).append(row)
    return Plan(removals=removals, additions=tuple(additions))


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
