"""Operations by which the holder of a lease starts a sync, goes on with it and ends it."""

from datetime import UTC, datetime
from typing import Any, Final

from hypothesis import strategies as st

from service.store import match_counts, syncs
from service.store.rows import LeaseClaim
from tests.integration.store_operations import AGE, MODE, REVISION, Actor, operation

ERROR: Final = st.none() | st.just(syncs.SyncError(reason="FAILED", code=1, message="so"))
COUNTS: Final = st.tuples(*[st.sampled_from([0, 0, 0, 1, 2])] * 4)


@operation(
    often=3,
    age=AGE,
    mode=MODE,
    trigger=st.sampled_from([*["SCHEDULE"] * 7, "OTHER"]),
    revision=REVISION,
)
async def start_sync(actor: Actor, age: int, mode: str, trigger: str, revision: int) -> object:
    held = actor.held(age)
    sync = await syncs.start_sync(*held, mode=mode, trigger=trigger, target_revision=revision)
    if sync is not None:
        actor.begun.append((LeaseClaim(*held[1:]), sync.sync_no))
    return sync


@operation(often=2, age=AGE, counts=COUNTS)
async def progress(actor: Actor, age: int, counts: tuple[int, ...]) -> object:
    held, sync_no = actor.running(age)
    to_add, to_remove, added, removed = counts
    return await syncs.progress_sync(
        *held,
        sync_no=sync_no,
        open_rows_to_add=to_add,
        open_rows_to_remove=to_remove,
        open_rows_added=added,
        open_rows_removed=removed,
        calls_delta=1,
        throttled_ms_delta=added * 60_000,
        addition_session_ids=range(100, 100 + added * 400),
        removal_session_ids=[7] * removed,
    )


@operation(age=AGE)
async def throttle(actor: Actor, age: int) -> object:
    return await syncs.note_throttled(*actor.held(age))


@operation(often=2, age=AGE, sync_no=st.integers(1, 3), matched=st.sampled_from([0, 5, -1]))
async def match(actor: Actor, age: int, sync_no: int, matched: int) -> object:
    held = actor.held(age)
    unmatched = await match_counts.list_unmatched_syncs(
        *held[:2], ended_from=datetime(2020, 1, 1, tzinfo=UTC), limit=2
    )
    counted = await match_counts.set_matched_count(*held, sync_no=sync_no, matched_count=matched)
    return unmatched, counted


def totals(counts: tuple[int, ...], missing: int) -> dict[str, Any]:
    """Figures of a window that add up when nothing is missing."""
    added, removed, invalid, _ = counts
    return {
        "rows_to_add": sum(counts) - removed + missing,
        "rows_to_remove": removed,
        "rows_added": added,
        "rows_removed": removed,
        "rows_invalid": invalid,
        "calls_delta": 2,
    }


MISSING: Final = st.sampled_from([0, 0, 0, 0, 1])


@operation(often=4, age=AGE, counts=COUNTS, missing=MISSING)
async def settle_sync(actor: Actor, age: int, counts: tuple[int, ...], missing: int) -> object:
    held, sync_no = actor.running(age)
    figures = {**totals(counts, missing), "rows_carried_over": counts[3]}
    return await syncs.settle_sync_window(*held, sync_no=sync_no, **figures)


@operation(
    often=3,
    age=AGE,
    state=st.sampled_from(["SUCCEEDED", "PARTIALLY_SUCCEEDED", "FAILED", "FAILED", "RUNNING"]),
    error=ERROR,
    counts=COUNTS,
    missing=MISSING,
)
async def end_sync(
    actor: Actor,
    age: int,
    state: str,
    error: syncs.SyncError | None,
    counts: tuple[int, ...],
    missing: int,
) -> object:
    held, sync_no = actor.running(age)
    figures = {**totals(counts, missing), "rows_unknown": counts[3]}
    return await syncs.end_sync(*held, sync_no=sync_no, state=state, error=error, **figures)


@operation(often=2, age=AGE, error=ERROR, rows=st.sampled_from([1, 1, 1, 2, 2, 3, 0]))
async def tell_of_sync(actor: Actor, age: int, error: syncs.SyncError | None, rows: int) -> object:
    held, sync_no = actor.running(age)
    held_up = await syncs.hold_up_sync(*held, sync_no=sync_no, error=error)
    counts = {(1, "INVALID"): rows, (2, "INVALID"): 1}
    await syncs.add_rejected_rows(*held[:2], sync_no, counts)
    return held_up


@operation(age=AGE)
async def cancel_waiting(actor: Actor, age: int) -> object:
    return await syncs.cancel_waiting(*actor.held(age))
