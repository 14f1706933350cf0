"""`audience-sync import`: sends a customer list to the service, chunk by chunk."""

import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer
from audiencesync.v1 import audience_sync_pb2 as pb
from audiencesync.v1.audience_sync_pb2_grpc import AudienceSyncServiceStub

from service.cli.client import DEFAULT_SERVER, CallFailed, call, connected
from service.cli.customer_list import BadList, CustomerList, ListShorter
from service.cli.dropped import dropped_counts, dropped_table
from service.cli.import_progress import ImportProgress
from service.cli.import_stream import ChunkedList, ImportStream
from service.cli.import_sync import SyncsBeside
from service.cli.list_chunks import CHUNK_MEMBERS_MAX, Operation, chunks_of
from service.cli.list_file import opened_list
from service.cli.sync import GOES_ON, wait_and_tell
from service.cli.terminal import (
    EXIT_INTERRUPTED,
    AudienceArgument,
    ServerOption,
    fail,
    notes,
    out,
    told_errors,
)


@dataclass(slots=True)
class Sent:
    """An import, and how many members of it are durable."""

    header: pb.ImportHeader
    members: int = 0
    is_begun: bool = False
    syncs: SyncsBeside | None = None

    @property
    def is_replacing(self) -> bool:
        return self.header.mode == pb.ImportHeader.MODE_REPLACE


def import_list(
    audience_id: AudienceArgument,
    file: Annotated[
        Path,
        typer.Argument(
            metavar="FILE", exists=True, dir_okay=False, readable=True, help="The list."
        ),
    ],
    *,
    operation: Annotated[
        Operation, typer.Option(help="Whether the members of the list are in, or have left.")
    ] = Operation.ADD,
    replace: Annotated[
        bool,
        typer.Option("--replace", help="The list is everybody: who is not in it has left."),
    ] = False,
    supersede: Annotated[
        bool, typer.Option("--supersede", help="Give up another list that is to replace everybody.")
    ] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Only count what would change; nothing does.")
    ] = False,
    resume: Annotated[
        str, typer.Option(metavar="IMPORT_ID", help="Go on with an import that was interrupted.")
    ] = "",
    sync: Annotated[
        bool,
        typer.Option(
            "--sync", help="Send it to Facebook while it is taken in, and wait until all is there."
        ),
    ] = False,
    batch_size: Annotated[
        int, typer.Option(min=1, max=CHUNK_MEMBERS_MAX, help="Members in one chunk.")
    ] = CHUNK_MEMBERS_MAX,
    server: ServerOption = DEFAULT_SERVER,
) -> None:
    """Send a customer list to a connected audience.

    The list is CSV in UTF-8 with a header line, or Parquet when its name ends in .parquet. One
    column (user_id, member_id or id) names the member; the others carry trait names (email, phone,
    firstName, zip_code, idfa ...), with ";" between several e-mails, phones or devices. Members who are not in the list stay as they are,
    unless it replaces everybody; then nothing changes before the list is whole. Running it again is
    harmless.

    Example: `audience-sync import newsletter customers.csv`

    Example: `audience-sync import newsletter customers.csv --sync`

    Example: `audience-sync import newsletter gone.csv --operation remove`

    Example: `audience-sync import newsletter everybody.csv --replace --dry-run`
    """
    if replace and operation is Operation.REMOVE:
        fail("a list that replaces everybody cannot be one of members who left")
    if sync and dry_run:
        fail("a dry run changes nothing that could be synced")
    header = pb.ImportHeader(
        audience_id=audience_id,
        import_id=resume or uuid.uuid4().hex,
        mode=pb.ImportHeader.MODE_REPLACE if replace else pb.ImportHeader.MODE_DELTA,
        dry_run=dry_run,
        supersede=supersede,
    )
    sent = Sent(header)
    try:
        with connected(server) as stub:
            if sync:
                sent.syncs = SyncsBeside(stub, audience_id)
            with (
                opened_list(file) as source,
                ImportProgress(notes, file.name, length=source.length) as progress,
            ):
                result = _send(stub, sent, source, operation, batch_size, progress)
            _report(sent, result)
            if sync:
                _sync(stub, audience_id)
    except BadList as mistake:
        fail(f"{file.name}, {mistake}; {_so_far(sent)}")
    except ListShorter:
        fail(f"{file.name} is not the list of that import: it is too short; {_so_far(sent)}")
    except OSError as error:
        fail(f"{file.name} cannot be read: {error.strerror}; {_so_far(sent)}")
    except CallFailed as failure:
        fail(f"{failure}; {_so_far(sent)}")
    except KeyboardInterrupt:
        fail(f"interrupted; {_so_far(sent)}", code=EXIT_INTERRUPTED)


def _send(
    stub: AudienceSyncServiceStub,
    sent: Sent,
    source: CustomerList,
    operation: Operation,
    batch_size: int,
    progress: ImportProgress,
) -> pb.ImportResult:
    def on_acknowledged(answer: pb.ImportMembershipResponse) -> None:
        sent.members, sent.is_begun = answer.acknowledged_offset, True
        progress.acknowledged(sent.members, dropped_counts(answer.dropped_identifiers))
        if sent.syncs is not None and not sent.is_replacing:
            sent.syncs.acknowledged(sent.members)

    def chunks_behind(offset: int) -> Iterator[pb.ImportChunk]:
        return chunks_of(source.columns(offset, progress.read), operation, size=batch_size)

    chunks = ChunkedList(chunks_behind)
    return ImportStream(stub, sent.header, chunks, on_acknowledged=on_acknowledged).send()


def _sync(stub: AudienceSyncServiceStub, audience_id: str) -> None:
    with told_errors(GOES_ON):
        begun = call(stub.SyncNow, pb.SyncNowRequest(audience_id=audience_id)).sync
        wait_and_tell(stub, begun)


def _so_far(sent: Sent) -> str:
    """What was sent before a break, and how to go on."""
    if not sent.is_begun:
        return "nothing was sent"
    resumed = f"`--resume {sent.header.import_id}`"
    if sent.is_replacing:
        return (
            f"nothing has changed, {sent.members:,} members wait for the rest of the list; "
            f"{resumed} goes on behind them, `--supersede` begins again"
        )
    return (
        f"{sent.members:,} members were sent before; running the import again is harmless, "
        f"{resumed} goes on behind them"
    )


def _report(sent: Sent, result: pb.ImportResult) -> None:
    would = " would have" if sent.header.dry_run else ""
    out.print(
        f"{sent.members:,} members sent:{would} {result.changed_count:,} changed, "
        f"{result.unchanged_count:,} unchanged, {result.unmatchable_count:,} without any identifier "
        "that could find them",
        soft_wrap=True,
    )
    dropped = dropped_counts(result.dropped_identifiers)
    if out.is_terminal and dropped:
        out.print(dropped_table(dropped))
    elif dropped:
        for (key, reason), count in dropped.most_common():
            out.print(f"dropped {count:,} of {key}: {reason}", markup=False, soft_wrap=True)
