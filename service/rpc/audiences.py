"""Handlers of the life of an audience after it was connected."""

from audiencesync.v1 import audience_sync_pb2 as pb

from service.rpc.access.reach import check_audience, is_in_reach
from service.rpc.api import Api
from service.rpc.audit import note_done_to_audience
from service.rpc.convert_audience import audience_message, interval_seconds, region
from service.rpc.errors import InvalidField
from service.rpc.find_audience import existing_audience, writable_audience
from service.rpc.paging import cut_page, page_key, page_rows
from service.store import audiences as store
from service.store.audit_events import AuditAction
from service.store.connection import Connection
from service.store.rows import Audience


async def get_audience(api: Api, request: pb.GetAudienceRequest) -> pb.GetAudienceResponse:
    """One audience."""
    async with api.connection() as connection:
        audience = await existing_audience(connection, request.audience_id)
    return pb.GetAudienceResponse(audience=audience_message(audience))


async def list_audiences(api: Api, request: pb.ListAudiencesRequest) -> pb.ListAudiencesResponse:
    """A page of audiences by id; those that are not for who calls are left out of it."""
    limit, of = page_rows(request.page_size), ("ListAudiences", request.ad_account_id)
    after = page_key(request.page_token, of=of)
    async with api.connection() as connection:
        rows = await store.list_audiences(
            connection,
            ad_account_id=request.ad_account_id or None,
            after_id=after,
            limit=limit + 1,
        )
    page, token = cut_page(rows, limit=limit, key=lambda row: row.audience_id, of=of)
    return pb.ListAudiencesResponse(
        audiences=[audience_message(row) for row in page if is_in_reach(row)], next_page_token=token
    )


async def update_audience(api: Api, request: pb.UpdateAudienceRequest) -> pb.UpdateAudienceResponse:
    """Change what the mask names; a masked field that is not set goes back to its default."""
    mask = frozenset(request.update_mask.paths)
    if not mask:
        raise InvalidField.of("update_mask", "must name at least one field")
    if "name" in mask and not request.name:
        raise InvalidField.of("name", "must not be empty")
    interval_s = interval_seconds(request) if "sync_interval" in mask else None
    default_region = region(request.default_region) if "default_region" in mask else None
    async with api.transaction() as connection:
        audience = await writable_audience(connection, request.audience_id)
        await store.update_audience(
            connection,
            audience.audience_no,
            name=request.name if "name" in mask else None,
            description=request.description if "description" in mask else None,
            sync_interval_s=interval_s,
            default_region=default_region,
        )
        audience = await _as_it_is_now(connection, audience)
        fields = ",".join(sorted(mask))
        await note_done_to_audience(
            api, connection, AuditAction.UPDATE_AUDIENCE, audience, fields=fields
        )
    return pb.UpdateAudienceResponse(audience=audience_message(audience))


async def pause_audience(api: Api, request: pb.PauseAudienceRequest) -> pb.PauseAudienceResponse:
    """Stop sending."""
    audience = await _set_paused(api, request.audience_id, paused=True)
    return pb.PauseAudienceResponse(audience=audience_message(audience))


async def resume_audience(api: Api, request: pb.ResumeAudienceRequest) -> pb.ResumeAudienceResponse:
    """Send again."""
    audience = await _set_paused(api, request.audience_id, paused=False)
    return pb.ResumeAudienceResponse(audience=audience_message(audience))


async def _set_paused(api: Api, audience_id: str, *, paused: bool) -> Audience:
    async with api.transaction() as connection:
        audience = await writable_audience(connection, audience_id)
        if audience.paused == paused:
            return audience
        await store.set_paused(connection, audience.audience_no, paused)
        action = AuditAction.PAUSE_AUDIENCE if paused else AuditAction.RESUME_AUDIENCE
        await note_done_to_audience(api, connection, action, audience)
        return await _as_it_is_now(connection, audience)


async def disconnect_audience(
    api: Api, request: pb.DisconnectAudienceRequest
) -> pb.DisconnectAudienceResponse:
    """Leave the wish for the lease holder; an audience that is disconnected stays so."""
    mode = disconnect_mode_name(request.mode)
    async with api.transaction() as connection:
        audience = await store.lock_audience(connection, request.audience_id)
        if audience is None:
            audience = await existing_audience(connection, request.audience_id)
            return pb.DisconnectAudienceResponse(audience=audience_message(audience))
        check_audience(audience)
        if audience.disconnect_mode != mode:
            await store.request_disconnect(connection, audience.audience_no, mode)
            await note_done_to_audience(
                api, connection, AuditAction.DISCONNECT_AUDIENCE, audience, mode=mode
            )
            audience = await _as_it_is_now(connection, audience)
    return pb.DisconnectAudienceResponse(audience=audience_message(audience))


def disconnect_mode_name(mode: pb.DisconnectAudienceRequest.Mode.ValueType) -> str:
    """The store's word for a mode; not said means FLUSH."""
    said = mode or pb.DisconnectAudienceRequest.MODE_FLUSH
    return pb.DisconnectAudienceRequest.Mode.Name(said).removeprefix("MODE_")


async def _as_it_is_now(connection: Connection, audience: Audience) -> Audience:
    return await store.find_audience_by_no(connection, audience.audience_no) or audience
