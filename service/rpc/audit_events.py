"""The handler that lists who did what."""

import re
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Final

from audiencesync.v1 import audience_sync_pb2 as pb

from service.rpc.access.reach import is_event_in_reach
from service.rpc.api import Api
from service.rpc.convert_values import time_of, timestamp
from service.rpc.errors import PageTokenInvalid
from service.rpc.paging import cut_page, page_key, page_rows
from service.store import audit_events as store
from service.store.audit_events import AuditEvent, AuditFilter, AuditPlace

_KEY: Final = re.compile(r"(-?\d{1,18})\.(\d{1,18})", re.ASCII)
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND: Final = timedelta(microseconds=1)


async def list_audit_events(
    api: Api, request: pb.ListAuditEventsRequest
) -> pb.ListAuditEventsResponse:
    """A page of what was done, newest first; what is not for who calls is left out of it."""
    limit, wanted = page_rows(request.page_size), _filter(request)
    of = ("ListAuditEvents", *_names_of(wanted))
    after = _place(page_key(request.page_token, of=of))
    async with api.connection() as connection:
        rows = await store.list_events(connection, wanted, after=after, limit=limit + 1)
    page, token = cut_page(rows, limit=limit, key=_key, of=of)
    return pb.ListAuditEventsResponse(
        audit_events=[_message(row) for row in page if is_event_in_reach(row)],
        next_page_token=token,
    )


def _filter(request: pb.ListAuditEventsRequest) -> AuditFilter:
    begin, end = request.begin_time, request.end_time
    return AuditFilter(
        audience_id=request.audience_id or None,
        ad_account_id=request.ad_account_id or None,
        caller=request.caller if request.HasField("caller") else None,
        begin_at=time_of(begin, field="begin_time") if request.HasField("begin_time") else None,
        end_at=time_of(end, field="end_time") if request.HasField("end_time") else None,
        actions=sorted({_name_of(action) for action in request.actions}),
    )


def _names_of(wanted: AuditFilter) -> Sequence[str]:
    """The filter in texts: none says what another does."""
    values = (
        *(wanted.audience_id, wanted.ad_account_id, wanted.caller),
        *(wanted.begin_at, wanted.end_at),
    )
    named = ["" if value is None else f"={value}" for value in values]
    return [*named, ",".join(wanted.actions)]


def _key(row: AuditEvent) -> str:
    return f"{(row.occurred_at - _EPOCH) // _MICROSECOND}.{row.event_no}"


def _place(text: str) -> AuditPlace | None:
    if not text:
        return None
    found = _KEY.fullmatch(text)
    if found is None:
        raise PageTokenInvalid
    try:
        occurred_at = _EPOCH + int(found[1]) * _MICROSECOND
    except OverflowError:
        raise PageTokenInvalid from None
    return AuditPlace(occurred_at, int(found[2]))


def _message(row: AuditEvent) -> pb.AuditEvent:
    names, values = row.details[::2], row.details[1::2]
    return pb.AuditEvent(
        event_time=timestamp(row.occurred_at),
        action=_action(row.action),
        caller=row.caller,
        client=pb.AuditEvent.Client.Value(f"CLIENT_{row.client}"),
        peer_kind=pb.AuditEvent.PeerKind.Value(f"PEER_KIND_{row.peer_kind}"),
        audience_id=row.audience_id,
        ad_account_id=row.ad_account_id,
        details=dict(zip(names, values, strict=True)),
    )


def _name_of(action: pb.AuditEvent.Action.ValueType) -> str:
    return pb.AuditEvent.Action.Name(action).removeprefix("ACTION_")


def _action(name: str) -> pb.AuditEvent.Action.ValueType:
    """Not specified where a newer replica has recorded what this one has no word for."""
    known = pb.AuditEvent.Action.DESCRIPTOR.values_by_name.get(f"ACTION_{name}")
    number = 0 if known is None else known.number
    return pb.AuditEvent.Action.ValueType(number)
