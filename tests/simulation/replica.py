"""One simulated replica of the service: the real worker and engine on simulated time and ways."""

import asyncio
import random
from collections.abc import Awaitable, Callable
from typing import Any, Final, cast

from service.graph import GraphClient
from service.store.notifications import Notifications
from service.store.sealing import Keyring
from service.sync.account_gate import AccountGates
from service.sync.context import SyncContext, SyncLimits
from service.sync.pace_board import StoredBoard
from service.sync.worker import Worker
from tests.simulation.network import Network, SimulatedSession
from tests.simulation.process import Killed, Process, ProcessClock

KEYRING = Keyring.from_text("k1:" + "A" * 43 + "=")
POLL_S = 120.0
WINDOW_ROWS_MAX: Final = 6
LIMITS: Final = SyncLimits(
    call_timeout_s=30.0, window_rows_max=WINDOW_ROWS_MAX, recreate_gone_audiences=True
)


class Replica:
    """A process with a worker; starts at once."""

    def __init__(
        self,
        name: str,
        network: Network,
        open_pool: Callable[[Callable[[], Awaitable[None]]], Any],
        *,
        chance: random.Random,
        database_step: Callable[[Process], Awaitable[None]],
        skew_s: float = 0.0,
    ) -> None:
        self.process = Process(chance)
        self.notifications = Notifications()
        clock = ProcessClock(self.process, skew_s=skew_s)
        pool = open_pool(lambda: database_step(self.process))
        context = SyncContext(
            pool=pool,
            graph=GraphClient(
                cast("Any", SimulatedSession(network, self.process)),
                base_url="http://facebook.invalid",
                timeout_s=LIMITS.call_timeout_s,
            ),
            keyring=KEYRING,
            gates=AccountGates(
                calls_max=LIMITS.calls_in_flight,
                clock=clock,
                board=StoredBoard(pool),
                holder=name,
                call_timeout_s=LIMITS.call_timeout_s,
            ),
            clock=clock,
            chance=chance,
            limits=LIMITS,
        )
        self._worker = Worker(
            context=context,
            notifications=self.notifications,
            holder=name,
            runs_max=4,
            poll_s=POLL_S,
            drain_s=30.0,
        )
        self._working = asyncio.get_running_loop().create_task(self._work(), name=name)

    @property
    def is_working(self) -> bool:
        return not self._working.done()

    def kill(self) -> None:
        """End it as SIGKILL does: nothing of it has an effect any more."""
        self.process.is_dead = True
        self._working.cancel()

    def drain(self) -> None:
        """End it as SIGTERM does."""
        self._worker.drain()

    def stop_for(self, seconds: float) -> None:
        """Let it stand still, as SIGSTOP or a long collection of garbage does."""
        self.process.standing_until = asyncio.get_running_loop().time() + seconds

    def hear(self, channel: str, payload: str) -> None:
        if not self.process.is_dead:
            self.notifications._hear(None, 0, channel, payload)

    async def _work(self) -> None:
        try:
            await self._worker.work()
        except (Killed, asyncio.CancelledError):
            return
        except BaseExceptionGroup as group:
            if group.split(Killed)[1] is not None:
                raise
