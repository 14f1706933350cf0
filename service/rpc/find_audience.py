"""Finds the audience that a call is about, and refuses the call where there is none to work on."""

from typing import NoReturn

from service.rpc.access.reach import check_audience
from service.rpc.errors import AudienceDisconnected, AudienceNotFound
from service.store import audiences as store
from service.store.connection import Connection
from service.store.rows import Audience, LockedAudience


async def existing_audience(connection: Connection, audience_id: str) -> Audience:
    """The connected audience, else the one that had the id last.

    Raises: AudienceNotFound; CallerNotAllowed when it is not for who calls.
    """
    audience = await store.find_audience(connection, audience_id)
    if audience is None:
        raise AudienceNotFound(metadata={"audience_id": audience_id})
    check_audience(audience)
    return audience


async def locked_audience(connection: Connection, audience_id: str) -> Audience:
    """The connected audience, locked until the transaction ends.

    Raises: AudienceNotFound; AudienceDisconnected when it is disconnected; CallerNotAllowed.
    """
    audience = await store.lock_audience(connection, audience_id)
    if audience is None:
        await _refuse_unkept(connection, audience_id)
    check_audience(audience)
    return audience


async def audience_locked_for_changes(connection: Connection, audience_id: str) -> LockedAudience:
    """As `locked_audience`, for a batch of changes of several callers, which need to know little."""
    audience = await store.lock_audience_for_changes(connection, audience_id)
    return audience or await _refuse_unkept(connection, audience_id)


async def _refuse_unkept(connection: Connection, audience_id: str) -> NoReturn:
    await existing_audience(connection, audience_id)
    raise disconnected(audience_id)


async def writable_audience(connection: Connection, audience_id: str) -> Audience:
    """As `locked_audience`; one that is being disconnected is refused too."""
    audience = await locked_audience(connection, audience_id)
    refuse_leaving(audience)
    return audience


def refuse_leaving(audience: Audience) -> None:
    """Raises: AudienceDisconnected when the audience is, or is being, disconnected."""
    if audience.disconnect_mode is not None:
        raise disconnected(audience.audience_id)


def disconnected(audience_id: str) -> AudienceDisconnected:
    """The error of an audience that is no longer kept."""
    return AudienceDisconnected(metadata={"audience_id": audience_id})
