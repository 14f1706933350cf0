"""Lets as many calls of an ad account through at once as its pace allows this process.

Between audiences that wait, places go round by turns. No call starts while the account is stopped as
far as this process knows, and it knows what the board said at most a second before it let the call in.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from typing import Final

import structlog

from service.clock import Clock
from service.graph import GraphFailure, Usage, Verdict
from service.store.errors import StoreUnavailable
from service.sync.account_view import BEAT_S, AccountView
from service.sync.fair_line import FairLine, Ticket
from service.sync.pace_board import LocalBoard, PaceBoard
from service.sync.pace_shares import Part
from service.sync.pacing import Answered, Event, Throttled, Told, Troubled
from service.sync.stops import ComeBack

WAIT_INSIDE_RUN_S_MAX: Final = 120.0
"""Seconds: for a longer pause of the account the run is suspended and its lease given up."""
CALL_TIMEOUT_S: Final = 30.0
CALL_MARGIN: Final = 1.1
"""A call has surely ended after its time-out times this."""
CLOSE_S_MAX: Final = 3.0
"""Seconds that giving all places back takes at the end of the process."""

_TROUBLES = frozenset({Verdict.TRANSIENT, Verdict.NOT_SENT, Verdict.UNKNOWN_OUTCOME})

log = structlog.get_logger(__name__)


async def _ready_at_once() -> None:
    return


@dataclass(slots=True)
class Permit:
    """One call that may be made.

    `stopped_for_s`: seconds that this call waited because the account was stopped. Calls wait side by
    side: for how long a sync was held up, read `AccountGate.stopped_total_s` before and after instead.
    """

    began_at: float
    stopped_for_s: float
    usage: Usage | None = None
    was_answered: bool = False

    def answered(self, usage: Usage | None) -> None:
        """Facebook did what was asked; what its answer told of the account's allowance."""
        self.usage = usage
        self.was_answered = True


class AccountGate:
    """The pace of one ad account, the calls that are in flight, and those that wait."""

    def __init__(
        self,
        *,
        calls_max: int,
        clock: Clock,
        ad_account_id: str = "",
        board: PaceBoard | None = None,
        holder: str = "",
        call_timeout_s: float = CALL_TIMEOUT_S,
    ) -> None:
        self._clock = clock
        self._calls_max = calls_max
        self._holder = holder
        self._call_s = call_timeout_s * CALL_MARGIN
        self._in_flight = 0
        self._line = FairLine()
        self._moved = asyncio.Event()
        self._tending: asyncio.Task[None] | None = None
        self._view = AccountView(
            ad_account_id,
            calls_max=calls_max,
            clock=clock,
            board=board or LocalBoard(clock),
            part=self._part,
        )

    @asynccontextmanager
    async def permit(
        self, audience: str = "", *, ready: Callable[[], Awaitable[None]] = _ready_at_once
    ) -> AsyncIterator[Permit]:
        """Wait for a place, hold it for one call, and learn from how the call ends.

        `ready` is awaited last; after it the call begins in the same turn of the loop, if the account
        is not stopped by then. What the call raises passes through.
        Raises ComeBack when the account is stopped for longer than a run waits; StoreUnavailable.
        """
        permit = await self._enter(audience, ready)
        try:
            yield permit
        except GraphFailure as failure:
            self._learn(permit, failure.usage, failure)
            raise
        else:
            self._learn(permit, permit.usage)
        finally:
            self._leave()
            await self._view.tell_stop()

    def throttled(self, retry_after_s: float) -> None:
        """Stop the account from here on; the other replicas learn of it with the next look."""
        now = self._view.now()
        self._note(Throttled(now, began_at=now, retry_after_s=retry_after_s))

    def stopped_for_s(self) -> float:
        """Seconds until calls may be made again; 0 when they may."""
        return self._view.stopped_for_s()

    def stopped_total_s(self) -> float:
        """Seconds for which the account was stopped so far, as far as this process knew."""
        return self._view.stopped_total_s()

    def look_soon(self) -> None:
        """Start no call before the board was looked at again."""
        self._view.look_soon()

    async def close(self) -> None:
        """Give the places back when no call is in flight."""
        if self._tending is not None:
            self._tending.cancel()
            with suppress(asyncio.CancelledError):
                await self._tending
            await self._tell_board()

    async def _enter(self, audience: str, ready: Callable[[], Awaitable[None]]) -> Permit:
        stopped_s = 0.0
        while True:
            stopped_s += await self._sit_out_stop()
            if not await self._take_place(audience):
                continue
            try:
                await ready()
            except BaseException:
                self._leave()
                raise
            if self.stopped_for_s() <= 0 and self._view.may_start():
                return Permit(self._view.now(), stopped_s)
            self._leave()

    async def _sit_out_stop(self) -> float:
        sat_out_s = 0.0
        while (wait_s := self.stopped_for_s()) > 0:
            if wait_s > WAIT_INSIDE_RUN_S_MAX:
                raise ComeBack(wait_s, is_throttled=True)
            await self._clock.sleep(wait_s)
            sat_out_s += wait_s
        return sat_out_s

    async def _take_place(self, audience: str) -> bool:
        """Wait for the turn of this audience; False when the account was stopped meanwhile."""
        ticket = self._line.join(audience)
        try:
            while True:
                await self._view.look_if_stale()
                if self.stopped_for_s() > 0:
                    return False
                if self._is_my_turn(ticket):
                    self._line.serve(ticket)
                    self._in_flight += 1
                    return True
                await self._wait_for_move()
        finally:
            self._line.leave(ticket)
            self._tell_moved()

    def _is_my_turn(self, ticket: Ticket) -> bool:
        return self._in_flight < self._view.room() and self._line.is_next(ticket)

    async def _wait_for_move(self) -> None:
        """Until a call ends or another waits no more; places of other replicas are asked for."""
        moved = asyncio.create_task(self._moved.wait())
        waits: set[asyncio.Task[object]] = {moved}
        if self._in_flight == 0 or self._view.is_shared():
            waits.add(asyncio.create_task(self._clock.sleep(BEAT_S)))
        try:
            await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for wait in waits:
                wait.cancel()

    def _tell_moved(self) -> None:
        self._moved.set()
        self._moved = asyncio.Event()

    def _leave(self) -> None:
        self._in_flight -= 1
        self._tell_moved()
        if self._tending is None and (self._is_idle() or self._view.is_shared()):
            self._tending = asyncio.create_task(self._tend())

    def _is_idle(self) -> bool:
        return self._in_flight == 0 and len(self._line) == 0

    async def _tend(self) -> None:
        """A moment after a call ended: tell the other replicas what is not needed here any more."""
        await self._clock.sleep(BEAT_S)
        self._tending = None
        await self._tell_board()

    async def _tell_board(self) -> None:
        try:
            if self._is_idle():
                await self._view.look()
                self._view.look_soon()  # whoever comes next asks for places first
            else:
                await self._view.look_if_stale()
        except StoreUnavailable as error:
            log.info("places not given back, they run out", error=str(error))
        except Exception:
            log.exception("places not given back, they run out")
        self._tell_moved()

    def _part(self) -> Part:
        wanted = min(self._calls_max, self._in_flight + len(self._line))
        return Part(self._holder, self._in_flight, wanted, self._call_s)

    def _learn(
        self, permit: Permit, usage: Usage | None, failure: GraphFailure | None = None
    ) -> None:
        now, began_at = self._view.now(), permit.began_at
        if usage is not None:
            self._note(Told(now, usage.percent, usage.regain_access_s))
        if permit.was_answered:
            self._note(Answered(now, took_s=max(0.0, now - began_at)))
        elif failure is None:
            return
        elif failure.verdict is Verdict.LIMITED:
            self._note(Throttled(now, began_at, failure.retry_after_s or 0.0))
        elif failure.verdict in _TROUBLES:
            self._note(Troubled(now, began_at))

    def _note(self, event: Event) -> None:
        self._view.note(event)


class AccountGates:
    """One gate for each ad account that this process has worked for.

    `board`: what replicas share; without one this process has the accounts for itself. `holder` names
    this process on it.
    """

    def __init__(
        self,
        *,
        calls_max: int,
        clock: Clock,
        board: PaceBoard | None = None,
        holder: str = "",
        call_timeout_s: float = CALL_TIMEOUT_S,
    ) -> None:
        self._calls_max = calls_max
        self._clock = clock
        self._board = board
        self._holder = holder
        self._call_timeout_s = call_timeout_s
        self._gates: dict[str, AccountGate] = {}

    def of(self, ad_account_id: str) -> AccountGate:
        if ad_account_id not in self._gates:
            self._gates[ad_account_id] = AccountGate(
                calls_max=self._calls_max,
                clock=self._clock,
                ad_account_id=ad_account_id,
                board=self._board,
                holder=self._holder,
                call_timeout_s=self._call_timeout_s,
            )
        return self._gates[ad_account_id]

    def look_soon(self) -> None:
        """Start no call before the board was looked at again: an account was stopped somewhere."""
        for gate in self._gates.values():
            gate.look_soon()

    def stopped_s(self) -> dict[str, float]:
        """Seconds for which each account was stopped so far, as far as this process knew."""
        return {name: gate.stopped_total_s() for name, gate in self._gates.items()}

    async def close(self) -> None:
        """Give the places of all accounts back, so that other replicas need not wait for them."""
        with suppress(TimeoutError):
            async with asyncio.timeout(CLOSE_S_MAX):
                await asyncio.gather(*(gate.close() for gate in self._gates.values()))
