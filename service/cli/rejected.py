"""`audience-sync rejected`: the rows of an audience that Facebook refused."""

from typing import Annotated

import typer
from audiencesync.v1 import audience_sync_pb2 as pb
from rich import box
from rich.markup import escape
from rich.table import Table

from service.cli.client import DEFAULT_SERVER, call, connected
from service.cli.status import short_moment
from service.cli.terminal import AudienceArgument, ServerOption, out, told_errors


def rejected(
    audience_id: AudienceArgument,
    limit: Annotated[
        int, typer.Option(min=1, max=1_000, help="How many lines, newest sync first.")
    ] = 20,
    server: ServerOption = DEFAULT_SERVER,
) -> None:
    """Show which rows Facebook refused as invalid: their keys, why, and how many.

    Example: `audience-sync rejected newsletter --limit 5`
    """
    request = pb.ListRejectedRowsRequest(audience_id=audience_id, page_size=limit)
    with told_errors(), connected(server) as stub:
        found = call(stub.ListRejectedRows, request).rejected_rows
    if not found:
        out.print(f"Facebook has refused no row of {audience_id}", markup=False)
        return
    table = Table(box=box.SIMPLE_HEAD)
    table.add_column("sync asked for (UTC)", no_wrap=True)
    table.add_column("rows", justify="right", no_wrap=True)
    table.add_column("keys")
    table.add_column("reason")
    for one in found:
        keys = " ".join(pb.Key.Name(key).removeprefix("KEY_") for key in one.keys)
        table.add_row(short_moment(one.sync_time), f"{one.row_count:,}", keys, escape(one.reason))
    out.print(table)
