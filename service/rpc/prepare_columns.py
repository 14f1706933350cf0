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
"""Members read together without a look at the clock: half a millisecond, or 2 if they have every key."""


async def prepare_columns(
    columns: pb.MemberColumns, *, values: ColumnValues, slices: Slices
) -> PreparedChanges:
    """Prepare the members of validated columns, giving the loop away between slices.

    Of several changes of one member the last counts.
    """
    members = await _listed(columns, slices)
    keys = await _keys_of(members, slices)
    newest = dict(zip(keys, count(), strict=False))
    overtaken = len(keys) - len(newest)
    if overtaken:
        keys, members = list(newest), members.at(list(newest.values()))
    if columns.operation == pb.Change.OPERATION_REMOVE:
        leavers = [MemberChange(key, None) for key in keys]
        return PreparedChanges(values.default_region, leavers, overtaken=overtaken)
    reading = _Reading(members, keys, MemberReader(values))
    for start in range(0, len(keys), MEMBERS_AT_ONCE):
        await slices.turn()
        reading.read(start, start + MEMBERS_AT_ONCE)
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


async def _keys_of(members: ListedMembers, slices: Slices) -> list[bytes]:
    keys: list[bytes] = []
    for start in range(0, len(members.ids), MEMBERS_AT_ONCE):
        await slices.turn()
        keys += member_keys(members.ids[start : start + MEMBERS_AT_ONCE])
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
        for place, row in enumerate(rows):
            if row is None:
                self._look_closer(start + place)
            else:
                self.keys.append(keys[place])
                self.rows.append(row)

    def _look_closer(self, place: int) -> None:
        rows = self.reader.rows_of_any(self._members.member(place))
        self.unmatchable += not rows
        self.others.append(MemberChange(self._keys[place], rows))
