"""Where a refresh stands, and when the next one, or its next try, is due."""

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Self

from service.store import leases
from service.store.connection import Connection
from service.store.rows import Work
from service.sync.held import HeldAudience


@dataclass(frozen=True, slots=True, kw_only=True)
class RefreshPosition:
    """Phase None: not begun. REMOVALS: up to `revision`. MEMBERS: up to a member's row."""

    due_at: datetime | None
    phase: str | None = None
    revision: int | None = None
    after_key: bytes | None = None
    after_row_no: int | None = None

    @classmethod
    def of(cls, work: Work) -> Self:
        return cls(
            due_at=work.refresh_due_at,
            phase=work.refresh_phase,
            revision=work.refresh_revision,
            after_key=work.refresh_after_key,
            after_row_no=work.refresh_after_row_no,
        )

    def at_removals(self, revision: int) -> "RefreshPosition":
        return RefreshPosition(due_at=self.due_at, phase="REMOVALS", revision=revision)

    def at_members(self, after_key: bytes | None, after_row_no: int | None) -> "RefreshPosition":
        return RefreshPosition(
            due_at=self.due_at, phase="MEMBERS", after_key=after_key, after_row_no=after_row_no
        )

    def again_at(self, due_at: datetime) -> "RefreshPosition":
        return replace(self, due_at=due_at)


async def move_refresh(
    held: HeldAudience, position: RefreshPosition, connection: Connection | None = None
) -> None:
    """Store a position, in the caller's transaction if there is one. Raises LeaseLost."""
    if connection is None:
        async with held.transaction() as own:
            await move_refresh(held, position, own)
        return
    moved = leases.move_refresh(
        connection,
        held.audience_no,
        held.lease.token,
        phase=position.phase,
        revision=position.revision,
        after_key=position.after_key,
        after_row_no=position.after_row_no,
        due_at=position.due_at,
    )
    await held.guard(moved)


async def forget_position(held: HeldAudience) -> None:
    """Let the next refresh begin at its beginning. Raises LeaseLost."""
    if held.work.refresh_phase is not None:
        await move_refresh(held, RefreshPosition(due_at=held.work.refresh_due_at))
