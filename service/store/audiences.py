"""Audiences: the registry row, what callers wish for it, and what they are told of it.

In every transaction locks are taken in this order: ad_account, audience (the registry row),
audience_work, the rest.
"""

import asyncpg

from service.store.connection import Connection
from service.store.errors import CustomAudienceInUse
from service.store.queries import Command, Query
from service.store.rows import Audience, AudienceState, ConnectWish, LockedAudience

__all__ = [
    "Audience",
    "AudienceState",
    "ConnectWish",
    "CustomAudienceInUse",
    "LockedAudience",
]

LOCK_AD_ACCOUNT = Query("lock_ad_account_for_connecting", takes={"ad_account_id": str}, returns=str)
INSERT_AUDIENCE = Query(
    "insert_audience",
    takes={
        "audience_id": str,
        "ad_account_id": str,
        "name": str,
        "description": str,
        "sync_interval_s": int,
        "default_region": str,
        "customer_file_source": str,
        "existing_custom_audience_id": str | None,
    },
    returns=int,
)
INSERT_AUDIENCE_WORK = Command(
    "insert_audience_work", takes={"audience_no": int, "ad_account_id": str}
)
IS_CUSTOM_AUDIENCE_KEPT = Query(
    "is_custom_audience_kept", takes={"custom_audience_id": str}, returns=bool
)
FIND_AUDIENCE_NUMBER = Query("find_audience_number", takes={"audience_id": str}, returns=int)
LOCK_CONNECTED_AUDIENCE = Query("lock_connected_audience", takes={"audience_id": str}, returns=int)
LOCK_AUDIENCE_FOR_CHANGES = Query(
    "lock_audience_for_changes", takes={"audience_id": str}, returns=LockedAudience
)
LIST_AUDIENCE_NUMBERS = Query(
    "list_audience_numbers",
    takes={"ad_account_id": str | None, "after_id": str, "row_limit": int},
    returns=int,
)
READ_AUDIENCES = Query("read_audiences", takes={"audience_nos": list[int]}, returns=Audience)
CHANGE_AUDIENCE = Command(
    "change_audience",
    takes={
        "audience_no": int,
        "name": str | None,
        "description": str | None,
        "sync_interval_s": int | None,
        "default_region": str | None,
    },
)
SYNC_WITHIN_INTERVAL = Command(
    "sync_within_interval", takes={"audience_no": int, "sync_interval_s": int}
)
SET_AUDIENCE_PAUSED = Command("set_audience_paused", takes={"audience_no": int, "paused": bool})
WISH_DISCONNECT = Command("wish_disconnect", takes={"audience_no": int, "mode": str})
WAKE_AUDIENCE = Command("wake_audience", takes={"audience_no": int})


async def connect_audience(connection: Connection, wish: ConnectWish) -> tuple[Audience, bool]:
    """Make an audience that is due at once, or return the connected one of that id as it is.

    Shape: the audience, and whether it was made.
    Raises: CustomAudienceInUse, after which the transaction is of no use.
    """
    await LOCK_AD_ACCOUNT.one(connection, ad_account_id=wish.ad_account_id)
    audience_no = await _insert(connection, wish)
    if audience_no is None:
        existing = await find_audience(connection, wish.audience_id)
        if existing is None:
            raise RuntimeError("an audience is never deleted, yet the holder of the id is gone")
        return existing, False
    await INSERT_AUDIENCE_WORK.execute(
        connection, audience_no=audience_no, ad_account_id=wish.ad_account_id
    )
    return await _read(connection, audience_no), True


async def _insert(connection: Connection, wish: ConnectWish) -> int | None:
    """The number of the new audience; None when the id is connected already."""
    wished = {name: getattr(wish, name) for name in INSERT_AUDIENCE.takes}
    try:
        audience_no = await INSERT_AUDIENCE.one(connection, **wished)
    except asyncpg.UniqueViolationError as error:
        if error.constraint_name != "audience_adopts":
            raise
        raise CustomAudienceInUse from None
    adopts = wish.existing_custom_audience_id
    if adopts is None or audience_no is None:
        return audience_no
    if await IS_CUSTOM_AUDIENCE_KEPT.value(connection, custom_audience_id=adopts):
        raise CustomAudienceInUse
    return audience_no


async def find_audience(connection: Connection, audience_id: str) -> Audience | None:
    """Return the connected audience of an id, else the one that was disconnected last."""
    audience_no = await FIND_AUDIENCE_NUMBER.one(connection, audience_id=audience_id)
    return None if audience_no is None else await _read(connection, audience_no)


async def find_audience_by_no(connection: Connection, audience_no: int) -> Audience | None:
    """Return the audience, connected or not."""
    found = await READ_AUDIENCES.many(connection, audience_nos=[audience_no])
    return found[0] if found else None


async def lock_audience(connection: Connection, audience_id: str) -> Audience | None:
    """Lock the connected audience until the transaction ends; None if there is none.

    Order: before anything else of this audience is locked.
    """
    audience_no = await LOCK_CONNECTED_AUDIENCE.one(connection, audience_id=audience_id)
    return None if audience_no is None else await _read(connection, audience_no)


async def lock_audience_for_changes(
    connection: Connection, audience_id: str
) -> LockedAudience | None:
    """As `lock_audience`, for a batch of changes, which need to know little."""
    return await LOCK_AUDIENCE_FOR_CHANGES.one(connection, audience_id=audience_id)


async def list_audiences(
    connection: Connection, *, ad_account_id: str | None, after_id: str, limit: int
) -> list[Audience]:
    """Return the connected audiences that follow an id, in the order of their ids."""
    numbers = await LIST_AUDIENCE_NUMBERS.many(
        connection, ad_account_id=ad_account_id, after_id=after_id, row_limit=limit
    )
    return await READ_AUDIENCES.many(connection, audience_nos=numbers)


async def update_audience(
    connection: Connection,
    audience_no: int,
    *,
    name: str | None,
    description: str | None,
    sync_interval_s: int | None,
    default_region: str | None,
) -> None:
    """Change what is not None. Units: seconds."""
    await CHANGE_AUDIENCE.execute(
        connection,
        audience_no=audience_no,
        name=name,
        description=description,
        sync_interval_s=sync_interval_s,
        default_region=default_region,
    )
    if sync_interval_s is not None:
        await SYNC_WITHIN_INTERVAL.execute(
            connection, audience_no=audience_no, sync_interval_s=sync_interval_s
        )
    await wake(connection, audience_no)


async def set_paused(
    connection: Connection,
    audience_no: int,
    paused: bool,  # noqa: FBT001 - the wish itself
) -> None:
    """Wish that nothing more is sent, or that it is sent again."""
    await SET_AUDIENCE_PAUSED.execute(connection, audience_no=audience_no, paused=paused)
    await wake(connection, audience_no)


async def request_disconnect(connection: Connection, audience_no: int, mode: str) -> None:
    """Wish that the audience is no longer kept: FLUSH, DELETE_ON_FACEBOOK or ABANDON."""
    await WISH_DISCONNECT.execute(connection, audience_no=audience_no, mode=mode)
    await wake(connection, audience_no)


async def wake(connection: Connection, audience_no: int) -> None:
    """Make the audience due now, also when a run is on: then it is due again right after it."""
    await WAKE_AUDIENCE.execute(connection, audience_no=audience_no)


async def _read(connection: Connection, audience_no: int) -> Audience:
    (audience,) = await READ_AUDIENCES.many(connection, audience_nos=[audience_no])
    return audience
