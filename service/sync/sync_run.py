"""A sync under way: how it begins, sends its windows, stops and ends."""

import asyncio

import structlog

from service.store import audiences, leases, syncs
from service.store.history_rows import Sync
from service.sync.blocking import is_trying, unblock
from service.sync.held import HeldAudience
from service.sync.refresh_position import RefreshPosition, move_refresh
from service.sync.send_window import Sender, WindowOutcome
from service.sync.settle import error_of, find_put_off, settle_new_window, settle_old_rows
from service.sync.stops import Blocked, ComeBack, GaveUp, LeaseLost, Suspended
from service.sync.windows import Window, read_new_window

log = structlog.get_logger(__name__)


class SyncRun:
    """One sync: its record, its sender, and whether to go on."""

    def __init__(
        self, held: HeldAudience, sync: Sync, sender: Sender, draining: asyncio.Event
    ) -> None:
        self.held = held
        self.sync = sync
        self.sender = sender
        self._draining = draining
        self._was_blocked = held.work.blocked_reason is not None

    @classmethod
    async def begin(
        cls, held: HeldAudience, *, mode: str, trigger: str, draining: asyncio.Event
    ) -> "SyncRun":
        """Take the waiting sync, go on with the running one, or make one.

        The end of the sync is fixed under the registry lock, so that who joins it later knows what
        it covers. Raises Blocked, ComeBack, LeaseLost.
        """
        credentials = await held.credentials()
        async with held.transaction() as connection:
            audience = await audiences.lock_audience(connection, held.work.audience_id)
            revision = audience.revision if audience else held.work.revision
            sync = await syncs.start_sync(
                connection,
                held.audience_no,
                held.lease.token,
                mode=mode,
                trigger=trigger,
                target_revision=revision,
            )
        await held.reload()
        if sync is None:
            raise LeaseLost
        return cls(held, sync, Sender(held, credentials, sync.sync_no), draining)

    async def window_ended(self) -> None:
        """Between windows: see what is wished now. Raises Suspended, ComeBack, LeaseLost."""
        await self.held.reload()
        mode = self.held.work.disconnect_mode
        leaving = mode is not None and (mode != "FLUSH" or self.sync.mode == "REFRESH")
        paused = self.held.work.paused and self.held.work.disconnect_mode is None
        blocked = self.held.work.blocked_reason is not None and not self._was_blocked
        if self._draining.is_set() or paused or leaving or blocked:
            raise Suspended
        await self.held.respect_throttle()

    async def stop_if_needed(self, outcome: WindowOutcome) -> None:
        """End or suspend the sync when a window could not be sent whole. Raises its stop."""
        if outcome.stop is None:
            return
        if isinstance(outcome.stop, ComeBack):
            await self.held.write(
                syncs.hold_up_sync, sync_no=self.sync.sync_no, error=error_of(outcome.stop)
            )
        else:
            await self._fail(outcome, outcome.stop)
        raise outcome.stop

    async def _fail(self, outcome: WindowOutcome, stop: Blocked | GaveUp) -> None:
        additions, removals = outcome.additions, outcome.removals
        await self.held.write(
            syncs.end_sync,
            sync_no=self.sync.sync_no,
            state="FAILED",
            error=error_of(stop),
            rows_to_add=additions.accepted + additions.rows_invalid + additions.unknown,
            rows_to_remove=removals.accepted + removals.rows_invalid + removals.unknown,
            rows_added=additions.accepted,
            rows_removed=removals.accepted,
            rows_invalid=additions.rows_invalid + removals.rows_invalid,
            rows_unknown=outcome.unknown,
            calls_delta=0,
        )

    async def succeed(self) -> None:
        """End the sync; what was refused or carried over makes it a partial success."""
        async with self.held.transaction() as connection:
            totals = await syncs.find_sync(connection, self.held.audience_no, self.sync.sync_no)
            losses = totals is not None and totals.rows_invalid + totals.rows_carried_over > 0
            ended = syncs.end_sync(
                connection,
                self.held.audience_no,
                self.held.lease.token,
                sync_no=self.sync.sync_no,
                state="PARTIALLY_SUCCEEDED" if losses else "SUCCEEDED",
            )
            await self.held.guard(ended)

    async def send_new_windows(self, *, up_to: int) -> None:
        """Send the log from the cursor up to a revision. Raises Blocked, GaveUp, ComeBack, Suspended."""
        while self.held.work.synced_revision < up_to:
            # In a call of its own, so that a window is forgotten before the next one is read.
            if not await self._send_new_window(up_to):
                await self._jump_over_lost_log(up_to)
                return
            await self.window_ended()

    async def _send_new_window(self, up_to: int) -> bool:
        held = self.held
        after = held.work.synced_revision
        window = await read_new_window(held, after=after, up_to=up_to)
        if window is None:
            return False
        outcome = await self.sender.send(window.plan, planned_from=after)
        await self.stop_if_needed(outcome)
        await settle_new_window(held, self.sync.sync_no, window, outcome)
        if outcome.calls and is_trying(held):
            await unblock(held)
        return True

    async def send_again(self, window: Window, position: RefreshPosition) -> None:
        """Send rows of a refresh and move its position. Raises Blocked, GaveUp, ComeBack, Suspended."""
        held = self.held
        outcome = await self.sender.send(window.plan, planned_from=window.after)
        await self.stop_if_needed(outcome)
        put_off = await find_put_off(window, outcome)
        async with held.transaction() as connection:
            await settle_old_rows(held, self.sync.sync_no, put_off, outcome, connection=connection)
            await move_refresh(held, position, connection)
        await self.window_ended()

    async def _jump_over_lost_log(self, up_to: int) -> None:
        """The log has a gap, as after a database failover: the refresh sends what it told."""
        log.error("change log has a gap; a refresh will make good", up_to=up_to)
        held = self.held
        async with held.transaction() as connection:
            audience = await audiences.lock_audience(connection, held.work.audience_id)
            is_end = audience is not None and audience.revision <= up_to
            jumped = leases.settle_window(
                connection,
                held.audience_no,
                held.lease.token,
                synced_revision=up_to,
                rows_settled=audience.pending_change_count if audience and is_end else 0,
            )
            await held.guard(jumped)
        await move_refresh(held, RefreshPosition(due_at=held.now()))
        await held.reload()
