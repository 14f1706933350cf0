"""Operations on the record of who did what."""

from hypothesis import strategies as st

from service.store import audit_events
from service.store.audit_events import (
    AuditAction,
    AuditFilter,
    AuditOrigin,
    AuditPlace,
    AuditSubject,
    NewAuditEvent,
)
from tests.integration.store_builders import at
from tests.integration.store_operations import INDEX, SLUGS, Actor, operation

MINUTE = st.integers(0, 6)
CALLER = st.sampled_from(["", "shop", "crm"])
SLUG = st.sampled_from(["", *SLUGS])
ACTION = st.sampled_from([AuditAction.PAUSE_AUDIENCE, AuditAction.SYNC_NOW])
ACCOUNT = st.sampled_from(["", "act_1", "act_2"])
MAYBE_MINUTE = st.none() | MINUTE


@operation(
    often=2,
    index=INDEX,
    minute=MINUTE,
    action=ACTION,
    caller=CALLER,
    audience_id=SLUG,
    ad_account_id=ACCOUNT,
    details=st.dictionaries(st.sampled_from(["mode", "fields"]), st.just("X"), max_size=2),
)
async def record_event(
    actor: Actor,
    index: int,
    minute: int,
    action: AuditAction,
    caller: str,
    audience_id: str,
    ad_account_id: str,
    details: dict[str, str],
) -> None:
    event = NewAuditEvent(
        action=action,
        occurred_at=at(minute),
        origin=AuditOrigin(caller=caller),
        subject=AuditSubject(
            audience_no=actor.number(index), audience_id=audience_id, ad_account_id=ad_account_id
        ),
        details=details,
    )
    await audit_events.record(actor.connection, event)


@operation(
    often=2,
    audience_id=st.none() | SLUG,
    ad_account_id=st.none() | ACCOUNT,
    caller=st.none() | CALLER,
    actions=st.lists(ACTION, max_size=2),
    begin=MAYBE_MINUTE,
    end=MAYBE_MINUTE,
    after=MAYBE_MINUTE,
    event_no=st.integers(0, 4),
)
async def list_events(
    actor: Actor,
    audience_id: str | None,
    ad_account_id: str | None,
    caller: str | None,
    actions: list[AuditAction],
    begin: int | None,
    end: int | None,
    after: int | None,
    event_no: int,
) -> object:
    wanted = AuditFilter(
        audience_id=audience_id,
        ad_account_id=ad_account_id,
        caller=caller,
        begin_at=None if begin is None else at(begin),
        end_at=None if end is None else at(end),
        actions=actions,
    )
    place = None if after is None else AuditPlace(at(after), event_no)
    return await audit_events.list_events(actor.connection, wanted, after=place, limit=3)


@operation(index=INDEX, action=ACTION)
async def who_did_it_last(actor: Actor, index: int, action: AuditAction) -> object:
    return await audit_events.origin_of_last(actor.connection, actor.number(index), action)


@operation(minute=MINUTE)
async def prune_events(actor: Actor, minute: int) -> object:
    return await audit_events.prune_events(actor.connection, at(minute), limit=3)
