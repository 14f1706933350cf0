"""Leases of audiences: who may work on one now, and how the claim, renewal and release go.

A claim gives a new token; every write of the holder names it and finds nothing once the audience was
claimed by somebody else. What the holder writes of its work is in `held_work` and `planned_again`.
"""

from datetime import datetime

from service.store.connection import Connection
from service.store.held_work import (
    block,
    count_failed_call,
    finish_disconnect,
    forget_custom_audience,
    note_create_attempt,
    schedule,
    set_custom_audience,
    set_facts,
    set_told,
    settle_window,
    unblock,
)
from service.store.lease_guard import LEASE, write_held
from service.store.planned_again import (
    advance_recheck,
    finish_recheck,
    hold,
    move_refresh,
)
from service.store.queries import Command, Query
from service.store.rows import LeaseClaim, Work

__all__ = [
    "Work",
    "advance_recheck",
    "block",
    "count_failed_call",
    "finish_disconnect",
    "finish_recheck",
    "forget_custom_audience",
    "hold",
    "move_refresh",
    "note_create_attempt",
    "schedule",
    "set_custom_audience",
    "set_facts",
    "set_told",
    "settle_window",
    "unblock",
]

CLAIM_DUE = Query(
    "claim_due",
    takes={"holder": str, "lease_s": float, "quiet_s": float, "recheck_after_s": float},
    returns=LeaseClaim,
)
READ_WORK = Query("read_work", takes=LEASE, returns=Work)
WAS_GIVEN_UP = Query("was_given_up", takes={"custom_audience_id": str}, returns=bool)
NEXT_DUE_IN_S = Query("next_due_in_s", returns=float)
RENEW_LEASE = Command("renew_lease", takes={**LEASE, "lease_s": float})
RELEASE_LEASE = Command("release_lease", takes={**LEASE, "due_at": datetime | None})


async def claim_due(
    connection: Connection, *, holder: str, lease_s: float, quiet_s: float, recheck_after_s: float
) -> Work | None:
    """Take the lease of one audience that is due, or whose lease ran out; None if there is none.

    Units: seconds. After a lease that ran out nothing is sent for `quiet_s`, and what followed the
    cursor is planned again after `recheck_after_s`.
    """
    claim = await CLAIM_DUE.one(
        connection,
        holder=holder,
        lease_s=lease_s,
        quiet_s=quiet_s,
        recheck_after_s=recheck_after_s,
    )
    if claim is None:
        return None
    return await reload(connection, claim.audience_no, claim.lease_token)


async def reload(connection: Connection, audience_no: int, lease_token: int) -> Work | None:
    """Return the audience as it is now; None when the lease is lost."""
    return await READ_WORK.one(connection, audience_no=audience_no, lease_token=lease_token)


async def next_due_in_s(connection: Connection) -> float | None:
    """Return the seconds until a claim may find something, at least 0; None if it never will."""
    seconds = await NEXT_DUE_IN_S.one(connection)
    return None if seconds is None else max(0.0, seconds)


async def renew(connection: Connection, audience_no: int, lease_token: int, lease_s: float) -> bool:
    """Let the lease last `lease_s` seconds from now; False when it is lost."""
    return await write_held(RENEW_LEASE, connection, audience_no, lease_token, lease_s=lease_s)


async def release(
    connection: Connection, audience_no: int, lease_token: int, *, due_at: datetime | None
) -> bool:
    """Give the lease back; False when it is lost.

    `due_at` None: when the record says that something is due. A wish that came during the run makes
    the audience due at once in any case.
    """
    return await write_held(RELEASE_LEASE, connection, audience_no, lease_token, due_at=due_at)


async def was_given_up(connection: Connection, custom_audience_id: str) -> bool:
    """Whether an audience kept this Custom Audience before."""
    return await WAS_GIVEN_UP.value(connection, custom_audience_id=custom_audience_id)
