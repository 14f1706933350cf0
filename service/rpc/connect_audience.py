"""Connects audiences: commits the wish, then waits for the worker that carries it out."""

from typing import Final

from audiencesync.v1 import audience_sync_pb2 as pb

from service.rpc import errors
from service.rpc.api import Api
from service.rpc.audit import note_done_to_audience
from service.rpc.convert_audience import audience_message, connect_wish, differing_field
from service.rpc.find_audience import locked_audience, refuse_leaving
from service.rpc.request_ids import Repeatable, first_answer, keep_first_answer, repeatable
from service.store import audiences as store
from service.store.ad_accounts import find_ad_account
from service.store.audit_events import AuditAction
from service.store.connection import Connection
from service.store.errors import CustomAudienceInUse
from service.store.rows import Audience, AudienceState, ConnectWish

CONNECT_POLL_SECONDS: Final = 1.0
"""Seconds between looks while waiting, should a notification be lost."""
DEADLINE_SHARE: Final = 0.8
"""Share of the caller's own deadline that is spent waiting, so that the answer still arrives."""


async def connect_audience(
    api: Api, request: pb.ConnectAudienceRequest, *, time_remaining_s: float | None
) -> pb.ConnectAudienceResponse:
    """Commit the wish and answer with the state reached, before the caller's own deadline."""
    end = api.clock.monotonic() + _wait_seconds(api, time_remaining_s)
    wish = connect_wish(request)
    call = await repeatable("ConnectAudience", request, request.request_id)
    try:
        async with api.transaction() as connection:
            audience = await _commit_wish(api, connection, wish, call)
    except CustomAudienceInUse:
        raise errors.CustomAudienceTaken(
            metadata={"custom_audience_id": request.existing_custom_audience_id}
        ) from None
    reached = await _wait_until_settled(api, audience, end)
    return pb.ConnectAudienceResponse(audience=audience_message(reached))


async def _commit_wish(
    api: Api, connection: Connection, wish: ConnectWish, call: Repeatable
) -> Audience:
    """Connect, or find what the same wish connected before.

    The answer of this method is the state reached, so what is kept for a repeat is that it was
    asked, even past a later disconnect; the repeat is answered with the audience as it is by then.
    """
    former = await store.find_audience(connection, wish.audience_id)
    is_over = former is not None and former.disconnected_at is not None
    if former and is_over and await _was_asked(connection, former, call):
        return former
    if await find_ad_account(connection, wish.ad_account_id) is None:
        raise errors.AdAccountNotConnected(metadata={"ad_account_id": wish.ad_account_id})
    audience, created = await store.connect_audience(connection, wish)
    if created:
        await note_done_to_audience(api, connection, AuditAction.CONNECT_AUDIENCE, audience)
    else:
        audience = await locked_audience(connection, wish.audience_id)
        if await _was_asked(connection, audience, call):
            return audience
        refuse_leaving(audience)
        _refuse_other_values(audience, wish)
    answer = pb.ConnectAudienceResponse()
    await keep_first_answer(connection, audience.audience_no, call, answer, api.clock.now())
    return audience


async def _was_asked(connection: Connection, audience: Audience, call: Repeatable) -> bool:
    kept = await first_answer(connection, audience.audience_no, call, pb.ConnectAudienceResponse)
    return kept is not None


def _refuse_other_values(audience: Audience, wish: ConnectWish) -> None:
    field = differing_field(audience, wish)
    if field:
        raise errors.AudienceAlreadyConnected(
            metadata={"audience_id": audience.audience_id, "field": field},
            violations=(errors.FieldViolation(field, "differs from what is connected"),),
        )


def _wait_seconds(api: Api, time_remaining_s: float | None) -> float:
    if time_remaining_s is None:
        return api.connect_wait_s
    return min(api.connect_wait_s, time_remaining_s * DEADLINE_SHARE)


async def _wait_until_settled(api: Api, audience: Audience, end: float) -> Audience:
    """Wait until Facebook has said yes or no, at most until `end` on the monotonic clock."""
    changed = api.notifications.subscribe("audience_changed", str(audience.audience_no))
    try:
        while True:
            async with api.connection() as connection:
                now = await store.find_audience_by_no(connection, audience.audience_no)
            audience = now or audience
            left = end - api.clock.monotonic()
            if _is_settled(audience) or left <= 0:
                return audience
            await changed.wait(min(left, CONNECT_POLL_SECONDS))
    finally:
        changed.close()


def _is_settled(audience: Audience) -> bool:
    return audience.state is not AudienceState.CONNECTING or audience.blocked_reason is not None
