"""Makes of members that come as columns what the store merges, normalised and hashed together."""

from collections.abc import Sequence
from itertools import count
from typing import Final

from audiencesync.v1 import audience_sync_pb2 as pb

from service.identifiers.column_values import ColumnValues
from service.identifiers.keys import Key
from service.identifiers.member_reader import MemberReader
from service.identifiers.members import member_keys
from service.rpc.member_columns import ListedMembers, texts_by_key
from service.rpc.prepare_changes import PreparedChanges
from service.rpc.slices import Slices
from service.store.member_batch import MemberBatch
from service.store.rows import MemberChange

MEMBERS_AT_ONCE: Final = 200
"""Members read together without a look at the clock: 1 millisecond if they have eight keys."""
MEMBERS_OF_ONE_KEY_AT_ONCE: Final = 500
"""The same of members with an e-mail alone, and of ids: half a millisecond."""


async def prepare_columns(
    columns: pb.MemberColumns, *, values: ColumnValues, slices: Slices
) -> PreparedChanges:
    """Prepare the members of validated columns, giving the loop away between slices.

    Of several changes of one member the last counts.
    """
    members = await _listed(columns, slices)
    keys = await _keys_of(members, slices)
    overtaken = len(keys) - len(set(keys))
    if overtaken:
        newest = dict(zip(keys, count(), strict=False))
        keys, members = list(newest), members.at(list(newest.values()))
    if columns.operation == pb.Change.OPERATION_REMOVE:
        leavers = [MemberChange(key, None) for key in keys]
        return PreparedChanges(values.default_region, leavers, overtaken=overtaken)
    reading = _Reading(members, keys, MemberReader(values))
    at_once = members_at_once(members)
    for start in range(0, len(keys), at_once):
        await slices.turn()
        reading.read(start, start + at_once)
    return PreparedChanges(
        values.default_region,
        MemberBatch(reading.keys, reading.rows, reading.others),
        overtaken=overtaken,
        unmatchable=reading.unmatchable,
        dropped=reading.reader.dropped,
        role_mailboxes=reading.reader.role_mailboxes,
    )


async def _listed(columns: pb.MemberColumns, slices: Slices) -> ListedMembers:
    """The same as `listed_members`: it takes half a millisecond a column."""
    texts = dict[Key, Sequence[str]]()
    for key, column in texts_by_key(columns):
        texts[key] = column
        await slices.turn()
    return ListedMembers(columns.member_ids[:], texts)


def members_at_once(members: ListedMembers) -> int:
    """How many members are read together: an odd phone number takes so long that few must do."""
    return MEMBERS_OF_ONE_KEY_AT_ONCE if members.texts.keys() <= {Key.EMAIL} else MEMBERS_AT_ONCE


async def _keys_of(members: ListedMembers, slices: Slices) -> list[bytes]:
    keys: list[bytes] = []
    for start in range(0, len(members.ids), MEMBERS_OF_ONE_KEY_AT_ONCE):
        await slices.turn()
        keys += member_keys(members.ids[start : start + MEMBERS_OF_ONE_KEY_AT_ONCE])
    return keys


class _Reading:
    """The members read so far: those who have one row apart from those who needed a closer look."""

    def __init__(self, members: ListedMembers, keys: list[bytes], reader: MemberReader) -> None:
        self._members = members
        self._keys = keys
        self.reader = reader
        self.keys: list[bytes] = []
        self.rows: list[bytes] = []
        self.others: list[MemberChange] = []
        self.unmatchable = 0

    def read(self, start: int, end: int) -> None:
        keys = self._keys[start:end]
        texts = {key: column[start:end] for key, column in self._members.texts.items()}
        rows = self.reader.rows_of_columns(texts, len(keys))
        plain = [row for row in rows if row is not None]
        if len(plain) < len(rows):
            keys = self._keys_of_plain(rows, start)
        self.keys += keys
        self.rows += plain

    def _keys_of_plain(self, rows: Sequence[bytes | None], start: int) -> list[bytes]:
        """The keys of those who have a row. At the others a closer look is taken."""
        keys = []
        for place, row in enumerate(rows, start):
            if row is None:
                self._look_closer(place)
            else:
                keys.append(self._keys[place])
        return keys

    def _look_closer(self, place: int) -> None:
        rows = self.reader.rows_of_any(self._members.member(place))
        self.unmatchable += not rows
        self.others.append(MemberChange(self._keys[place], rows))
