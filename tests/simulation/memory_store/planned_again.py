"""Stands for the texts of `leases.sql` about what is planned once more."""

from datetime import datetime

from tests.simulation.memory_store.held_work import change_held
from tests.simulation.memory_store.named import named
from tests.simulation.memory_store.session import Session
from tests.simulation.memory_store.values import greatest, least


@named("hold_directions")
def hold_directions(
    s: Session,
    *,
    audience_no: int,
    lease_token: int,
    additions_until: datetime | None,
    removals_until: datetime | None,
    recheck_from: int | None,
    recheck_at: datetime | None,
) -> int:
    work = s.held_work(audience_no, lease_token)
    if work is None:
        return 0
    s.tables.audience_work.change(
        audience_no,
        hold_additions_until=greatest(work["hold_additions_until"], additions_until),
        hold_removals_until=greatest(work["hold_removals_until"], removals_until),
        recheck_from=least(work["recheck_from"], recheck_from),
        recheck_at=greatest(work["recheck_at"], recheck_at),
    )
    return 1


@named("move_refresh")
def move_refresh(
    s: Session,
    *,
    audience_no: int,
    lease_token: int,
    phase: str | None,
    revision: int | None,
    after_key: bytes | None,
    after_row_no: int | None,
    due_at: datetime | None,
) -> int:
    return change_held(
        s,
        audience_no,
        lease_token,
        refresh_phase=phase,
        refresh_revision=revision,
        refresh_after_key=after_key,
        refresh_after_row_no=after_row_no,
        refresh_due_at=due_at,
    )


@named("advance_recheck")
def advance_recheck(s: Session, *, audience_no: int, lease_token: int, recheck_from: int) -> int:
    work = s.held_work(audience_no, lease_token)
    if work is None:
        return 0
    moved = None if work["recheck_from"] is None else recheck_from
    s.tables.audience_work.change(audience_no, recheck_from=moved)
    return 1


@named("finish_recheck")
def finish_recheck(
    s: Session,
    *,
    audience_no: int,
    lease_token: int,
    recheck_from_seen: int,
    new_recheck_from: int | None,
    new_recheck_at: datetime | None,
) -> int:
    work = s.held_work(audience_no, lease_token)
    if work is None:
        return 0
    at = work["recheck_from"]
    if at is None or at < recheck_from_seen:
        new_recheck_from = least(at, new_recheck_from)
        new_recheck_at = greatest(work["recheck_at"], new_recheck_at)
    s.tables.audience_work.change(
        audience_no, recheck_from=new_recheck_from, recheck_at=new_recheck_at
    )
    return 1
