"""Sends one phase of a window, additions or removals, in concurrent batches, and judges the answers.

Everything that a call can end with is decided here and nowhere else: retried, waited for, halved,
carried over, given up, or blocked. The Graph client itself never retries.
"""

import asyncio
import random
from collections import Counter, deque
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Final

from service.clock import Clock
from service.graph import Credentials, GraphClient, GraphFailure, Receipt, Verdict
from service.sync.account_gate import WAIT_INSIDE_RUN_S_MAX, AccountGate
from service.sync.consequences import BlockedReason, Consequence, blocked_reason_of, consequence_of
from service.sync.lease import Lease
from service.sync.log_reading import Operation
from service.sync.receipts import NOT_TOLD, read_receipt, rejection, session_ids_of
from service.sync.schedule import backoff_s
from service.sync.second_chances import SecondChances
from service.sync.stops import Blocked, ComeBack, GaveUp

BATCH_ROWS_MAX: Final = 10_000
"""Rows a call. Source: Custom Audience guide, contract §5.2."""
TRIES_MAX: Final = 6
"""Calls for one batch in a row that fail in passing, before the sync gives up."""
RETRY_FIRST_S: Final = 1.0
RETRY_MOST_S: Final = 20.0
HALVED_ROWS_MIN: Final = 200
"""Rows: a smaller batch is not too large, whatever is said, but Facebook in trouble."""
EXTRA_CALLS_MAX: Final = 256
"""Calls beyond the plan in one phase: halves of batches that are refused or not explained."""
THROTTLES_MAX: Final = 3
"""Refusals for the account's limit in one phase, before the lease is given up meanwhile."""
COME_BACK_S: Final = 300.0
"""Seconds: a replace of the audience by somebody else is under way."""


@dataclass(slots=True)
class Batch:
    """Rows of one call, and what is known of it so far."""

    rows: Sequence[bytes]
    of_parts: bool = False
    """Parts of refused rows, on their second chance: they count through the rows they come from."""
    tries: int = 0
    may_have_landed: bool = False


@dataclass(slots=True)
class PhaseOutcome:
    """What became of the rows of a phase.

    Shape: accepted + invalid + carried over + unknown + rows never sent = the rows given.
    """

    accepted: int = 0
    invalid: Counter[tuple[int, str]] = field(default_factory=Counter)
    carried_over: list[bytes] = field(default_factory=list)
    unknown: int = 0
    calls: int = 0
    had_unknown_call: bool = False
    session_ids: list[int] = field(default_factory=list)
    """Facebook's upload sessions of the calls that it answered."""
    stop: Blocked | GaveUp | ComeBack | None = None

    @property
    def rows_invalid(self) -> int:
        return self.invalid.total()


@dataclass(frozen=True, slots=True, kw_only=True)
class Uplink:
    """Where batches go and what each call needs."""

    graph: GraphClient
    credentials: Credentials
    custom_audience_id: str
    gate: AccountGate
    lease: Lease
    clock: Clock
    chance: random.Random
    may_be_unknown_yet: bool = False
    """Whether the audience was made so recently that Facebook may not know it everywhere."""

    async def call(self, operation: Operation, rows: Sequence[bytes]) -> Receipt:
        """One call, under a lease that outlives it. Raises GraphFailure, LeaseLost."""
        ready = self.lease.outlive_a_call
        async with self.gate.permit(self.custom_audience_id, ready=ready) as permit:
            send = self.graph.add_users if operation is Operation.ADD else self.graph.remove_users
            session_id = self.chance.randrange(1, 2**63)
            with self.lease.call():
                receipt = await send(
                    self.credentials, self.custom_audience_id, rows, session_id=session_id
                )
            permit.answered(receipt.usage)
            return receipt


class Phase:
    """One direction of a window: sends all its rows, or stops for a reason."""

    def __init__(
        self,
        uplink: Uplink,
        operation: Operation,
        *,
        on_progress: Callable[[PhaseOutcome], Awaitable[None]],
    ) -> None:
        self._uplink = uplink
        self._operation = operation
        self._on_progress = on_progress
        self._waiting: deque[Batch] = deque()
        self._extra_calls = 0
        self._throttles = 0
        self._second_chances = SecondChances()
        self.outcome = PhaseOutcome()

    async def send(self, rows: Sequence[bytes], *, at_once: int) -> PhaseOutcome:
        """Send rows, then the refused ones of several identifiers once more, one identifier a row.

        Never raises for what Facebook answers: `outcome.stop` says why not everything was sent.
        Raises LeaseLost.
        """
        await self._drain(_batches(rows), at_once)
        parts = list(self._second_chances.parts)
        if parts and self.outcome.stop is None:
            await self._drain(_batches(parts, of_parts=True), at_once)
        self._count_second_chances()
        return self.outcome

    async def _drain(self, batches: Sequence[Batch], at_once: int) -> None:
        self._waiting.extend(batches)
        try:
            async with asyncio.TaskGroup() as senders:
                for _ in range(min(at_once, len(batches))):
                    senders.create_task(self._send_batches())
        except BaseExceptionGroup as group:
            raise group.exceptions[0] from group
        left = [batch for batch in self._waiting if batch.may_have_landed and not batch.of_parts]
        self.outcome.unknown += sum(len(batch.rows) for batch in left)
        self._waiting.clear()

    async def _send_batches(self) -> None:
        while self._waiting and self.outcome.stop is None:
            batch = self._waiting.popleft()
            try:
                receipt = await self._uplink.call(self._operation, batch.rows)
            except GraphFailure as failure:
                self.outcome.calls += 1
                await self._on_failure(batch, failure)
            except ComeBack as stop:
                self._put_back(batch, stop)
            else:
                self.outcome.calls += 1
                self._on_receipt(batch, receipt)
            await self._on_progress(self.outcome)

    def _on_receipt(self, batch: Batch, receipt: Receipt) -> None:
        self.outcome.session_ids += session_ids_of(receipt)
        reading = read_receipt(batch.rows, receipt)
        if reading.untold and self._halve(batch):
            return
        for row, reason in reading.refused.items():
            self._refuse(row, reason, is_part=batch.of_parts)
        if not batch.of_parts:
            self.outcome.accepted += reading.accepted
        if reading.untold and batch.of_parts:
            untold = [row for row in batch.rows if row not in reading.refused]
            self._second_chances.leave_untold(reading.untold, untold)
        elif reading.untold:
            self.outcome.invalid[(0, NOT_TOLD)] += reading.untold

    def _refuse(self, row: bytes, reason: str, *, is_part: bool) -> None:
        if is_part:
            self._second_chances.refuse(row, reason)
        elif self._operation is Operation.REMOVE or not self._second_chances.give(row):
            self.outcome.invalid[rejection(row, reason)] += 1

    def _count_second_chances(self) -> None:
        if self.outcome.stop is not None:
            self.outcome.unknown += len(self._second_chances.rows)
            return
        accepted, invalid = self._second_chances.count()
        self.outcome.accepted += accepted
        self.outcome.invalid.update(invalid)

    async def _on_failure(self, batch: Batch, failure: GraphFailure) -> None:
        match consequence_of(failure.verdict, self._operation):
            case Consequence.RETRY:
                await self._retry(batch, failure)
            case Consequence.RETRY_UNKNOWN:
                batch.may_have_landed = self.outcome.had_unknown_call = True
                self._uplink.lease.has_unnoted_call = True
                await self._retry(batch, failure)
            case Consequence.WAIT:
                self._wait_for_allowance(batch, failure)
            case Consequence.COME_BACK:
                self._put_back(batch, ComeBack(COME_BACK_S, failure))
            case Consequence.HALVE if _is_small_for(failure, batch):
                await self._retry(batch, failure)
            case Consequence.HALVE:
                if not self._halve(batch):
                    self._refuse_for_good(batch, failure)
            case Consequence.CARRY_OVER:
                self.outcome.carried_over.extend(batch.rows)
            case Consequence.BLOCK:
                self._put_back(batch, Blocked(blocked_reason_of(failure.verdict), failure))

    def _wait_for_allowance(self, batch: Batch, failure: GraphFailure) -> None:
        """The gate has stopped the account for everybody; whoever calls next sits a short stop out."""
        stopped_s = self._uplink.gate.stopped_for_s()
        self._throttles += 1
        if stopped_s > WAIT_INSIDE_RUN_S_MAX or self._throttles >= THROTTLES_MAX:
            self._put_back(batch, ComeBack(stopped_s, failure, is_throttled=True))
        else:
            self._waiting.appendleft(batch)

    async def _retry(self, batch: Batch, failure: GraphFailure) -> None:
        batch.tries += 1
        if batch.tries >= TRIES_MAX:
            self._put_back(batch, self._stop_after_tries(failure))
            return
        wait_s = backoff_s(
            batch.tries, first_s=RETRY_FIRST_S, most_s=RETRY_MOST_S, chance=self._uplink.chance
        )
        await self._uplink.clock.sleep(wait_s)
        self._waiting.appendleft(batch)

    def _stop_after_tries(self, failure: GraphFailure) -> Blocked | GaveUp:
        """What is not there long after it was made is gone; else the next sync tries again."""
        if failure.verdict is Verdict.NOT_READY and not self._uplink.may_be_unknown_yet:
            return Blocked(BlockedReason.AUDIENCE_GONE, failure)
        return GaveUp(failure)

    def _halve(self, batch: Batch) -> bool:
        """Replace a batch by its halves; False for a single row, or when too many calls were extra."""
        if len(batch.rows) < 2 or self._extra_calls >= EXTRA_CALLS_MAX:  # noqa: PLR2004
            return False
        self._extra_calls += 2
        middle = len(batch.rows) // 2
        for rows in (batch.rows[middle:], batch.rows[:middle]):
            half = Batch(rows, of_parts=batch.of_parts, may_have_landed=batch.may_have_landed)
            self._waiting.appendleft(half)
        return True

    def _refuse_for_good(self, batch: Batch, failure: GraphFailure) -> None:
        """Facebook refuses the call itself: one addition is invalid, anything else needs a human."""
        if self._operation is Operation.REMOVE:
            self._put_back(batch, Blocked(BlockedReason.REMOVAL_REFUSED, failure))
        elif len(batch.rows) > 1:
            self._put_back(batch, Blocked(BlockedReason.REQUEST_REFUSED, failure))
        else:
            self._refuse(batch.rows[0], failure.message, is_part=batch.of_parts)

    def _put_back(self, batch: Batch, stop: Blocked | GaveUp | ComeBack) -> None:
        self._waiting.appendleft(batch)
        self.outcome.stop = self.outcome.stop or stop


def _is_small_for(failure: GraphFailure, batch: Batch) -> bool:
    return failure.verdict is Verdict.TOO_LARGE and len(batch.rows) < HALVED_ROWS_MIN


def _batches(rows: Sequence[bytes], *, of_parts: bool = False) -> list[Batch]:
    starts = range(0, len(rows), BATCH_ROWS_MAX)
    return [Batch(rows[at : at + BATCH_ROWS_MAX], of_parts=of_parts) for at in starts]
