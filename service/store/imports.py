"""Lists that are taken in chunk by chunk: how far each is, and the rows of one that is to replace all.

Lock order: the audience, if at all, then the import.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from service.store.connection import Connection
from service.store.copy_rows import STAGED_COLUMNS, staged_records
from service.store.merge import make_merge_tables, merge_incoming
from service.store.queries import Command, PythonType, Query, time_allowed
from service.store.rows import Import, MemberChange, MergeResult

REPLACE_STATEMENT_S_MAX: Final = 900.0
"""Seconds that one statement may take which makes a staged list the membership.

A list of 5 million members that are all new takes about a minute of Postgres' time in each of two
statements; ten times that is a machine in trouble. Past it nothing has changed, and the last chunk may be
sent again.
"""
REPLACE_WORK_MEM: Final = "64MB"
"""Memory of one sort, and half of that of one hash, before it goes on on disk."""


@dataclass(frozen=True, slots=True)
class Filled:
    """Members of a list, and members who are not in it."""

    listed_count: int
    leaving_count: int


_AUDIENCE: dict[str, PythonType] = {"audience_no": int}
_ONE: dict[str, PythonType] = {**_AUDIENCE, "import_id": str}
LOCK_IMPORT = Query("lock_import", takes=_ONE, returns=Import)
FIND_OPEN_REPLACE = Query("find_open_replace", takes=_AUDIENCE, returns=Import)
BEGIN_IMPORT = Query(
    "begin_import",
    takes={**_ONE, "mode": str, "is_dry_run": bool, "now": datetime},
    returns=Import,
)
ADVANCE_IMPORT = Command(
    "advance_import",
    takes={**_ONE, "acknowledged": int, "is_finished": bool, "now": datetime, "result": bytes},
)
ALLOW_LONG_STATEMENTS = Query(
    "allow_long_statements", takes={"statement_timeout": str, "work_mem": str}, returns=str
)
FILL_INCOMING = Query(
    "fill_incoming_from_import", takes={**_AUDIENCE, "started_at": datetime}, returns=Filled
)
NOTE_LIST_BEGAN = Command("note_list_began", takes={**_AUDIENCE, "started_at": datetime})
CLEAR_IMPORT_ROWS = Command("clear_import_rows", takes=_AUDIENCE)
FORGET_IMPORT = Command("forget_import", takes=_ONE)
FORGET_IMPORTS = Command("forget_imports", takes=_AUDIENCE)
FORGET_IMPORT_ROWS = Command("forget_import_rows", takes={**_AUDIENCE, "row_limit": int})
PRUNE_IMPORTS = Query(
    "prune_imports",
    takes={**_AUDIENCE, "open_before": datetime, "finished_before": datetime},
    returns=bool,
)


async def lock_import(connection: Connection, audience_no: int, import_id: str) -> Import | None:
    """Return an import, locked until the transaction ends; None if there is none."""
    return await LOCK_IMPORT.one(connection, audience_no=audience_no, import_id=import_id)


async def find_open_replace(connection: Connection, audience_no: int) -> Import | None:
    """Return the import that is about to replace the membership."""
    return await FIND_OPEN_REPLACE.one(connection, audience_no=audience_no)


async def begin_import(
    connection: Connection,
    audience_no: int,
    import_id: str,
    *,
    mode: str,
    is_dry_run: bool,
    now: datetime,
) -> Import:
    """Begin an import, with an empty result. Order: under the audience's lock."""
    return await BEGIN_IMPORT.value(
        connection,
        audience_no=audience_no,
        import_id=import_id,
        mode=mode,
        is_dry_run=is_dry_run,
        now=now,
    )


async def advance_import(
    connection: Connection, audience_no: int, taken: Import, *, now: datetime
) -> None:
    """Note how far an import is. Order: in the transaction of the effect, after `lock_import`."""
    await ADVANCE_IMPORT.execute(
        connection,
        audience_no=audience_no,
        import_id=taken.import_id,
        acknowledged=taken.acknowledged,
        is_finished=taken.is_finished,
        now=now,
        result=taken.result,
    )


async def stage_rows(
    connection: Connection, audience_no: int, chunk_offset: int, changes: Sequence[MemberChange]
) -> None:
    """Keep the rows of a chunk until the list is whole. Order: after `lock_import`."""
    records = staged_records(audience_no, chunk_offset, changes)
    await connection.copy_to_table(
        "import_row", source=records, columns=STAGED_COLUMNS, format="binary"
    )


async def replace_membership(
    connection: Connection,
    audience_no: int,
    *,
    started_at: datetime,
    now: datetime,
    rules_version: int,
) -> MergeResult:
    """Make the staged list the membership, as of `started_at`: whoever changed since keeps that.

    What is said later of a time before `started_at` is old news then, of whomever it is.

    Order: in a transaction that holds the audience's lock.
    """
    with time_allowed(REPLACE_STATEMENT_S_MAX):
        await allow_long_statements(connection)
        await NOTE_LIST_BEGAN.execute(connection, audience_no=audience_no, started_at=started_at)
        await make_merge_tables(connection)
        filled = await FILL_INCOMING.value(
            connection, audience_no=audience_no, started_at=started_at
        )
        return await merge_incoming(
            connection,
            audience_no,
            filled.listed_count + filled.leaving_count,
            now=now,
            rules_version=rules_version,
        )


async def allow_long_statements(connection: Connection) -> None:
    """Plan for millions of rows, and wait for them, until the transaction ends."""
    await ALLOW_LONG_STATEMENTS.value(
        connection,
        statement_timeout=f"{REPLACE_STATEMENT_S_MAX * 1000:.0f}ms",
        work_mem=REPLACE_WORK_MEM,
    )


async def drop_staged_rows(connection: Connection, audience_no: int) -> None:
    """Delete the rows of the audience's replacing import."""
    await CLEAR_IMPORT_ROWS.execute(connection, audience_no=audience_no)


async def give_up_import(connection: Connection, audience_no: int, import_id: str) -> None:
    """Forget a replacing import and its rows, of which there may be millions."""
    with time_allowed(REPLACE_STATEMENT_S_MAX):
        await allow_long_statements(connection)
        await FORGET_IMPORT.execute(connection, audience_no=audience_no, import_id=import_id)
        await drop_staged_rows(connection, audience_no)


async def forget_imports(connection: Connection, audience_no: int, *, limit: int) -> int:
    """Delete what is kept of all imports of an audience, at most `limit` rows; return how many."""
    await FORGET_IMPORTS.execute(connection, audience_no=audience_no)
    return await FORGET_IMPORT_ROWS.execute(connection, audience_no=audience_no, row_limit=limit)


async def prune_imports(
    connection: Connection, audience_no: int, *, open_before: datetime, finished_before: datetime
) -> None:
    """Forget imports that nobody has touched since then; one may have left millions of rows."""
    await allow_long_statements(connection)
    left_rows = await PRUNE_IMPORTS.value(
        connection,
        audience_no=audience_no,
        open_before=open_before,
        finished_before=finished_before,
    )
    if left_rows:
        with time_allowed(REPLACE_STATEMENT_S_MAX):
            await drop_staged_rows(connection, audience_no)
