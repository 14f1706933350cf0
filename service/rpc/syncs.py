"""Handlers of syncs: asking for one, looking at them, watching one."""

from collections.abc import AsyncGenerator
from typing import Final

from audiencesync.v1 import audience_sync_pb2 as pb

from service.rpc.access.callers import caller
from service.rpc.access.reach import check_audience
from service.rpc.access.standing import check_standing
from service.rpc.api import Api
from service.rpc.audit import note_done_to_audience
from service.rpc.convert_sync import has_ended, mode_name, sync_message
from service.rpc.errors import AudienceNotActive, PageTokenInvalid, StreamIdle, SyncNotFound
from service.rpc.find_audience import existing_audience, locked_audience, refuse_leaving
from service.rpc.paging import cut_page, page_key, page_rows
from service.rpc.request_ids import first_answer, keep_first_answer, repeatable
from service.store import audiences
from service.store import syncs as store
from service.store.audit_events import AuditAction
from service.store.history_rows import Sync
from service.store.rows import Audience, AudienceState
from service.store.syncs import decode_sync_id, encode_sync_id

WATCH_POLL_SECONDS: Final = 1.0
"""Seconds between looks at a watched sync, should a notification be lost."""
WATCH_STILL_SECONDS_MAX: Final = 3600.0
"""Seconds after which a watch of a sync that does not move is ended: whoever wants begins another."""
WATCH_PAUSE_SECONDS: Final = 0.1
"""Seconds between two messages of a watch at least."""


async def sync_now(api: Api, request: pb.SyncNowRequest) -> pb.SyncNowResponse:
    """Leave the wish for a sync, or join one that covers the present revision."""
    call = await repeatable("SyncNow", request, request.request_id)
    async with api.transaction() as connection:
        audience = await locked_audience(connection, request.audience_id)
        first = await first_answer(connection, audience.audience_no, call, pb.SyncNowResponse)
        if first is not None:
            return first
        refuse_leaving(audience)
        _refuse_inactive(audience)
        mode = mode_name(request.mode)
        sync, is_new = await store.join_or_request_sync(connection, audience, mode, "REQUEST")
        if is_new:
            sync_id = encode_sync_id(sync.audience_no, sync.sync_no)
            await note_done_to_audience(
                api, connection, AuditAction.SYNC_NOW, audience, mode=mode, sync_id=sync_id
            )
        answer = pb.SyncNowResponse(sync=sync_message(sync))
        await keep_first_answer(connection, audience.audience_no, call, answer, api.clock.now())
    return answer


async def get_sync(api: Api, request: pb.GetSyncRequest) -> pb.GetSyncResponse:
    """One sync."""
    return pb.GetSyncResponse(sync=sync_message(await _find_sync_in_reach(api, request.sync_id)))


async def list_syncs(api: Api, request: pb.ListSyncsRequest) -> pb.ListSyncsResponse:
    """A page of an audience's syncs, newest first."""
    async with api.connection() as connection:
        audience = await existing_audience(connection, request.audience_id)
        limit, of = page_rows(request.page_size), ("ListSyncs", str(audience.audience_no))
        before = page_key(request.page_token, of=of)
        if before and not before.isdecimal():
            raise PageTokenInvalid
        rows = await store.list_syncs(
            connection,
            audience.audience_no,
            before_no=int(before) if before else None,
            limit=limit + 1,
        )
    page, token = cut_page(rows, limit=limit, key=lambda row: str(row.sync_no), of=of)
    return pb.ListSyncsResponse(syncs=[sync_message(row) for row in page], next_page_token=token)


async def watch_sync(
    api: Api, request: pb.WatchSyncRequest
) -> AsyncGenerator[pb.WatchSyncResponse]:
    """The sync as it is, then again whenever it has moved, until it has ended."""
    sync = await _find_sync_in_reach(api, request.sync_id)
    changed = api.notifications.subscribe("audience_changed", str(sync.audience_no))
    told: Sync | None = None
    told_at = api.clock.monotonic()
    try:
        while True:
            sync = await _find_sync(api, request.sync_id)
            if sync != told:
                yield pb.WatchSyncResponse(sync=sync_message(sync))
                told, told_at = sync, api.clock.monotonic()
            if has_ended(sync):
                return
            if api.clock.monotonic() - told_at > WATCH_STILL_SECONDS_MAX:
                raise StreamIdle
            await api.clock.sleep(WATCH_PAUSE_SECONDS)
            await changed.wait(WATCH_POLL_SECONDS)
            check_standing()
    finally:
        changed.close()


async def _find_sync_in_reach(api: Api, sync_id: str) -> Sync:
    """Raises: SyncNotFound; CallerNotAllowed when it is of an audience that is not for who calls."""
    sync = await _find_sync(api, sync_id)
    if caller().is_limited:
        async with api.connection() as connection:
            audience = await audiences.find_audience_by_no(connection, sync.audience_no)
        if audience is None:
            raise SyncNotFound(metadata={"sync_id": sync_id})
        check_audience(audience)
    return sync


async def _find_sync(api: Api, sync_id: str) -> Sync:
    number = decode_sync_id(sync_id)
    if number is not None:
        async with api.connection() as connection:
            sync = await store.find_sync(connection, *number)
        if sync is not None:
            return sync
    raise SyncNotFound(metadata={"sync_id": sync_id})


def _refuse_inactive(audience: Audience) -> None:
    if audience.state is not AudienceState.ACTIVE:
        raise AudienceNotActive(
            f"The audience is {audience.state.value}.",
            metadata={
                "audience_id": audience.audience_id,
                "state": audience.state.value,
                "blocked_reason": audience.blocked_reason or "",
            },
        )
