"""The handler of membership changes: commit together with others. Long calls are normalised outside the lock."""

from collections import Counter
from collections.abc import Sequence
from functools import partial

from audiencesync.v1 import audience_sync_pb2 as pb

from service.identifiers.keys import RULES_VERSION, Doubt, DropReason, Key
from service.rpc.access.callers import caller
from service.rpc.api import Api
from service.rpc.errors import ServiceError
from service.rpc.find_audience import audience_locked_for_changes, disconnected, existing_audience
from service.rpc.prepare_together import prepare_together
from service.rpc.request_ids import first_answers, keep_first_answers, repeatable
from service.rpc.update_call import UpdateCall, answer_of
from service.store.connection import Connection
from service.store.dropped_counts import add_dropped_counts
from service.store.membership import merge_together
from service.store.rows import LockedAudience


async def update_membership(
    api: Api, request: pb.UpdateMembershipRequest
) -> pb.UpdateMembershipResponse:
    """Merge all changes or none; a repeat gets the first answer."""
    audience_id = request.audience_id
    named = await repeatable("UpdateMembership", request, request.request_id)
    call = await UpdateCall.read(request, named, clock=api.clock)
    known_region = None if caller().ad_account_ids else api.regions.get(audience_id)
    region = known_region or await _look_up_region(api, audience_id)
    if not call.is_small:
        call = await call.prepared_ahead(region, api.clock)
    return await api.updates.answer(audience_id, call, partial(_commit, api, audience_id))


async def _look_up_region(api: Api, audience_id: str) -> str:
    async with api.connection() as connection:
        return (await existing_audience(connection, audience_id)).default_region


async def _commit(
    api: Api, audience_id: str, calls: Sequence[UpdateCall]
) -> list[pb.UpdateMembershipResponse | Exception]:
    """Commit calls for one audience that share no member and no request_id, in one transaction."""
    async with api.transaction() as connection:
        audience = await audience_locked_for_changes(connection, audience_id)
        api.regions.note(audience_id, audience.default_region)
        known = await first_answers(
            connection,
            audience.audience_no,
            [call.repeatable for call in calls],
            pb.UpdateMembershipResponse,
        )
        is_new = [first is None for first in known]
        new = [call for call, so in zip(calls, is_new, strict=True) if so]
        answers = iter(await _merge_new(api, connection, audience, new))
    return [next(answers) if first is None else first for first in known]


async def _merge_new(
    api: Api, connection: Connection, audience: LockedAudience, calls: Sequence[UpdateCall]
) -> Sequence[pb.UpdateMembershipResponse | ServiceError]:
    """Merge calls that were not answered before; all are refused when the audience is leaving."""
    if audience.disconnect_mode is not None:
        return [disconnected(audience.audience_id) for _ in calls]
    if not calls:
        return []
    prepared = await prepare_together(calls, audience.default_region, api.clock)
    now = api.clock.now()
    merged = await merge_together(
        connection,
        audience.audience_no,
        [one.changes for one in prepared],
        now=now,
        rules_version=RULES_VERSION,
    )
    counted: Counter[tuple[Key, DropReason | Doubt]] = Counter()
    for one in prepared:
        if one.dropped or one.role_mailboxes:
            counted.update(one.counted())
    await add_dropped_counts(connection, audience.audience_no, counted, now=now)
    answers = [answer_of(*one) for one in zip(merged, prepared, strict=True)]
    named = [(call.repeatable, answer) for call, answer in zip(calls, answers, strict=True)]
    await keep_first_answers(connection, audience.audience_no, named, now)
    return answers
