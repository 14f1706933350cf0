"""What the holder of a lease writes of its work on an audience.

Every write returns False, having changed nothing, when the lease is another's by now.
"""

from datetime import datetime

import asyncpg

from service.store.connection import Connection
from service.store.errors import CustomAudienceInUse
from service.store.lease_guard import LEASE, write_held
from service.store.queries import Command, Query
from service.store.sync_progress import END_WAITING_SYNCS

NOTE_CREATE_ATTEMPT = Command("note_create_attempt", takes={**LEASE, "at": datetime | None})
SET_CUSTOM_AUDIENCE = Command(
    "set_custom_audience",
    takes={
        **LEASE,
        "custom_audience_id": str,
        "adopted": bool,
        "told_name": str | None,
        "told_description": str | None,
    },
)
COUNT_FAILED_CALL = Command("count_failed_call", takes=LEASE)
FORGET_CUSTOM_AUDIENCE = Command(
    "forget_custom_audience", takes={**LEASE, "custom_audience_id": str}
)
SET_TOLD = Command("set_told", takes={**LEASE, "told_name": str, "told_description": str})
BLOCK = Command(
    "block_audience",
    takes={**LEASE, "reason": str, "message": str, "probe_at": datetime | None},
)
UNBLOCK = Command("unblock_audience", takes=LEASE)
SET_FACTS = Command(
    "set_facts",
    takes={
        **LEASE,
        "lower": int | None,
        "upper": int | None,
        "operation_status": int | None,
    },
)
SCHEDULE_SYNC = Command(
    "schedule_sync",
    takes={
        **LEASE,
        "next_sync_at": datetime,
        "failures_in_a_row": int,
        "last_sync_at": datetime | None,
    },
)
SETTLE_WINDOW = Command(
    "settle_window", takes={**LEASE, "synced_revision": int, "rows_settled": int}
)
LOCK_AUDIENCE_BY_NO = Query("lock_audience_by_no", takes={"audience_no": int}, returns=int)
GIVE_UP_CUSTOM_AUDIENCE = Command("give_up_custom_audience", takes=LEASE)
END_AUDIENCE = Command("end_audience", takes={"audience_no": int})


async def note_create_attempt(
    connection: Connection, audience_no: int, lease_token: int, *, at: datetime | None
) -> bool:
    """Note that a Custom Audience may be made from then on; None: none was made."""
    return await write_held(NOTE_CREATE_ATTEMPT, connection, audience_no, lease_token, at=at)


async def set_custom_audience(
    connection: Connection,
    audience_no: int,
    lease_token: int,
    *,
    custom_audience_id: str,
    adopted: bool,
    told_name: str | None,
    told_description: str | None,
) -> bool:
    """Keep Facebook's id; a sync and a refresh are due at once, and nothing blocks any more.

    Raises: CustomAudienceInUse, after which the transaction is of no use.
    """
    try:
        return await write_held(
            SET_CUSTOM_AUDIENCE,
            connection,
            audience_no,
            lease_token,
            custom_audience_id=custom_audience_id,
            adopted=adopted,
            told_name=told_name,
            told_description=told_description,
        )
    except asyncpg.UniqueViolationError:
        raise CustomAudienceInUse from None


async def count_failed_call(connection: Connection, audience_no: int, lease_token: int) -> bool:
    """Count a call that failed in passing; one that comes through sets the count back."""
    return await write_held(COUNT_FAILED_CALL, connection, audience_no, lease_token)


async def forget_custom_audience(
    connection: Connection, audience_no: int, lease_token: int, *, custom_audience_id: str
) -> bool:
    """Give up a Custom Audience that is gone, so that another one is made."""
    return await write_held(
        FORGET_CUSTOM_AUDIENCE,
        connection,
        audience_no,
        lease_token,
        custom_audience_id=custom_audience_id,
    )


async def set_told(
    connection: Connection,
    audience_no: int,
    lease_token: int,
    *,
    told_name: str,
    told_description: str,
) -> bool:
    """Note the name and description that Facebook has."""
    return await write_held(
        SET_TOLD,
        connection,
        audience_no,
        lease_token,
        told_name=told_name,
        told_description=told_description,
    )


async def block(
    connection: Connection,
    audience_no: int,
    lease_token: int,
    *,
    reason: str,
    message: str,
    probe_at: datetime | None,
) -> bool:
    """Stop sending until `probe_at`; when a wish came in during the run, only until now.

    A wish counts once: who blocks again has `probe_at` kept.
    """
    return await write_held(
        BLOCK,
        connection,
        audience_no,
        lease_token,
        reason=reason,
        message=message,
        probe_at=probe_at,
    )


async def unblock(connection: Connection, audience_no: int, lease_token: int) -> bool:
    """Send again."""
    return await write_held(UNBLOCK, connection, audience_no, lease_token)


async def set_facts(
    connection: Connection,
    audience_no: int,
    lease_token: int,
    *,
    lower: int | None,
    upper: int | None,
    operation_status: int | None,
) -> bool:
    """Keep what Facebook tells: bounds of the audience's size in people, and its status code."""
    return await write_held(
        SET_FACTS,
        connection,
        audience_no,
        lease_token,
        lower=lower,
        upper=upper,
        operation_status=operation_status,
    )


async def schedule(
    connection: Connection,
    audience_no: int,
    lease_token: int,
    *,
    next_sync_at: datetime,
    failures_in_a_row: int,
    last_sync_at: datetime | None,
) -> bool:
    """Set the next sync, no later than the audience's interval from now; None keeps the last."""
    return await write_held(
        SCHEDULE_SYNC,
        connection,
        audience_no,
        lease_token,
        next_sync_at=next_sync_at,
        failures_in_a_row=failures_in_a_row,
        last_sync_at=last_sync_at,
    )


async def settle_window(
    connection: Connection,
    audience_no: int,
    lease_token: int,
    *,
    synced_revision: int,
    rows_settled: int,
) -> bool:
    """Move the cursor, and count the rows logged that are settled by it."""
    return await write_held(
        SETTLE_WINDOW,
        connection,
        audience_no,
        lease_token,
        synced_revision=synced_revision,
        rows_settled=rows_settled,
    )


async def finish_disconnect(connection: Connection, audience_no: int, lease_token: int) -> bool:
    """End an audience: Facebook's id is given up, waiting and running syncs are cancelled.

    Order: takes the audience's lock, so it comes before any other lock of the transaction. Harmless
    when repeated.
    """
    await LOCK_AUDIENCE_BY_NO.one(connection, audience_no=audience_no)
    if not await write_held(GIVE_UP_CUSTOM_AUDIENCE, connection, audience_no, lease_token):
        return False
    await END_WAITING_SYNCS.execute(connection, audience_no=audience_no)
    await END_AUDIENCE.execute(connection, audience_no=audience_no)
    return True
