"""Operations by which the holder of a lease starts a sync, goes on with it and ends it."""

from typing import Any, Final

from hypothesis import strategies as st

from service.store import syncs
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
    )


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
