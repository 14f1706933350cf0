"""The right to write for one audience, here and at Facebook, for as long as it is renewed.

Time is counted on this process's monotonic clock from before a claim or renewal was sent, so that we
believe less of the lease than the database grants.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from typing import Final

import structlog

from service.clock import Clock
from service.store.errors import StoreUnavailable
from service.sync.stops import LeaseLost

RENEWALS_PER_LEASE: Final = 6
CALL_MARGIN: Final = 1.1
"""A lease outlives a call's time-out by this factor, for timers that fire late and clock drift."""

log = structlog.get_logger(__name__)


class Lease:
    """Renews itself while `keep` runs."""

    def __init__(
        self,
        *,
        token: int,
        lease_s: float,
        call_timeout_s: float,
        claimed_at: float,
        clock: Clock,
        renew: Callable[[], Awaitable[bool]],
    ) -> None:
        self.token = token
        self._lease_s = lease_s
        self._call_s = call_timeout_s * CALL_MARGIN
        self._clock = clock
        self._renew = renew
        self._ends_at = claimed_at + lease_s
        self._lost = False
        self.has_unnoted_call = False
        """Whether a call without answer may still land, of which the database does not know yet."""

    async def outlive_a_call(self) -> None:
        """Make sure that a call which starts now ends, or times out, within the lease.

        Raises LeaseLost, also when the lease is short and cannot be renewed now.
        """
        if not self._outlives_a_call():
            await self.renew_once()
        if not self._outlives_a_call():
            raise LeaseLost

    @contextmanager
    def call(self) -> Iterator[None]:
        """Around each write to Facebook."""
        try:
            yield
        except asyncio.CancelledError:
            self.has_unnoted_call = True
            raise

    def _outlives_a_call(self) -> bool:
        return not self._lost and self._clock.monotonic() + self._call_s <= self._ends_at

    async def keep(self) -> None:
        """Renew until cancelled, or until the lease is lost."""
        while not self._lost:
            await self._clock.sleep(self._lease_s / RENEWALS_PER_LEASE)
            await self.renew_once()

    async def renew_once(self) -> None:
        asked_at = self._clock.monotonic()
        try:
            still_ours = await self._renew()
        except (StoreUnavailable, TimeoutError) as error:
            log.warning("lease not renewed", error=str(error))
            return
        if still_ours:
            self._ends_at = asked_at + self._lease_s
        else:
            self._lost = True
            log.warning("lease lost")
