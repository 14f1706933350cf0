"""The handler of membership changes: normalise outside the lock, merge inside one transaction."""

from audiencesync.v1 import audience_sync_pb2 as pb

from service.identifiers.keys import RULES_VERSION
from service.rpc.api import Api
from service.rpc.find_audience import existing_audience, locked_audience, refuse_leaving
from service.rpc.import_results import dropped_messages
from service.rpc.prepare_changes import PreparedChanges, prepare_changes
from service.rpc.request_ids import first_answer, keep_first_answer, repeatable
from service.rpc.slices import Slices
from service.store.membership import merge
from service.store.rows import MergeResult


async def update_membership(
    api: Api, request: pb.UpdateMembershipRequest
) -> pb.UpdateMembershipResponse:
    """Merge all changes or none; a repeat gets the first answer."""
    call = await repeatable("UpdateMembership", request, request.request_id)
    async with api.connection() as connection:
        audience = await existing_audience(connection, request.audience_id)
    prepared = await _prepare(api, request, audience.default_region)
    async with api.transaction() as connection:
        audience = await locked_audience(connection, request.audience_id)
        first = await first_answer(
            connection, audience.audience_no, call, pb.UpdateMembershipResponse
        )
        if first is not None:
            return first
        refuse_leaving(audience)
        if audience.default_region != prepared.default_region:
            prepared = await _prepare(api, request, audience.default_region)
        now = api.clock.now()
        merged = await merge(
            connection,
            audience.audience_no,
            prepared.changes,
            now=now,
            rules_version=RULES_VERSION,
        )
        answer = _answer(prepared, merged)
        await keep_first_answer(connection, audience.audience_no, call, answer, now)
    return answer


async def _prepare(
    api: Api, request: pb.UpdateMembershipRequest, default_region: str
) -> PreparedChanges:
    return await prepare_changes(
        request,
        default_region=default_region,
        now=api.clock.now(),
        slices=Slices(api.clock.monotonic),
    )


def _answer(prepared: PreparedChanges, merged: MergeResult) -> pb.UpdateMembershipResponse:
    return pb.UpdateMembershipResponse(
        revision=merged.revision,
        changed_count=merged.changed_count,
        unchanged_count=merged.unchanged_count + prepared.overtaken,
        unmatchable_count=prepared.unmatchable,
        dropped_identifiers=dropped_messages(prepared.dropped),
        unknown_trait_count=prepared.unknown_traits,
    )
