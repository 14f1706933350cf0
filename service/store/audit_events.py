"""Who did what: one record for each thing done, in the transaction that does it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from itertools import chain
from typing import Final

from service.store.connection import Connection
from service.store.queries import Command, Query

NO_AUDIENCE: Final = 0
"""Stands for the audience of what concerns none: numbers of audiences begin at 1."""
_FIRST_TIME: Final = datetime.min.replace(tzinfo=UTC)
_LAST_TIME: Final = datetime.max.replace(tzinfo=UTC)


class AuditAction(StrEnum):
    """What was done; the names of the API's enum."""

    CONNECT_AD_ACCOUNT = "CONNECT_AD_ACCOUNT"
    CONNECT_AUDIENCE = "CONNECT_AUDIENCE"
    UPDATE_AUDIENCE = "UPDATE_AUDIENCE"
    PAUSE_AUDIENCE = "PAUSE_AUDIENCE"
    RESUME_AUDIENCE = "RESUME_AUDIENCE"
    DISCONNECT_AUDIENCE = "DISCONNECT_AUDIENCE"
    SYNC_NOW = "SYNC_NOW"
    BEGIN_IMPORT = "BEGIN_IMPORT"
    FINISH_IMPORT = "FINISH_IMPORT"
    ROTATE_KEYS = "ROTATE_KEYS"
    ERASE_AUDIENCE = "ERASE_AUDIENCE"


class AuditClient(StrEnum):
    """What the caller's program says it is."""

    API = "API"
    COMMAND_LINE = "COMMAND_LINE"


class PeerKind(StrEnum):
    """How the caller came."""

    NETWORK = "NETWORK"
    LOOPBACK = "LOOPBACK"
    UNIX_SOCKET = "UNIX_SOCKET"
    NONE = "NONE"
    """Not by a connection to the service: a command that works on the database itself."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditOrigin:
    """Who did it. `caller`: the name that goes with the token; empty where none is asked for."""

    caller: str = ""
    client: AuditClient = AuditClient.API
    peer_kind: PeerKind = PeerKind.NONE


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditSubject:
    """What it was done to; without an audience, or without an ad account, where none is concerned."""

    audience_no: int = NO_AUDIENCE
    audience_id: str = ""
    ad_account_id: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditEvent:
    """One thing done. `details`: names and values in turn."""

    audience_no: int
    event_no: int
    occurred_at: datetime
    action: str
    caller: str
    client: str
    peer_kind: str
    audience_id: str
    ad_account_id: str
    details: list[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditFilter:
    """Which events are asked for; what is None, or no action, lets all pass.

    The end is the first time left out.
    """

    audience_id: str | None = None
    ad_account_id: str | None = None
    caller: str | None = None
    begin_at: datetime | None = None
    end_at: datetime | None = None
    actions: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class AuditPlace:
    """A place in the list."""

    occurred_at: datetime
    event_no: int


@dataclass(frozen=True, slots=True, kw_only=True)
class NewAuditEvent:
    """What is to be recorded. Never an identifier of a member, a token or a key."""

    action: AuditAction
    occurred_at: datetime
    origin: AuditOrigin
    subject: AuditSubject
    details: Mapping[str, str] = field(default_factory=dict)


INSERT_AUDIT_EVENT = Command(
    "insert_audit_event",
    takes={
        "audience_no": int,
        "occurred_at": datetime,
        "action": str,
        "caller": str,
        "client": str,
        "peer_kind": str,
        "audience_id": str,
        "ad_account_id": str,
        "details": list[str],
    },
)
LIST_AUDIT_EVENTS = Query(
    "list_audit_events",
    takes={
        "before_at": datetime,
        "before_no": int,
        "begin_at": datetime,
        "audience_id": str | None,
        "ad_account_id": str | None,
        "caller": str | None,
        "actions": list[str],
        "row_limit": int,
    },
    returns=AuditEvent,
)
FIND_LAST_AUDIT_EVENT = Query(
    "find_last_audit_event", takes={"audience_no": int, "action": str}, returns=AuditEvent
)
PRUNE_AUDIT_EVENTS = Command("prune_audit_events", takes={"before": datetime, "row_limit": int})


async def record(connection: Connection, event: NewAuditEvent) -> None:
    """Record what is done. Order: in the transaction that does it."""
    await INSERT_AUDIT_EVENT.execute(
        connection,
        audience_no=event.subject.audience_no,
        occurred_at=event.occurred_at,
        action=event.action.value,
        caller=event.origin.caller,
        client=event.origin.client.value,
        peer_kind=event.origin.peer_kind.value,
        audience_id=event.subject.audience_id,
        ad_account_id=event.subject.ad_account_id,
        details=list(chain.from_iterable(event.details.items())),
    )


async def list_events(
    connection: Connection, wanted: AuditFilter, *, after: AuditPlace | None, limit: int
) -> list[AuditEvent]:
    """Return the events behind a place, newest first."""
    start = after or AuditPlace(wanted.end_at or _LAST_TIME, 0)
    return await LIST_AUDIT_EVENTS.many(
        connection,
        before_at=start.occurred_at,
        before_no=start.event_no,
        begin_at=wanted.begin_at or _FIRST_TIME,
        audience_id=wanted.audience_id,
        ad_account_id=wanted.ad_account_id,
        caller=wanted.caller,
        actions=list(wanted.actions),
        row_limit=limit,
    )


async def origin_of_last(
    connection: Connection, audience_no: int, action: AuditAction
) -> AuditOrigin:
    """Who did this last to an audience; nobody by name where that is recorded no more."""
    event = await FIND_LAST_AUDIT_EVENT.one(
        connection, audience_no=audience_no, action=action.value
    )
    if event is None:
        return AuditOrigin()
    return AuditOrigin(
        caller=event.caller,
        client=AuditClient(event.client),
        peer_kind=PeerKind(event.peer_kind),
    )


async def prune_events(connection: Connection, before: datetime, *, limit: int) -> int:
    """Forget what is older, at most `limit` and the oldest first; returns how many."""
    return await PRUNE_AUDIT_EVENTS.execute(connection, before=before, row_limit=limit)
