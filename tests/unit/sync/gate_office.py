"""Gates of several processes on one board, and calls that last until a test ends them."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

from service.graph import GraphFailure, Usage
from service.store.errors import StoreUnavailable
from service.sync.account_gate import AccountGate
from service.sync.pace_board import LocalBoard, Posting
from service.sync.pace_shares import AccountPace, Holder
from tests.unit.sync.hand_clock import HandClock, settle_down

ACCOUNT = "act_1"
CALL_S = 30.0


class SharedBoard(LocalBoard):
    """A board that several gates post on; stops are seen as in Postgres, and posts are counted."""

    def __init__(self, clock: HandClock) -> None:
        super().__init__(clock)
        self.stopped_until = 0.0
        self.reads = self.swaps = 0
        self.lag_s = 0.0
        """Seconds that this clock fell behind the gates'."""
        self.is_down = False
        self.before_swap: Callable[[], Awaitable[None]] | None = None

    async def read(self, ad_account_id: str, *, calls_max: int) -> Posting:
        self._answer()
        self.reads += 1
        return self._with_stop(await super().read(ad_account_id, calls_max=calls_max))

    async def swap(
        self, ad_account_id: str, made_from: Posting, new: AccountPace
    ) -> Posting | None:
        if self.before_swap is not None:
            await self.before_swap()
        self._answer()
        self.swaps += 1
        posting = await super().swap(ad_account_id, made_from, new)
        return None if posting is None else self._with_stop(posting)

    async def stop(self, ad_account_id: str, until: float) -> None:
        self._answer()
        self.stopped_until = max(self.stopped_until, until)

    async def holders(self) -> dict[str, Holder]:
        posting = await LocalBoard.read(self, ACCOUNT, calls_max=8)
        return {holder.name: holder for holder in posting.account.holders}

    def _answer(self) -> None:
        if self.is_down:
            raise StoreUnavailable

    def _with_stop(self, posting: Posting) -> Posting:
        read_at = posting.read_at - self.lag_s
        return Posting(posting.version, posting.account, self.stopped_until, read_at)


class Office:
    """Gates of several processes on one board, and the calls that they let through."""

    def __init__(self, tasks: asyncio.TaskGroup) -> None:
        self.clock = HandClock()
        self.board = SharedBoard(self.clock)
        self.in_flight: list[tuple[str, str]] = []
        self.began: list[str] = []
        self.most_in_flight = 0
        self.calls: list[asyncio.Task[None]] = []
        self._tasks = tasks
        self._ends: dict[tuple[str, str], list[asyncio.Event]] = {}

    def gate(self, holder: str = "a", *, calls_max: int = 8) -> AccountGate:
        return AccountGate(
            calls_max=calls_max,
            clock=self.clock,
            ad_account_id=ACCOUNT,
            board=self.board,
            holder=holder,
            call_timeout_s=CALL_S,
        )

    def call(
        self, gate: AccountGate, audience: str = "x", *, ends: Any = None
    ) -> asyncio.Task[None]:
        """A call that lasts until `end`; `ends`: the usage it tells or the failure it ends with."""
        call = self._tasks.create_task(self.one_call(gate, audience, ends))
        self.calls.append(call)
        return call

    async def one_call(self, gate: AccountGate, audience: str, ends: Any) -> None:
        key = (gate._holder, audience)
        async with gate.permit(audience) as permit:
            assert gate.stopped_for_s() == 0
            end = asyncio.Event()
            self._ends.setdefault(key, []).append(end)
            self.in_flight.append(key)
            self.began.append(audience)
            self.most_in_flight = max(self.most_in_flight, len(self.in_flight))
            try:
                await end.wait()
            finally:
                self.in_flight.remove(key)
            if isinstance(ends, GraphFailure):
                raise ends
            permit.answered(ends)

    async def end(self, holder: str = "a", audience: str = "x", count: int = 1) -> None:
        for _ in range(count):
            self._ends[holder, audience].pop(0).set()
        await settle_down()

    def count(self, holder: str) -> int:
        return sum(name == holder for name, _ in self.in_flight)


@asynccontextmanager
async def an_office() -> AsyncIterator[Office]:
    """Whatever still waits or runs at the end of the test is cancelled."""
    async with asyncio.timeout(20), asyncio.TaskGroup() as tasks:
        office = Office(tasks)
        yield office
        for task in office.calls:
            task.cancel()


def usage(percent: float, regain_access_s: float = 0.0) -> Usage:
    return Usage(percent=percent, regain_access_s=regain_access_s)
