"""Lets as many calls of an ad account through at once as its pace allows, in this process."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

from service.clock import Clock
from service.graph import Usage
from service.sync import pacing
from service.sync.pacing import Pace
from service.sync.stops import ComeBack

WAIT_INSIDE_RUN_S_MAX: Final = 120.0
"""Seconds: for a longer pause of the account the run is suspended and its lease given up."""


class AccountGate:
    """The pace of one ad account and the calls that are in flight."""

    def __init__(self, *, calls_max: int, clock: Clock) -> None:
        self._clock = clock
        self._pace = Pace.start(calls_max)
        self._in_flight = 0
        self._moved = asyncio.Condition()

    @asynccontextmanager
    async def permit(self) -> AsyncIterator[None]:
        """Wait for a place, hold it for one call.

        Raises ComeBack when the account is stopped for longer than a run waits.
        """
        await self._enter()
        try:
            yield
        finally:
            self._in_flight -= 1
            async with self._moved:
                self._moved.notify_all()

    async def _enter(self) -> None:
        while True:
            wait_s = self.stopped_for_s()
            if wait_s > WAIT_INSIDE_RUN_S_MAX:
                raise ComeBack(wait_s)
            if wait_s > 0:
                await self._clock.sleep(wait_s)
                continue
            async with self._moved:
                if not self._is_full():
                    self._in_flight += 1
                    return
                await self._moved.wait()

    def _is_full(self) -> bool:
        return self._in_flight >= pacing.calls_allowed(self._pace)

    def stopped_for_s(self) -> float:
        """Seconds until calls may be made again; 0 when they may."""
        return max(0.0, self._pace.resume_at - self._clock.monotonic())

    def answered(self, usage: Usage | None) -> None:
        if usage is None:
            usage = Usage(percent=0.0, regain_access_s=0.0, tier=None)
        self._pace = pacing.on_answer(
            self._pace,
            usage_percent=usage.percent,
            regain_access_s=usage.regain_access_s,
            now=self._clock.monotonic(),
        )

    def throttled(self, retry_after_s: float) -> None:
        now = self._clock.monotonic()
        self._pace = pacing.on_throttle(self._pace, retry_after_s=retry_after_s, now=now)

    def troubled(self) -> None:
        self._pace = pacing.on_trouble(self._pace)


class AccountGates:
    """One gate for each ad account that this process has worked for."""

    def __init__(self, *, calls_max: int, clock: Clock) -> None:
        self._calls_max = calls_max
        self._clock = clock
        self._gates: dict[str, AccountGate] = {}

    def of(self, ad_account_id: str) -> AccountGate:
        if ad_account_id not in self._gates:
            self._gates[ad_account_id] = AccountGate(calls_max=self._calls_max, clock=self._clock)
        return self._gates[ad_account_id]
