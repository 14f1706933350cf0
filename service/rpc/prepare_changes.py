"""Makes of a request's changes what the store merges: one change a member, normalised and hashed."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import islice
from typing import Final, TypeAlias

from audiencesync.v1 import audience_sync_pb2 as pb

from service.identifiers.column_values import ColumnValues
from service.identifiers.keys import Doubt, DropReason, Key
from service.identifiers.member_reader import MemberReader
from service.identifiers.members import member_key
from service.rpc.convert_member import cut_off, raw_member
from service.rpc.convert_values import time_of
from service.rpc.slices import Slices
from service.store.rows import MemberChange

Changes: TypeAlias = pb.UpdateMembershipRequest | pb.ImportChunk
"""Messages with a list of changes."""

Newest: TypeAlias = Mapping[bytes, tuple[pb.Change, datetime | None]]
"""By member key the change that occurred last, with the time it says to have occurred at."""

MEMBERS_AT_ONCE: Final = 100
"""Members read together without a look at the clock: half a millisecond, 1 if they have every key, 10 if
every phone is an odd one."""


@dataclass(frozen=True, slots=True)
class PreparedChanges:
    """The changes that count, and what was noticed on the way.

    Shape: `len(changes) + overtaken` = the changes of the request.
    """

    default_region: str
    changes: Sequence[MemberChange]
    overtaken: int = 0
    """Changes that a newer one of the same member replaces."""
    unmatchable: int = 0
    dropped: Counter[tuple[Key, DropReason]] = field(default_factory=Counter)
    unknown_traits: int = 0
    role_mailboxes: int = 0

    def counted(self) -> Counter[tuple[Key, DropReason | Doubt]]:
        """What is counted by the day: what was dropped, and what is used but doubtful."""
        counted: Counter[tuple[Key, DropReason | Doubt]] = Counter(self.dropped)
        counted[Key.EMAIL, Doubt.ROLE_MAILBOX] = self.role_mailboxes
        return counted


async def prepare_changes(
    request: Changes, *, values: ColumnValues, now: datetime, slices: Slices
) -> PreparedChanges:
    """Prepare the changes of a validated request, giving the loop away between slices.

    Raises: InvalidField for a time that is none.
    """
    newest = await newest_changes(request, now, slices)
    return await prepare_newest(newest, len(request.changes), values=values, slices=slices)


async def prepare_newest(
    newest: Newest, of_changes: int, *, values: ColumnValues, slices: Slices
) -> PreparedChanges:
    """The same of the changes that count, among so many."""
    reader = MemberReader(values)
    changes: list[MemberChange] = []
    cut: Counter[tuple[Key, DropReason]] = Counter()
    waiting = iter(newest.items())
    while group := list(islice(waiting, MEMBERS_AT_ONCE)):
        members = [None if is_removal(change) else change.member for _, (change, _) in group]
        plain = iter(reader.rows_of_plain([member for member in members if member is not None]))
        for (key, (_, time)), member in zip(group, members, strict=True):
            if slices.is_used_up():
                await slices.give_way()
            rows = None if member is None else _rows(member, next(plain), cut, reader)
            changes.append(MemberChange(member_key=key, rows=rows, occurred_at=time))
    return PreparedChanges(
        values.default_region,
        changes,
        overtaken=of_changes - len(newest),
        unmatchable=sum(change.rows == () for change in changes),
        dropped=cut + reader.dropped,
        unknown_traits=reader.unknown_traits,
        role_mailboxes=reader.role_mailboxes,
    )


async def newest_changes(request: Changes, now: datetime, slices: Slices) -> Newest:
    """The changes that count.

    Of several at one time the last in the list counts. One that says no time occurred now, and
    none later than now. Raises: InvalidField for a time that is none.
    """
    newest: dict[bytes, tuple[pb.Change, datetime | None]] = {}
    counted: dict[bytes, datetime] = {}
    path = "chunk.changes" if isinstance(request, pb.ImportChunk) else "changes"
    for index, change in enumerate(request.changes):
        if slices.is_used_up():
            await slices.give_way()
        said = _said_time(change, f"{path}[{index}].occurred_at")
        time = now if said is None else min(said, now)
        key = member_key(change.member.member_id)
        if key not in counted or time >= counted[key]:
            newest[key], counted[key] = (change, said), time
    return newest


def _said_time(change: pb.Change, path: str) -> datetime | None:
    if not change.HasField("occurred_at"):
        return None
    return time_of(change.occurred_at, field=path)


def is_removal(change: pb.Change) -> bool:
    return change.operation == pb.Change.OPERATION_REMOVE


def _rows(
    member: pb.Member,
    row: bytes | None,
    cut: Counter[tuple[Key, DropReason]],
    reader: MemberReader,
) -> tuple[bytes, ...]:
    """The rows of a member, `row` alone if they are plain; counts what was cut off."""
    if row is not None:
        return (row,)
    cut.update(cut_off(member))
    return reader.rows_of_any(raw_member(member))
