"""What one process knows of an ad account's pace, kept in step with the board that replicas share."""

import asyncio
from collections import deque
from collections.abc import Callable
from dataclasses import replace
from functools import reduce
from typing import Final

import structlog

from service.clock import Clock
from service.store.errors import StoreUnavailable
from service.sync import pacing
from service.sync.pace_board import PaceBoard, Posting
from service.sync.pace_shares import SILENT_S, AccountPace, Part, take_part
from service.sync.pacing import Event

BEAT_S: Final = 1.0
"""Seconds for which a look at the board is good; calls start on nothing older."""
START_S_MAX: Final = SILENT_S / 2
"""Seconds after a look within which a call starts; the rest is for clocks that run apart."""
ROUNDED_S: Final = 0.001
"""Seconds by which the database's rounding may move a time."""
SWAPS_MAX: Final = 16
"""Tries to post before the look is given up: others posted in between every time."""
EVENTS_MAX: Final = 10_000
"""Events kept until they are posted; the oldest are forgotten."""

log = structlog.get_logger(__name__)


class AccountView:
    """The account's pace and stops as last seen, with what happened here since.

    `part`: says what this process has in flight and wants at that moment.
    """

    def __init__(
        self,
        ad_account_id: str,
        *,
        calls_max: int,
        clock: Clock,
        board: PaceBoard,
        part: Callable[[], Part],
    ) -> None:
        self._ad_account_id = ad_account_id
        self._calls_max = calls_max
        self._clock = clock
        self._board = board
        self._part = part
        self._posting: Posting | None = None
        self._account = AccountPace(pacing.Pace.start(calls_max))
        self._not_posted: deque[Event] = deque(maxlen=EVENTS_MAX)
        self._looking = asyncio.Lock()
        self._looked_at = -BEAT_S
        self._has_looked = False
        self._told_stop = 0.0
        """The stop of the board that was heeded last, or told it: the same is not heeded twice."""
        self._untold_stop = False
        self._stop_began, self._resume_at, self._stopped_before_s = 0.0, 0.0, 0.0
        self.places = 0

    # Stops

    def stopped_for_s(self) -> float:
        """Seconds until calls may be made again; 0 when they may."""
        return max(0.0, self._resume_at - self._clock.monotonic())

    def stopped_total_s(self) -> float:
        """Seconds for which the account was stopped so far, as far as this process knew."""
        until = min(self._clock.monotonic(), self._resume_at)
        return self._stopped_before_s + max(0.0, until - self._stop_began)

    def _stop(self, for_s: float) -> bool:
        """Stop for so long; False when it is stopped for as long already: no stop is ever shortened."""
        if for_s <= self.stopped_for_s():
            return False
        now = self._clock.monotonic()
        if now >= self._resume_at:
            self._stopped_before_s = self.stopped_total_s()
            self._stop_began = now
        self._resume_at = now + for_s
        return True

    async def tell_stop(self) -> None:
        """Stop all replicas for as long as this one has found; harmless when there is nothing to tell.

        What cannot be told now is told with the next look.
        """
        if not self._untold_stop or self._posting is None:
            return
        until = self.now() + self.stopped_for_s()
        self._untold_stop = False
        self._told_stop = max(self._told_stop, until)
        try:
            await self._board.stop(self._ad_account_id, until)
        except StoreUnavailable as error:
            self._untold_stop = True
            log.warning("stop of the account not shared yet", error=str(error))
        except BaseException:
            self._untold_stop = True
            raise

    # Events

    def now(self) -> float:
        """The board's time, carried on by our monotonic clock."""
        if self._posting is None:
            return self._clock.monotonic()
        return self._posting.read_at + (self._clock.monotonic() - self._looked_at)

    def note(self, event: Event) -> None:
        """Heed an event at once; the others learn of it with the next look."""
        pace = pacing.on_event(self._account.pace, event)
        self._account = replace(self._account, pace=pace)
        self._not_posted.append(event)
        until = pacing.stop_until(event)
        if until is not None and self._stop(until - self.now()):
            self._untold_stop = True

    # Looking

    def room(self) -> int:
        """Calls that this process may have in flight now."""
        return min(self.places, pacing.calls_allowed(self._account.pace, self.now()))

    def is_shared(self) -> bool:
        """Whether another replica has calls for this account."""
        return self._account.others(self._part().name)

    def may_start(self) -> bool:
        """Whether what is known is fresh enough for a call to start on it."""
        age_s = self._clock.monotonic() - self._looked_at
        return self._has_looked and age_s < START_S_MAX

    def look_soon(self) -> None:
        """Start no call before the board was looked at again."""
        self._has_looked = False

    async def look_if_stale(self) -> None:
        """Look at the board unless that was done within the last second. Raises StoreUnavailable."""
        if self._is_stale():
            async with self._looking:
                if self._is_stale():
                    await self._look()

    async def look(self) -> None:
        """Tell the board what is wanted here, and see what it has. Raises StoreUnavailable."""
        async with self._looking:
            await self._look()

    def _is_stale(self) -> bool:
        return not self._has_looked or self._clock.monotonic() - self._looked_at >= BEAT_S

    async def _look(self) -> None:
        await self.tell_stop()
        asked_at = self._clock.monotonic()
        made_from = self._posting and replace(self._posting, read_at=self.now())
        for _ in range(SWAPS_MAX):
            if made_from is None:
                asked_at = self._clock.monotonic()
                made_from = await self._board.read(self._ad_account_id, calls_max=self._calls_max)
            posting = await self._swap(made_from)
            if posting is not None:
                self._see(posting, asked_at)
                return
            made_from = None
        raise StoreUnavailable("the pace of the account is contended")

    async def _swap(self, made_from: Posting) -> Posting | None:
        """Post our part. Until that is answered no call starts that the old or the new forbid."""
        events, part = list(self._not_posted), self._part()
        pace = reduce(pacing.on_event, events, made_from.account.pace)
        new = take_part(replace(made_from.account, pace=pace), part, made_from.read_at)
        self.places = min(self.places, new.places_of(part.name))
        posting = await self._board.swap(self._ad_account_id, made_from, new)
        if posting is not None:
            for _ in events:
                self._not_posted.popleft()
        return posting

    def _see(self, posting: Posting, asked_at: float) -> None:
        self._posting, self._looked_at, self._has_looked = posting, asked_at, True
        pace = reduce(pacing.on_event, self._not_posted, posting.account.pace)
        self._account = replace(posting.account, pace=pace)
        self.places = posting.account.places_of(self._part().name)
        if posting.stopped_until > self._told_stop + ROUNDED_S:
            self._told_stop = posting.stopped_until
            self._stop(posting.stopped_until - posting.read_at)
