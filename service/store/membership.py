"""Desired membership: who is present with which rows. Batches are merged by `merge`."""

from typing import Final

from service.store.connection import Connection
from service.store.merge import merge, merge_together
from service.store.queries import Command, PythonType, Query
from service.store.rows import Holder, MemberChange, MemberRow, MergeResult

__all__ = [
    "Holder",
    "MemberChange",
    "MemberRow",
    "MergeResult",
    "merge",
    "merge_together",
]

FORGOTTEN_CHUNKS_MAX: Final = 100
"""Chunks of the log that one call forgets: each holds up to 10,000 rows."""

_BEFORE_THE_FIRST: Final = (bytes(16), -1)

READ_MEMBER_PAGE = Query(
    "read_member_page",
    takes={"audience_no": int, "after_key": bytes, "after_row_no": int, "row_limit": int},
    returns=MemberRow,
)
FIND_HOLDERS = Query(
    "find_holders",
    takes={
        "audience_no": int,
        "email_prefixes": list[int],
        "phone_prefixes": list[int],
        "madid_prefixes": list[int],
        "per_identifier": int,
    },
    returns=Holder,
)
READ_MEMBERS = Query(
    "read_members",
    takes={"audience_no": int, "member_keys": list[bytes]},
    returns=MemberRow,
)
_SLICE: Final[dict[str, PythonType]] = {"audience_no": int, "row_limit": int}
FORGET_ROWS = Command("forget_rows", takes=_SLICE)
FORGET_TOMBSTONES = Command("forget_tombstones", takes=_SLICE)
FORGET_CHUNKS = Command("forget_chunks", takes=_SLICE)


async def read_member_page(
    connection: Connection,
    audience_no: int,
    *,
    after_key: bytes | None,
    after_row_no: int | None,
    limit: int,
) -> list[MemberRow]:
    """Return the rows after a position, in key order, without the empty ones; None: from the start."""
    first_key, first_row_no = _BEFORE_THE_FIRST
    return await READ_MEMBER_PAGE.many(
        connection,
        audience_no=audience_no,
        after_key=first_key if after_key is None else after_key,
        after_row_no=first_row_no if after_row_no is None else after_row_no,
        row_limit=limit,
    )


async def find_holders(
    connection: Connection,
    audience_no: int,
    *,
    email_prefixes: list[int],
    phone_prefixes: list[int],
    madid_prefixes: list[int],
    per_identifier: int,
) -> list[Holder]:
    """Return present members' rows by their identifiers' prefixes, at most so many a prefix.

    Two values may share a prefix: the caller compares the full ones.
    """
    return await FIND_HOLDERS.many(
        connection,
        audience_no=audience_no,
        email_prefixes=email_prefixes,
        phone_prefixes=phone_prefixes,
        madid_prefixes=madid_prefixes,
        per_identifier=per_identifier,
    )


async def read_members(
    connection: Connection, audience_no: int, *, member_keys: list[bytes]
) -> list[MemberRow]:
    """Return all rows of members, without the empty ones; who is not present has none."""
    return await READ_MEMBERS.many(connection, audience_no=audience_no, member_keys=member_keys)


async def forget_members(connection: Connection, audience_no: int, *, limit: int) -> int:
    """Delete rows of members, tombstones and chunks, `limit` of each kind; return how many.

    A member's rows go together, so there may be a few more of them. For an audience that takes no changes any more; repeated until nothing is left.
    """
    at_once = {"audience_no": audience_no, "row_limit": limit}
    rows = await FORGET_ROWS.execute(connection, **at_once)
    tombstones = await FORGET_TOMBSTONES.execute(connection, **at_once)
    chunks = await FORGET_CHUNKS.execute(
        connection, audience_no=audience_no, row_limit=min(limit, FORGOTTEN_CHUNKS_MAX)
    )
    return rows + tombstones + chunks
