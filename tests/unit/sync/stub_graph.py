"""A Graph client that answers from a script, for tests of what is made of its answers."""

import asyncio
import random
from collections import deque
from collections.abc import Callable, Sequence
from typing import cast

from service.clock import Clock
from service.graph import Credentials, GraphClient, GraphFailure, Receipt, Verdict
from service.sync.account_gate import AccountGate
from service.sync.lease import Lease
from service.sync.upload import Uplink

Answer = Receipt | GraphFailure
Answerer = Callable[[str, Sequence[bytes]], Answer]


def receipt(
    received: int, refused: dict[bytes, str] | None = None, *, invalid: int | None = None
) -> Receipt:
    samples = refused or {}
    return Receipt(
        num_received=received,
        num_invalid=len(samples) if invalid is None else invalid,
        samples=samples,
        session_id="1",
        usage=None,
        trace_id="trace",
    )


def failure(verdict: Verdict, *, retry_after_s: float | None = None) -> GraphFailure:
    return GraphFailure(verdict, message="said so", retry_after_s=retry_after_s)


class InstantClock(Clock):
    """Sleeping takes no time, but time passes; other tasks run meanwhile."""

    def __init__(self) -> None:
        self.time = 1000.0
        self.slept: list[float] = []

    def monotonic(self) -> float:
        return self.time

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.time += seconds
        await asyncio.sleep(0)


class StubGraph:
    """Answers each call by `answer`, or in turn from `script` and then with a clean receipt."""

    def __init__(self, *script: Answer, answer: Answerer | None = None) -> None:
        self.calls: list[tuple[str, list[bytes]]] = []
        self.in_flight = self.most_in_flight = 0
        self._script = deque(script)
        self._answer = answer or self._next

    def _next(self, _: str, rows: Sequence[bytes]) -> Answer:
        return self._script.popleft() if self._script else receipt(len(rows))

    async def add_users(
        self, _: Credentials, __: str, rows: Sequence[bytes], *, session_id: int
    ) -> Receipt:
        return await self._call("ADD", rows)

    async def remove_users(
        self, _: Credentials, __: str, rows: Sequence[bytes], *, session_id: int
    ) -> Receipt:
        return await self._call("REMOVE", rows)

    async def _call(self, operation: str, rows: Sequence[bytes]) -> Receipt:
        self.calls.append((operation, list(rows)))
        self.in_flight += 1
        self.most_in_flight = max(self.most_in_flight, self.in_flight)
        try:
            await asyncio.sleep(0)
            answer = self._answer(operation, rows)
        finally:
            self.in_flight -= 1
        if isinstance(answer, GraphFailure):
            raise answer
        return answer


def a_lease(clock: Clock, *, ours: bool = True) -> Lease:
    async def renew() -> bool:
        return ours

    return Lease(
        token=1,
        lease_s=60,
        call_timeout_s=30,
        claimed_at=clock.monotonic(),
        clock=clock,
        renew=renew,
    )


def an_uplink(
    graph: StubGraph, *, clock: InstantClock | None = None, lease: Lease | None = None
) -> Uplink:
    clock = clock or InstantClock()
    return Uplink(
        graph=cast("GraphClient", graph),
        credentials=Credentials(access_token="t"),
        custom_audience_id="1",
        gate=AccountGate(calls_max=8, clock=clock),
        lease=lease or a_lease(clock),
        clock=clock,
        chance=random.Random(1),
    )
