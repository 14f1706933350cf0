"""Merges a batch of changes into the membership, and logs what follows from it.

One transaction, under the audience's lock:

    batch ───────────────copy──► incoming ┐
    member, tombstone ────────look up─────┴─ compare ─► touched ─► member, tombstone, change_chunk

`incoming` and `touched` are temporary tables of the connection. What says nothing new is not written.
A member's clock is `changed_at` of its first row, or of its tombstone.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from service.identifiers import IDENTIFIERS_PER_KIND_MAX
from service.store.change_log import CHUNK_ROWS_MAX
from service.store.connection import Connection
from service.store.copy_rows import INCOMING_COLUMNS, incoming_records
from service.store.queries import Command, PythonType, Query
from service.store.rows import MemberChange, MergeResult


@dataclass(frozen=True, slots=True)
class Logged:
    """What a batch added to the log."""

    chunk_count: int
    row_count: int


@dataclass(frozen=True, slots=True)
class Touched:
    """What there is to write, and how it moves the counters."""

    changed_count: int
    """Members of whom more than the clock changes."""
    more_members: int
    more_unmatchable: int
    leaver_count: int
    """Members who were present and are no more."""
    lost_row_count: int
    """Rows that members who stay have no more."""
    new_row_count: int
    known_row_count: int
    absent_count: int
    back_count: int
    """Members who are present and had a tombstone."""


_AUDIENCE: Final[dict[str, PythonType]] = {"audience_no": int}
LEFTOVER_BYTES = Query("leftover_bytes", returns=int)
MAKE_TABLES: Final = [
    Command("make_incoming_table"),
    Command("make_touched_table"),
]
CLEAR_MERGE_TABLES = Command("clear_merge_tables")
FIND_TOUCHED = Query("find_touched", takes={**_AUDIENCE, "now": datetime}, returns=Touched)
DELETE_LEAVERS = Command("delete_leavers", takes=_AUDIENCE)
DELETE_LOST_ROWS = Command("delete_lost_rows", takes=_AUDIENCE)
CHANGE_KNOWN_ROWS = Command("change_known_rows", takes=_AUDIENCE)
INSERT_NEW_ROWS = Command("insert_new_rows", takes=_AUDIENCE)
WRITE_TOMBSTONES = Command("write_tombstones", takes=_AUDIENCE)
DELETE_TOMBSTONES = Command("delete_tombstones", takes=_AUDIENCE)
LOG_CHANGES = Query(
    "log_changes",
    takes={**_AUDIENCE, "now": datetime, "rules_version": int, "chunk_rows": int},
    returns=Logged,
)
MOVE_COUNTERS = Query(
    "move_counters",
    takes={
        **_AUDIENCE,
        "chunk_count": int,
        "row_count": int,
        "more_members": int,
        "more_unmatchable": int,
    },
    returns=int,
)
READ_REVISION = Query("read_revision", takes=_AUDIENCE, returns=int)
READ_CHANGED_KEYS = Query("read_changed_keys", returns=bytes)


async def merge(
    connection: Connection,
    audience_no: int,
    changes: Sequence[MemberChange],
    *,
    now: datetime,
    rules_version: int,
) -> MergeResult:
    """Merge changes, at most one a member, into the membership and log what follows.

    A change that says when it occurred does nothing if more recent news of its member is known; of
    two with the same time the one that arrives later holds. A time after `now` counts as `now`.

    Order: in a transaction that holds the audience's lock.
    """
    if not connection.is_in_transaction():
        raise RuntimeError("a merge is all or nothing: it needs a transaction")
    await make_merge_tables(connection)
    await connection.copy_to_table(
        "incoming", source=incoming_records(changes), columns=INCOMING_COLUMNS, format="binary"
    )
    return await merge_incoming(
        connection, audience_no, len(changes), now=now, rules_version=rules_version
    )


async def merge_incoming(
    connection: Connection,
    audience_no: int,
    member_count: int,
    *,
    now: datetime,
    rules_version: int,
) -> MergeResult:
    """Merge what `incoming` holds of `member_count` members; those left out of it count as unchanged.

    Order: as `merge`, after `make_merge_tables`.
    """
    touched = await FIND_TOUCHED.value(connection, audience_no=audience_no, now=now)
    await _write_members(connection, audience_no, touched)
    if touched.changed_count == 0:
        revision = await READ_REVISION.value(connection, audience_no=audience_no)
    else:
        revision = await _log(connection, audience_no, touched, now, rules_version)
    return MergeResult(revision, touched.changed_count, member_count - touched.changed_count)


async def merge_together(
    connection: Connection,
    audience_no: int,
    batches: Sequence[Sequence[MemberChange]],
    *,
    now: datetime,
    rules_version: int,
) -> list[MergeResult]:
    """Merge batches of different members as one, and tell what came of each.

    Order: as for `merge`.
    """
    changes = [change for batch in batches for change in batch]
    merged = await merge(connection, audience_no, changes, now=now, rules_version=rules_version)
    if len(batches) == 1:
        return [merged]
    changed = await _changed_of(connection, changes, merged)
    return [_share(batch, merged.revision, changed) for batch in batches]


async def _changed_of(
    connection: Connection, changes: Sequence[MemberChange], merged: MergeResult
) -> set[bytes]:
    """Whom the merge changed. Mostly it is everyone, and need not be read."""
    if merged.changed_count == 0:
        return set()
    if merged.unchanged_count == 0:
        return {change.member_key for change in changes}
    return set(await READ_CHANGED_KEYS.many(connection))


def _share(batch: Sequence[MemberChange], revision: int, changed: Collection[bytes]) -> MergeResult:
    """What came of one batch, when these members changed in all."""
    changed_count = sum(change.member_key in changed for change in batch)
    return MergeResult(revision, changed_count, len(batch) - changed_count)


async def make_merge_tables(connection: Connection) -> None:
    """Make this connection's temporary tables, or empty what this transaction left in them."""
    leftover = await LEFTOVER_BYTES.value(connection)
    if leftover < 0:
        for make in MAKE_TABLES:
            await make.execute(connection)
    elif leftover:
        await CLEAR_MERGE_TABLES.execute(connection)


async def _write_members(connection: Connection, audience_no: int, touched: Touched) -> None:
    """Write what there is to write: in a small batch a statement costs as much as its rows."""
    if touched.leaver_count:
        await DELETE_LEAVERS.execute(connection, audience_no=audience_no)
    if touched.lost_row_count:
        await DELETE_LOST_ROWS.execute(connection, audience_no=audience_no)
    if touched.known_row_count:
        await CHANGE_KNOWN_ROWS.execute(connection, audience_no=audience_no)
    if touched.new_row_count:
        await INSERT_NEW_ROWS.execute(connection, audience_no=audience_no)
    if touched.absent_count:
        await WRITE_TOMBSTONES.execute(connection, audience_no=audience_no)
    if touched.back_count:
        await DELETE_TOMBSTONES.execute(connection, audience_no=audience_no)


async def _log(
    connection: Connection, audience_no: int, touched: Touched, now: datetime, rules_version: int
) -> int:
    """Log the batch and move the counters; return the log's revision."""
    logged = await LOG_CHANGES.value(
        connection,
        audience_no=audience_no,
        now=now,
        rules_version=rules_version,
        chunk_rows=CHUNK_ROWS_MAX - IDENTIFIERS_PER_KIND_MAX,  # a member's rows are never split
    )
    return await MOVE_COUNTERS.value(
        connection,
        audience_no=audience_no,
        chunk_count=logged.chunk_count,
        row_count=logged.row_count,
        more_members=touched.more_members,
        more_unmatchable=touched.more_unmatchable,
    )
