"""Writes down what became of a window: the cursor, the totals, what was refused or carried over.

One transaction, and never for an audience that is no longer ours.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from service.identifiers import RULES_VERSION, split_rows
from service.store import change_log, leases, syncs
from service.store.connection import Connection
from service.store.history_rows import SyncError
from service.store.rows import Chunk
from service.sync.held import HeldAudience
from service.sync.log_reading import Operation
from service.sync.plan import rows_behind
from service.sync.send_window import WindowOutcome
from service.sync.stops import Blocked, ComeBack, GaveUp, LogLost
from service.sync.windows import Window

REMOVALS_KEPT: Final = timedelta(days=31)
"""Removals are planned again by a refresh for this long after they were logged."""


@dataclass(frozen=True, slots=True)
class PutOff:
    """What is to be sent later: chunks whole, and rows that no chunk of removals has."""

    chunks: Sequence[Chunk] = ()
    rows: Sequence[bytes] = ()


async def find_put_off(window: Window, outcome: WindowOutcome) -> PutOff:
    """Find what removals that were carried over come from.

    With them go the rows that a leaver lost together with them: who shares one is added again then.
    """
    if not outcome.removals.carried_over:
        return PutOff()
    return await asyncio.to_thread(_find_put_off, window, outcome.removals.carried_over)


def _find_put_off(window: Window, carried_over: Sequence[bytes]) -> PutOff:
    left = dict.fromkeys(rows_behind(carried_over, window.removed))
    removals = [chunk for chunk in window.chunks if chunk.operation == Operation.REMOVE]
    chunks = [
        chunk for chunk in removals if any(row in left for row in split_rows(chunk.packed_rows))
    ]
    for chunk in chunks:
        for row in split_rows(chunk.packed_rows):
            left.pop(row, None)
    return PutOff(chunks, list(left))


async def settle_new_window(
    held: HeldAudience, sync_no: int, window: Window, outcome: WindowOutcome
) -> None:
    """Move the cursor past a window of the log. Raises LeaseLost, LogLost."""
    put_off = await find_put_off(window, outcome)
    async with held.transaction() as connection:
        await _must_still_exist(connection, held, window)
        await _carry_over(connection, held, put_off)
        cursor = leases.settle_window(
            connection,
            held.audience_no,
            held.lease.token,
            synced_revision=window.up_to,
            rows_settled=window.rows_logged,
        )
        await held.guard(cursor)
        await _count(connection, held, sync_no, outcome)
    await prune(held, settled_up_to=window.up_to)


async def settle_old_rows(
    held: HeldAudience,
    sync_no: int,
    put_off: PutOff,
    outcome: WindowOutcome,
    *,
    connection: Connection,
) -> None:
    """Count rows that were sent once more; the caller moves its own position in the transaction."""
    await _carry_over(connection, held, put_off)
    await _count(connection, held, sync_no, outcome)


async def _carry_over(connection: Connection, held: HeldAudience, put_off: PutOff) -> None:
    if put_off.chunks:
        await change_log.move_to_end(connection, held.audience_no, put_off.chunks, now=held.now())
    if put_off.rows:
        await change_log.append_rows(
            connection,
            held.audience_no,
            Operation.REMOVE.value,
            put_off.rows,
            now=held.now(),
            rules_version=RULES_VERSION,
        )


async def _count(
    connection: Connection, held: HeldAudience, sync_no: int, outcome: WindowOutcome
) -> None:
    removals, additions = outcome.removals, outcome.additions
    totals = syncs.settle_sync_window(
        connection,
        held.audience_no,
        held.lease.token,
        sync_no=sync_no,
        rows_to_add=additions.accepted + additions.rows_invalid,
        rows_to_remove=removals.accepted + removals.rows_invalid + len(removals.carried_over),
        rows_added=additions.accepted,
        rows_removed=removals.accepted,
        rows_invalid=additions.rows_invalid + removals.rows_invalid,
        rows_carried_over=len(removals.carried_over),
        calls_delta=0,
    )
    await held.guard(totals)
    if outcome.invalid:
        await syncs.add_rejected_rows(connection, held.audience_no, sync_no, outcome.invalid)


async def _must_still_exist(connection: Connection, held: HeldAudience, window: Window) -> None:
    revisions = [chunk.revision for chunk in window.chunks]
    left = await change_log.count_window(
        connection,
        held.audience_no,
        after=window.after,
        up_to=window.up_to,
        revisions=revisions,
    )
    if left != len(revisions):
        raise LogLost


async def prune(held: HeldAudience, *, settled_up_to: int) -> int:
    """Forget settled additions, but nothing that is to be planned once more; some old removals too.

    Returns how many chunks that were.
    """
    keep_from = held.work.recheck_from
    additions_up_to = settled_up_to if keep_from is None else min(settled_up_to, keep_from)
    async with held.transaction() as connection:
        return await change_log.prune_log(
            connection,
            held.audience_no,
            additions_up_to=additions_up_to,
            removals_before=held.now() - REMOVALS_KEPT,
        )


def error_of(stop: Blocked | GaveUp | ComeBack) -> SyncError:
    """What the sync's record says of a stop."""
    failure = stop.failure
    reason = stop.reason.value if isinstance(stop, Blocked) else "COME_BACK"
    if failure is not None and not isinstance(stop, Blocked):
        reason = failure.verdict.value
    return SyncError(
        reason=reason,
        code=failure.code if failure else None,
        subcode=failure.subcode if failure else None,
        message=str(stop),
        trace_id=failure.trace_id if failure else None,
    )
