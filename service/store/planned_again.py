"""What is planned once more: windows behind a call of unknown outcome, and the refresh.

Written by the holder of the lease; every write returns False, having changed nothing, when the lease
is another's by now.
"""

from datetime import datetime

from service.store.connection import Connection
from service.store.lease_guard import LEASE, write_held
from service.store.queries import Command

HOLD_DIRECTIONS = Command(
    "hold_directions",
    takes={
        **LEASE,
        "additions_until": datetime | None,
        "removals_until": datetime | None,
        "recheck_from": int | None,
        "recheck_at": datetime | None,
    },
)
MOVE_REFRESH = Command(
    "move_refresh",
    takes={
        **LEASE,
        "phase": str | None,
        "revision": int | None,
        "after_key": bytes | None,
        "after_row_no": int | None,
        "due_at": datetime | None,
    },
)
ADVANCE_RECHECK = Command("advance_recheck", takes={**LEASE, "recheck_from": int})
FINISH_RECHECK = Command(
    "finish_recheck",
    takes={
        **LEASE,
        "recheck_from_seen": int,
        "new_recheck_from": int | None,
        "new_recheck_at": datetime | None,
    },
)


async def hold(
    connection: Connection,
    audience_no: int,
    lease_token: int,
    *,
    additions_until: datetime | None,
    removals_until: datetime | None,
    recheck_from: int | None,
    recheck_at: datetime | None,
) -> bool:
    """Hold directions back, and plan the log after `recheck_from` once more at `recheck_at`.

    Only ever widens what is held and planned; None adds nothing. Shape: both `recheck_*` or none.
    """
    return await write_held(
        HOLD_DIRECTIONS,
        connection,
        audience_no,
        lease_token,
        additions_until=additions_until,
        removals_until=removals_until,
        recheck_from=recheck_from,
        recheck_at=recheck_at,
    )


async def move_refresh(
    connection: Connection,
    audience_no: int,
    lease_token: int,
    *,
    phase: str | None,
    revision: int | None,
    after_key: bytes | None,
    after_row_no: int | None,
    due_at: datetime | None,
) -> bool:
    """Store where the refresh stands and when it is due; None empties."""
    return await write_held(
        MOVE_REFRESH,
        connection,
        audience_no,
        lease_token,
        phase=phase,
        revision=revision,
        after_key=after_key,
        after_row_no=after_row_no,
        due_at=due_at,
    )


async def advance_recheck(
    connection: Connection, audience_no: int, lease_token: int, *, recheck_from: int
) -> bool:
    """Note that the log up to a revision was planned once more."""
    return await write_held(
        ADVANCE_RECHECK, connection, audience_no, lease_token, recheck_from=recheck_from
    )


async def finish_recheck(
    connection: Connection,
    audience_no: int,
    lease_token: int,
    *,
    recheck_from_seen: int,
    new_recheck_from: int | None,
    new_recheck_at: datetime | None,
) -> bool:
    """End the recheck that has come to `recheck_from_seen`, leaving a new one or none.

    Shape: both `new_*` or none.
    """
    return await write_held(
        FINISH_RECHECK,
        connection,
        audience_no,
        lease_token,
        recheck_from_seen=recheck_from_seen,
        new_recheck_from=new_recheck_from,
        new_recheck_at=new_recheck_at,
    )
