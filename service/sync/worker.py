"""Claims due audiences and runs them side by side, until told to drain.

Polling the database is the truth; a notification only makes it sooner.
"""

import asyncio
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Final

import structlog

from service.store import leases, syncs
from service.store.errors import StoreUnavailable, map_unavailable
from service.store.history_rows import SyncError
from service.store.notifications import Notifications, Subscription
from service.store.rows import Work
from service.sync.context import SyncContext
from service.sync.held import HeldAudience
from service.sync.lease import Lease
from service.sync.run import run_audience
from service.sync.stops import LeaseLost

DATABASE_RETRY_S: Final = 2.0
"""Seconds before the database is asked again after it could not be reached."""

LOOK_S_MIN: Final = 0.05
"""Seconds between two looks at the database at least."""
DEFECT: Final = SyncError(
    reason="INTERNAL", message="A defect of the service holds this up; its log says more."
)

log = structlog.get_logger(__name__)


@dataclass(slots=True, kw_only=True)
class Worker:
    """The claiming loop of one process.

    Units: `poll_s` seconds between two looks when nothing is announced; `drain_s` seconds that runs
    may take to reach a window's end before they are cancelled (their leases then run out, and
    whoever takes over treats their last calls as unknown).
    """

    context: SyncContext
    notifications: Notifications
    holder: str
    runs_max: int = 8
    poll_s: float = 5.0
    drain_s: float = 30.0
    _runs: set[asyncio.Task[None]] = field(default_factory=set, init=False)
    _draining: asyncio.Event = field(default_factory=asyncio.Event, init=False)

    @property
    def running_count(self) -> int:
        """Audiences that are synced now."""
        return len(self._runs)

    def drain(self) -> None:
        """Claim nothing more; runs stop at the end of their window."""
        self._draining.set()

    async def work(self) -> None:
        """Run until `drain` was called and the runs have ended or were cancelled."""
        announced = self.notifications.subscribe("audience_due", None)
        stopped = self.notifications.subscribe("ad_account_stopped", None)
        try:
            async with asyncio.TaskGroup() as tasks:
                claiming = tasks.create_task(self._keep_claiming(tasks, announced))
                heeding = tasks.create_task(self._heed_stops(stopped))
                await self._draining.wait()
                claiming.cancel()
                await self._finish_runs()
                heeding.cancel()
            await self.context.gates.close()
        finally:
            announced.close()
            stopped.close()
        log.info("worker drained")

    async def _keep_claiming(self, tasks: asyncio.TaskGroup, announced: Subscription) -> None:
        """Until cancelled; whatever the database does, it is asked again."""
        while True:
            try:
                with map_unavailable():
                    claim = await self._claim() if len(self._runs) < self.runs_max else None
                    if claim is not None:
                        self._start(tasks, claim)
                    else:
                        await self._wait(announced, await self._sleep_s())
            except StoreUnavailable as error:
                log.warning("database not reachable", error=str(error))
                await self.context.clock.sleep(DATABASE_RETRY_S)
            except Exception:
                log.exception("claiming failed")
                await self.context.clock.sleep(DATABASE_RETRY_S)

    async def _heed_stops(self, stopped: Subscription) -> None:
        """Until cancelled: let no call start on what was known before a replica stopped an account."""
        while True:
            if await stopped.wait(self.poll_s):
                self.context.gates.look_soon()

    async def _claim(self) -> tuple[Work, float] | None:
        limits, claimed_at = self.context.limits, self.context.clock.monotonic()
        async with self.context.pool.acquire() as connection, connection.transaction():
            work = await leases.claim_due(
                connection,
                holder=self.holder,
                lease_s=limits.lease_s,
                quiet_s=limits.quiet_s,
                recheck_after_s=limits.recheck_after_s,
            )
        return None if work is None else (work, claimed_at)

    def _start(self, tasks: asyncio.TaskGroup, claim: tuple[Work, float]) -> None:
        work, claimed_at = claim
        held = HeldAudience(self.context, work, self._lease(work, claimed_at))
        run = tasks.create_task(self._run(held), name=f"run {work.audience_id}")
        self._runs.add(run)
        run.add_done_callback(self._runs.discard)

    def _lease(self, work: Work, claimed_at: float) -> Lease:
        limits = self.context.limits

        async def renew() -> bool:
            with map_unavailable():
                async with self.context.pool.acquire() as connection:
                    return await leases.renew(
                        connection, work.audience_no, work.lease_token, limits.lease_s
                    )

        return Lease(
            token=work.lease_token,
            lease_s=limits.lease_s,
            call_timeout_s=limits.call_timeout_s,
            claimed_at=claimed_at,
            clock=self.context.clock,
            renew=renew,
        )

    async def _run(self, held: HeldAudience) -> None:
        """One run; what it cannot handle is logged and left to whoever claims the audience next."""
        try:
            with map_unavailable():
                await run_audience(held, self._draining)
        except StoreUnavailable as error:
            log.warning("run ended: database not reachable", error=str(error))
        except Exception:
            log.exception("run failed", audience_id=held.work.audience_id)
            with suppress(Exception):
                await self._tell_of_defect(held)

    async def _tell_of_defect(self, held: HeldAudience) -> None:
        """Let who watches a running sync know why it does not move."""
        with suppress(LeaseLost, StoreUnavailable), map_unavailable():
            for sync in await held.waiting_syncs():
                if sync.state == "RUNNING":
                    await held.write(syncs.hold_up_sync, sync_no=sync.sync_no, error=DEFECT)

    async def _sleep_s(self) -> float:
        if len(self._runs) >= self.runs_max:
            return self.poll_s
        async with self.context.pool.acquire() as connection:
            due_in_s = await leases.next_due_in_s(connection)
        return self.poll_s if due_in_s is None else min(self.poll_s, max(LOOK_S_MIN, due_in_s))

    async def _wait(self, announced: Subscription, timeout_s: float) -> None:
        """Until an audience may be due or a run ends."""
        waiting = asyncio.create_task(announced.wait(timeout_s))
        try:
            await asyncio.wait([waiting, *self._runs], return_when=asyncio.FIRST_COMPLETED)
        finally:
            waiting.cancel()

    async def _finish_runs(self) -> None:
        if self._runs:
            await asyncio.wait(self._runs, timeout=self.drain_s)
        for run in self._runs:
            run.cancel()
