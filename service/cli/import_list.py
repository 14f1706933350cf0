"""`audience-sync import`: sends a customer list to the service, batch by batch."""

import enum
import uuid
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Final, assert_never

import typer
from audiencesync.v1 import audience_sync_pb2 as pb
from audiencesync.v1.audience_sync_pb2_grpc import AudienceSyncServiceStub
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn
from rich.table import Table

from service.cli.client import DEFAULT_SERVER, CallFailed, call, connected
from service.cli.csv_members import BadList, ListedMember, read_members
from service.cli.terminal import (
    EXIT_INTERRUPTED,
    AudienceArgument,
    ServerOption,
    fail,
    notes,
    out,
)

BATCH_MEMBERS_MAX: Final = 10_000
"""Members in one UpdateMembership, the most that the service takes."""
BATCH_BYTES_MAX: Final = 8 * 1024 * 1024
"""Bytes of members in one UpdateMembership; the service takes messages of 16 MiB."""


class Operation(enum.StrEnum):
    """What happened to the members of a list."""

    ADD = "add"
    REMOVE = "remove"


@dataclass(slots=True)
class Sent:
    """What the service has answered for so far."""

    members: int = 0
    changed: int = 0
    unmatchable: int = 0
    dropped: Counter[tuple[str, str]] = field(default_factory=Counter)

    def count(self, members: int, answer: pb.UpdateMembershipResponse) -> None:
        """Add the answer to one batch."""
        self.members += members
        self.changed += answer.changed_count
        self.unmatchable += answer.unmatchable_count
        for entry in answer.dropped_identifiers:
            self.dropped[key_name(entry.key), reason_name(entry.reason)] += entry.count


def import_list(
    audience_id: AudienceArgument,
    file: Annotated[
        Path,
        typer.Argument(
            metavar="FILE.csv", exists=True, dir_okay=False, readable=True, help="The list."
        ),
    ],
    operation: Annotated[
        Operation, typer.Option(help="Whether the members of the list are in, or have left.")
    ] = Operation.ADD,
    batch_size: Annotated[
        int, typer.Option(min=1, max=BATCH_MEMBERS_MAX, help="Members in one call.")
    ] = BATCH_MEMBERS_MAX,
    server: ServerOption = DEFAULT_SERVER,
) -> None:
    """Send a customer list to a connected audience.

    The list is CSV in UTF-8 with a header line. One column (user_id, member_id or id) names the
    member; the others carry trait names (email, phone, firstName, zip_code, idfa ...), with ";"
    between several e-mails, phones or devices. Members who are not in the list stay as they are.
    Running it again is harmless.

    Example: `audience-sync import newsletter customers.csv`

    Example: `audience-sync import newsletter gone.csv --operation remove`
    """
    sent = Sent()
    try:
        with connected(server) as stub, _progress(file) as progress:
            send = _sender(stub, audience_id)
            _send_file(file, operation, batch_size, send=send, sent=sent, progress=progress)
    except BadList as mistake:
        fail(f"{file.name}, {mistake}; {_so_far(sent)}")
    except OSError as error:
        fail(f"{file.name} cannot be read: {error.strerror}; {_so_far(sent)}")
    except CallFailed as failure:
        fail(f"{failure}; {_so_far(sent)}")
    except KeyboardInterrupt:
        fail(f"interrupted; {_so_far(sent)}", code=EXIT_INTERRUPTED)
    _report(sent)


def batches(
    members: Iterable[ListedMember], operation: Operation, *, size: int
) -> Iterator[list[pb.Change]]:
    """Group the changes of a list, at most `size` and BATCH_BYTES_MAX (and one member) a batch."""
    batch: list[pb.Change] = []
    bytes_in_batch = 0
    for member in members:
        change = change_of(member, operation)
        bytes_of_change = change.ByteSize()
        if batch and (len(batch) == size or bytes_in_batch + bytes_of_change > BATCH_BYTES_MAX):
            yield batch
            batch, bytes_in_batch = [], 0
        batch.append(change)
        bytes_in_batch += bytes_of_change
    if batch:
        yield batch


def change_of(member: ListedMember, operation: Operation) -> pb.Change:
    """Make the change of one member; who leaves is named by the id alone."""
    match operation:
        case Operation.ADD:
            listed = pb.Member(member_id=member.member_id, traits=member.traits)
            return pb.Change(operation=pb.Change.OPERATION_ADD, member=listed)
        case Operation.REMOVE:
            listed = pb.Member(member_id=member.member_id)
            return pb.Change(operation=pb.Change.OPERATION_REMOVE, member=listed)
    assert_never(operation)


def key_name(key: "pb.Key.ValueType") -> str:
    """The name of an identifier's kind, also when this program is older than the service."""
    return pb.Key.Name(key).removeprefix("KEY_") if key in pb.Key.values() else str(key)


def reason_name(reason: "pb.DropReason.ValueType") -> str:
    """The reason in words, also when this program is older than the service."""
    if reason not in pb.DropReason.values():
        return str(reason)
    return pb.DropReason.Name(reason).removeprefix("DROP_REASON_").replace("_", " ").lower()


Send = Callable[[list[pb.Change]], pb.UpdateMembershipResponse]


def _sender(stub: AudienceSyncServiceStub, audience_id: str) -> Send:
    """Give each call its own request_id, so that a call tried again is not taken twice.

    The ids are new in each run: a list that is sent, taken back and sent again must count again.
    """
    run = uuid.uuid4().hex
    number = iter(range(10**9))

    def send(changes: list[pb.Change]) -> pb.UpdateMembershipResponse:
        request = pb.UpdateMembershipRequest(
            audience_id=audience_id, changes=changes, request_id=f"import-{run}-{next(number)}"
        )
        return call(stub.UpdateMembership, request)

    return send


def _send_file(
    file: Path,
    operation: Operation,
    batch_size: int,
    *,
    send: Send,
    sent: Sent,
    progress: Progress,
) -> None:
    task = progress.task_ids[0]
    with file.open("rb") as source:
        members = read_members(source, lambda count: progress.advance(task, count))
        for batch in batches(members, operation, size=batch_size):
            sent.count(len(batch), send(batch))
            elapsed_s = progress.tasks[0].elapsed or 0.0
            rate = sent.members / elapsed_s if elapsed_s else 0.0
            progress.update(task, members=sent.members, rate=rate)


def _progress(file: Path) -> Progress:
    progress = Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        TaskProgressColumn(),
        TextColumn("{task.fields[members]:,} members, {task.fields[rate]:,.0f}/s"),
        TimeRemainingColumn(),
        console=notes,
        disable=not notes.is_terminal,
    )
    progress.add_task(file.name, total=file.stat().st_size, members=0, rate=0.0)
    return progress


def _so_far(sent: Sent) -> str:
    return f"{sent.members:,} members were sent before; running the import again is harmless"


def _report(sent: Sent) -> None:
    out.print(
        f"{sent.members:,} members sent: {sent.changed:,} changed, "
        f"{sent.members - sent.changed:,} unchanged, {sent.unmatchable:,} without any identifier "
        "that could find them",
        soft_wrap=True,
    )
    if sent.dropped:
        out.print(dropped_table(sent.dropped))


def dropped_table(dropped: Counter[tuple[str, str]]) -> Table:
    """Lay out the identifiers that could not be used, most frequent first."""
    table = Table("identifier", "why it was dropped", title="Dropped identifiers")
    table.add_column("count", justify="right")
    for (key, reason), count in dropped.most_common():
        table.add_row(key, reason, f"{count:,}")
    return table
