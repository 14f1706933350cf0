"""Makes of a request's changes what the store merges: one change a member, normalised and hashed."""

from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime
from itertools import islice
from typing import Final, TypeAlias

from audiencesync.v1 import audience_sync_pb2 as pb

from service.identifiers.keys import DropReason, Key
from service.identifiers.member_reader import MemberReader
from service.identifiers.members import member_key
from service.rpc.convert_member import cut_off, raw_member
from service.rpc.convert_values import time_of
from service.rpc.slices import Slices
from service.store.rows import MemberChange

Changes: TypeAlias = pb.UpdateMembershipRequest | pb.ImportChunk
"""Messages with a list of changes."""

MEMBERS_AT_ONCE: Final = 100
"""Members read together without a look at the clock: 1 ms, or 10 if every phone is an odd one."""


@dataclass(slots=True, kw_only=True)
class PreparedChanges:
    """The changes that count, and what was noticed on the way.

    Shape: `len(changes) + overtaken` = the changes of the request.
    """

    default_region: str
    changes: list[MemberChange] = field(default_factory=list)
    overtaken: int = 0
    """Changes that a newer one of the same member replaces."""
    unmatchable: int = 0
    dropped: Counter[tuple[Key, DropReason]] = field(default_factory=Counter)
    unknown_traits: int = 0


async def prepare_changes(
    request: Changes, *, default_region: str, now: datetime, slices: Slices
) -> PreparedChanges:
    """Prepare the changes of a validated request, giving the loop away between slices.

    Raises: InvalidField for a time that is none.
    """
    newest = await _newest_changes(request, now, slices)
    reader = MemberReader(default_region=default_region, this_year=now.year)
    prepared = PreparedChanges(
        default_region=default_region, overtaken=len(request.changes) - len(newest)
    )
    waiting = iter(newest.items())
    while group := list(islice(waiting, MEMBERS_AT_ONCE)):
        coming = [change.member for _, change in group if _is_add(change)]
        plain_rows = iter(reader.rows_of_plain(coming))
        for key, change in group:
            if slices.is_used_up():
                await slices.give_way()
            row = next(plain_rows) if _is_add(change) else None
            rows = _rows(change, row, prepared, reader)
            prepared.changes.append(_member_change(key, change, rows))
    prepared.dropped.update(reader.dropped)
    prepared.unknown_traits = reader.unknown_traits
    return prepared


async def _newest_changes(
    request: Changes, now: datetime, slices: Slices
) -> dict[bytes, pb.Change]:
    """The change of each member that occurred last; of several at one time the last in the list."""
    newest: dict[bytes, pb.Change] = {}
    times: dict[bytes, datetime] = {}
    for index, change in enumerate(request.changes):
        if slices.is_used_up():
            await slices.give_way()
        time = _counted_time(change, now, index)
        key = member_key(change.member.member_id)
        if key not in times or time >= times[key]:
            newest[key], times[key] = change, time
    return newest


def _counted_time(change: pb.Change, now: datetime, index: int) -> datetime:
    """When a change counts as having occurred: now if it does not say, and never later than now."""
    if not change.HasField("occurred_at"):
        return now
    return min(time_of(change.occurred_at, field=f"changes[{index}].occurred_at"), now)


def _member_change(key: bytes, change: pb.Change, rows: tuple[bytes, ...] | None) -> MemberChange:
    has_time = change.HasField("occurred_at")
    time = time_of(change.occurred_at, field="occurred_at") if has_time else None
    return MemberChange(member_key=key, rows=rows, occurred_at=time)


def _is_add(change: pb.Change) -> bool:
    return change.operation != pb.Change.OPERATION_REMOVE


def _rows(
    change: pb.Change, row: bytes | None, prepared: PreparedChanges, reader: MemberReader
) -> tuple[bytes, ...] | None:
    """The rows of one who is in, `row` alone if they are plain; None for one who left."""
    if row is not None:
        return (row,)
    if not _is_add(change):
        return None
    prepared.dropped.update(cut_off(change.member))
    rows = reader.rows_of_any(raw_member(change.member))
    prepared.unmatchable += not rows
    return rows
