"""`audience-sync audit`: who did what."""

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Annotated

import typer
from audiencesync.v1 import audience_sync_pb2 as pb
from google.protobuf.timestamp_pb2 import Timestamp
from rich import box
from rich.markup import escape
from rich.table import Table

from service.cli.client import DEFAULT_SERVER, call, connected
from service.cli.status import moment
from service.cli.terminal import ServerOption, out, told_errors

TIME_FORMATS = ["%Y-%m-%d", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%d %H:%M:%S"]


def audit(
    audience: Annotated[
        str, typer.Option(metavar="AUDIENCE_ID", help="Only what was done to this audience.")
    ] = "",
    ad_account: Annotated[
        str,
        typer.Option(
            metavar="AD_ACCOUNT_ID", help="Only what was done to this account or its audiences."
        ),
    ] = "",
    caller: Annotated[
        str | None,
        typer.Option(help='Only what this caller did; "": where no token was asked for.'),
    ] = None,
    action: Annotated[
        list[str] | None,
        typer.Option(
            metavar="ACTION",
            help="Only what is of this kind, such as erase-audience; may be said several times.",
        ),
    ] = None,
    since: Annotated[
        datetime | None, typer.Option(formats=TIME_FORMATS, help="From this time on, in UTC.")
    ] = None,
    until: Annotated[
        datetime | None, typer.Option(formats=TIME_FORMATS, help="Before this time, in UTC.")
    ] = None,
    limit: Annotated[
        int, typer.Option(min=1, max=1_000, help="How many lines, newest first.")
    ] = 50,
    server: ServerOption = DEFAULT_SERVER,
) -> None:
    """Show who connected, changed, paused, synced, imported, disconnected or erased what, and when.

    Example: `audience-sync audit --audience newsletter --since 2026-11-01`
    """
    request = pb.ListAuditEventsRequest(
        audience_id=audience,
        ad_account_id=ad_account,
        caller=caller,
        actions=map(_action, action or ()),
        begin_time=_time(since),
        end_time=_time(until),
        page_size=limit,
    )
    with told_errors(), connected(server) as stub:
        events = call(stub.ListAuditEvents, request).audit_events
    out.print(_table(events) if events else "nothing of that was done")


def _action(said: str) -> pb.AuditEvent.Action.ValueType:
    name = f"ACTION_{said.upper().replace('-', '_').replace(' ', '_')}"
    known = pb.AuditEvent.Action.keys()[1:]
    if name not in known:
        one_of = ", ".join(one.removeprefix("ACTION_").lower().replace("_", "-") for one in known)
        raise typer.BadParameter(f"{said} is none of {one_of}", param_hint="--action")
    return pb.AuditEvent.Action.Value(name)


def _time(said: datetime | None) -> Timestamp | None:
    if said is None:
        return None
    made = Timestamp()
    made.FromDatetime(said.replace(tzinfo=UTC))
    return made


def _table(events: Iterable[pb.AuditEvent]) -> Table:
    table = Table(box=box.SIMPLE_HEAD)
    table.add_column("when (UTC)", no_wrap=True)
    for name in ("what", "to", "who", "how", "more"):
        table.add_column(name)
    for one in events:
        table.add_row(
            moment(one.event_time),
            _words(pb.AuditEvent.Action.Name(one.action), "ACTION_"),
            escape(one.audience_id or one.ad_account_id),
            escape(one.caller or "-"),
            _how(one),
            escape(", ".join(f"{name} {value}" for name, value in sorted(one.details.items()))),
        )
    return table


def _how(event: pb.AuditEvent) -> str:
    client = _words(pb.AuditEvent.Client.Name(event.client), "CLIENT_")
    if event.peer_kind == pb.AuditEvent.PEER_KIND_NONE:
        return client
    return f"{client}, {_words(pb.AuditEvent.PeerKind.Name(event.peer_kind), 'PEER_KIND_')}"


def _words(name: str, prefix: str) -> str:
    return name.removeprefix(prefix).replace("_", " ").lower()
