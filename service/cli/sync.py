"""`audience-sync sync`: syncs an audience now, and shows how far it is."""

import time
from collections.abc import Callable, Iterator
from typing import Annotated, Final

import grpc
import typer
from audiencesync.v1 import audience_sync_pb2 as pb
from audiencesync.v1.audience_sync_pb2_grpc import AudienceSyncServiceStub
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from service.cli.client import DEFAULT_SERVER, RETRY_WAITS_S, call, connected, failure_of
from service.cli.terminal import (
    EXIT_FAILED,
    AudienceArgument,
    ServerOption,
    notes,
    out,
    told_errors,
)

ENDED: Final = {
    pb.Sync.STATE_SUCCEEDED,
    pb.Sync.STATE_PARTIALLY_SUCCEEDED,
    pb.Sync.STATE_FAILED,
    pb.Sync.STATE_CANCELLED,
}
_REOPENED: Final = {grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.ABORTED}
"""How a watch ends that another may follow: a lost connection, or an hour in which nothing moved."""
GOES_ON: Final = "interrupted; the sync goes on, and `audience-sync history` tells how it ends"
DELIVERED: Final = {pb.Sync.STATE_SUCCEEDED, pb.Sync.STATE_PARTIALLY_SUCCEEDED}


def sync(
    audience_id: AudienceArgument,
    *,
    refresh: Annotated[
        bool,
        typer.Option("--refresh", help="Send every row anew, not only what changed."),
    ] = False,
    wait: Annotated[
        bool, typer.Option("--wait/--no-wait", help="Show the progress until the sync has ended.")
    ] = True,
    server: ServerOption = DEFAULT_SERVER,
) -> None:
    """Sync an audience now instead of at its next interval.

    Ends with 0 when Facebook took the rows (some may have been refused as invalid), with 1 when
    the sync failed or did not run.

    Example: `audience-sync sync newsletter`
    """
    mode = pb.Sync.MODE_REFRESH if refresh else pb.Sync.MODE_CHANGES
    with told_errors(GOES_ON), connected(server) as stub:
        begun = call(stub.SyncNow, pb.SyncNowRequest(audience_id=audience_id, mode=mode)).sync
        if not wait:
            out.print(begun.sync_id)
            return
        wait_and_tell(stub, begun)


def wait_and_tell(stub: AudienceSyncServiceStub, begun: pb.Sync) -> None:
    """Show a sync's progress until it has ended, and how it did; end the command if it failed.

    Raises: CallFailed.
    """
    ended = watch_with_progress(stub, begun)
    out.print(outcome(ended), markup=False, soft_wrap=True)
    if ended.state not in DELIVERED:
        raise typer.Exit(EXIT_FAILED)


def watch_with_progress(stub: AudienceSyncServiceStub, begun: pb.Sync) -> pb.Sync:
    """Show a sync's progress until it has ended.

    Raises: CallFailed.
    """
    with _progress() as progress:
        task = progress.add_task(begun.audience_id, total=None, state="")
        seen = begun
        for seen in watch(stub, begun):
            planned = seen.rows_to_add + seen.rows_to_remove
            state = state_name(seen)
            held_up = f": {seen.error.message}" if seen.HasField("error") else ""
            progress.update(
                task, total=planned or None, completed=settled_rows(seen), state=state + held_up
            )
    return seen


def watch(
    stub: AudienceSyncServiceStub,
    begun: pb.Sync,
    *,
    sleep: Callable[[float], None] = time.sleep,
) -> Iterator[pb.Sync]:
    """The sync as it is whenever it has moved; the last one has ended. A lost stream is reopened.

    Raises: CallFailed.
    """
    waits = iter(RETRY_WAITS_S)
    while True:
        try:
            for answer in stub.WatchSync(pb.WatchSyncRequest(sync_id=begun.sync_id)):
                yield answer.sync
                waits = iter(RETRY_WAITS_S)
                if answer.sync.state in ENDED:
                    return
        except grpc.RpcError as error:
            if error.code() not in _REOPENED:
                raise failure_of(error) from None
            wait_s = next(waits, None)
            if wait_s is None:
                raise failure_of(error) from None
            sleep(wait_s)


def settled_rows(seen: pb.Sync) -> int:
    """Rows whose outcome is known."""
    return seen.rows_added + seen.rows_removed + seen.rows_invalid + seen.rows_carried_over


def state_name(seen: pb.Sync) -> str:
    """The state in words."""
    if seen.state not in pb.Sync.State.values():
        return str(seen.state)
    return pb.Sync.State.Name(seen.state).removeprefix("STATE_").replace("_", " ").lower()


def seconds_of(seen: pb.Sync) -> float:
    """How long a sync ran, in seconds; 0 unless it has ended."""
    if not (seen.HasField("start_time") and seen.HasField("end_time")):
        return 0.0
    return (seen.end_time.ToDatetime() - seen.start_time.ToDatetime()).total_seconds()


def outcome(ended: pb.Sync) -> str:
    """How a sync ended, in one line."""
    parts = [
        f"{ended.audience_id}: {state_name(ended)}",
        f"{ended.rows_added:,} rows added",
        f"{ended.rows_removed:,} removed",
    ]
    parts.append(f"{ended.calls:,} calls in {seconds_of(ended):.1f} s")
    return "; ".join((", ".join(parts), *exceptions(ended)))


def exceptions(seen: pb.Sync) -> list[str]:
    """What did not go as planned, in a few words each."""
    counts = {
        "refused as invalid": seen.rows_invalid,
        "carried over": seen.rows_carried_over,
        "with an unknown outcome": seen.rows_unknown,
    }
    told = [f"{count:,} rows {what}" for what, count in counts.items() if count]
    throttled_s = seen.throttled_duration.ToMilliseconds() / 1000
    if throttled_s:
        told.append(f"kept waiting for {throttled_s:,.0f} s by the ad account's limit")
    if seen.HasField("error"):
        told.append(f"{seen.error.reason}: {seen.error.message}")
    return told


def _progress() -> Progress:
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.completed:,} rows"),
        TimeElapsedColumn(),
        TextColumn("{task.fields[state]}", markup=False),
        console=notes,
        disable=not notes.is_terminal,
    )
