"""Records who did what through the API, in the transaction that does it."""

from typing import Final

from service.rpc.api import Api
from service.rpc.call_log import notes
from service.store import audit_events
from service.store.audit_events import (
    AuditAction,
    AuditClient,
    AuditOrigin,
    AuditSubject,
    NewAuditEvent,
    PeerKind,
)
from service.store.connection import Connection
from service.store.rows import Audience

COMMAND_LINE_AGENT: Final = "audience-sync-cli"
"""How `audience-sync` names itself to the service."""
_LOOPBACK: Final = ("ipv4:127.", "ipv6:[::1]", "ipv6:%5B::1%5D", "ipv6:[::ffff:127.")


async def note_action(
    api: Api, connection: Connection, action: AuditAction, subject: AuditSubject, **details: str
) -> None:
    """Record that the caller of the call at hand does this. Order: in the transaction of the effect."""
    event = NewAuditEvent(
        action=action,
        occurred_at=api.clock.now(),
        origin=_origin(),
        subject=subject,
        details=details,
    )
    await audit_events.record(connection, event)


async def note_done_to_audience(
    api: Api, connection: Connection, action: AuditAction, audience: Audience, **details: str
) -> None:
    """As `note_action`, of what is done to an audience."""
    subject = AuditSubject(
        audience_no=audience.audience_no,
        audience_id=audience.audience_id,
        ad_account_id=audience.ad_account_id,
    )
    await note_action(api, connection, action, subject, **details)


def peer_kind_of(peer: str) -> PeerKind:
    """How a caller came, by what gRPC calls them."""
    if not peer:
        return PeerKind.NONE
    if peer.startswith("unix"):
        return PeerKind.UNIX_SOCKET
    return PeerKind.LOOPBACK if peer.startswith(_LOOPBACK) else PeerKind.NETWORK


def client_of(user_agent: str) -> AuditClient:
    """What the caller's program says it is; anybody may say anything."""
    is_ours = user_agent.split(" ", 1)[0] == COMMAND_LINE_AGENT
    return AuditClient.COMMAND_LINE if is_ours else AuditClient.API


def _origin() -> AuditOrigin:
    seen = notes()
    return AuditOrigin(
        caller=seen.caller,
        client=client_of(seen.user_agent()),
        peer_kind=peer_kind_of(seen.peer),
    )
