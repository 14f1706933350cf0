"""Reads the members of one batch together, column by column: a column is all their texts of one key."""

from collections import Counter
from collections.abc import Collection, Mapping, Sequence

from service.identifiers.column_values import ColumnValues
from service.identifiers.keys import DropReason, Key
from service.identifiers.member_fields import columns_of
from service.identifiers.members import MemberFields, rows_of_member
from service.identifiers.role_mailboxes import count_role_mailboxes
from service.identifiers.row_columns import pack_columns


class MemberReader:
    """Gives the rows of the members of one batch, the same as `rows_of_member`."""

    def __init__(self, values: ColumnValues) -> None:
        self._values = values
        self.dropped: Counter[tuple[Key, DropReason]] = Counter()
        """The values that were not blank and are not used."""
        self.unknown_traits = 0
        self.role_mailboxes = 0
        """About how many members have one address, of a role; by a look at some."""

    def rows_of(self, members: Sequence[MemberFields]) -> list[tuple[bytes, ...]]:
        """The packed rows of each member. Counts what was dropped."""
        return [
            self.rows_of_any(member) if row is None else (row,)
            for member, row in zip(members, self.rows_of_plain(members), strict=True)
        ]

    def rows_of_any(self, member: MemberFields) -> tuple[bytes, ...]:
        """The packed rows of a member, plain or not. Counts what was dropped."""
        found = rows_of_member(
            member,
            default_region=self._values.default_region,
            this_year=self._values.this_year,
            value_of=self._values.in_detail,
        )
        self.dropped.update(found.dropped)
        self.unknown_traits += found.unknown_traits
        return found.rows

    def rows_of_plain(self, members: Sequence[MemberFields]) -> list[bytes | None]:
        """The only row of each member who is plain; None where a closer look is due.

        Plain is who has one e-mail, phone and device at most, and nothing to drop.
        """
        if not members:
            return []
        found = columns_of(members)
        rows = self.rows_of_columns(found.texts, len(members), unsure=found.unsure)
        self.unknown_traits += sum(
            count for place, count in found.unknown_traits.items() if rows[place] is not None
        )
        return rows

    def rows_of_columns(
        self,
        columns: Mapping[Key, Sequence[str]],
        count: int,
        *,
        unsure: Collection[int] = (),
    ) -> list[bytes | None]:
        """The same of `count` members with at most one text of each key.

        Shape: `columns` has a text for each member, blank where unknown, of each key that any has.
        `unsure` are the places of members who are not plain for other reasons.
        """
        self.role_mailboxes += count_role_mailboxes(columns.get(Key.EMAIL, ()))
        # What is unsure is of no value's size, so that there is no row.
        rows = pack_columns(self._values.of_columns(columns, count), count)
        for place in unsure:
            rows[place] = None
        return rows
