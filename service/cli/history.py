"""`audience-sync history`: the last syncs of an audience."""

from collections.abc import Iterable
from typing import Annotated

import typer
from audiencesync.v1 import audience_sync_pb2 as pb
from rich import box
from rich.table import Table

from service.cli.client import DEFAULT_SERVER, call, connected
from service.cli.status import short_moment
from service.cli.sync import exceptions, seconds_of, state_name
from service.cli.terminal import AudienceArgument, ServerOption, out, told_errors


def history(
    audience_id: AudienceArgument,
    limit: Annotated[
        int, typer.Option(min=1, max=1_000, help="How many syncs, newest first.")
    ] = 20,
    server: ServerOption = DEFAULT_SERVER,
) -> None:
    """Show the last syncs of an audience: what was sent, what came of it, and why one failed.

    Example: `audience-sync history newsletter --limit 5`
    """
    request = pb.ListSyncsRequest(audience_id=audience_id, page_size=limit)
    with told_errors(), connected(server) as stub:
        syncs = call(stub.ListSyncs, request).syncs
    if not syncs:
        out.print(f"{audience_id} has not been synced yet", markup=False)
        return
    out.print(_table(syncs))
    for one in syncs:
        for note in exceptions(one):
            out.print(f"{short_moment(one.create_time)}  {note}", markup=False)


def _table(syncs: Iterable[pb.Sync]) -> Table:
    table = Table(box=box.SIMPLE_HEAD)
    table.add_column("asked for (UTC)", no_wrap=True)
    table.add_column("why")
    table.add_column("state")
    for name in ("added", "matched", "removed", "calls", "s"):
        table.add_column(name, justify="right", no_wrap=True)
    for one in syncs:
        table.add_row(
            short_moment(one.create_time),
            _why(one),
            state_name(one),
            f"{one.rows_added:,}",
            f"{one.matched_count:,}" if one.HasField("matched_count") else "",
            f"{one.rows_removed:,}",
            f"{one.calls:,}",
            f"{seconds_of(one):.1f}",
        )
    return table


def _why(sync: pb.Sync) -> str:
    trigger = pb.Sync.Trigger.Name(sync.trigger).removeprefix("TRIGGER_").lower()
    return f"{trigger}, refresh" if sync.mode == pb.Sync.MODE_REFRESH else trigger
