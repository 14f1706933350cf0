"""Commits together the calls for one audience that wait at the same time.

    call ──► line of its audience ──► committer, one a line ──► commit(batch) ──► answers

A call that finds no committer is committed at once; what arrives meanwhile goes in the next batch.
"""

import asyncio
import contextvars
from collections.abc import Awaitable, Callable, Sequence
from typing import Final, Generic, TypeAlias, TypeVar

from service.rpc.admission import OVERLOAD_RETRY_SECONDS
from service.rpc.errors import Overloaded
from service.rpc.next_batch import Batchable, next_batch
from service.store.errors import StoreUnavailable

WAITING_CALLS_MAX: Final = 500
"""Calls that wait for one audience at most; more are refused."""

C = TypeVar("C", bound=Batchable)
A = TypeVar("A")
Commit: TypeAlias = Callable[[Sequence[C]], Awaitable[Sequence[A | Exception]]]
"""Commits calls in one transaction: an answer or an error for each. It raises when none is
committed, or nobody knows."""


class GroupCommit(Generic[C, A]):
    """The lines of all audiences. One that nobody waits in is not kept."""

    def __init__(self, *, waiting_max: int = WAITING_CALLS_MAX) -> None:
        self._waiting_max = waiting_max
        self._lines: dict[str, _Line[C, A]] = {}
        self._committers: set[asyncio.Task[None]] = set()

    async def answer(self, audience_id: str, call: C, commit: Commit[C, A]) -> A:
        """Wait until the call is committed, with others or alone; give its own answer.

        Whoever is cancelled meanwhile stops nobody else: a call that is being committed is
        committed whole, one that waits is taken out. Raises: Overloaded; what became of the call.
        """
        line = self._lines.get(audience_id)
        if line is None:
            line = self._lines[audience_id] = {}
            self._start(audience_id, line, commit)
        if len(line) >= self._waiting_max:
            raise Overloaded(retry_after_s=OVERLOAD_RETRY_SECONDS)
        awaited: asyncio.Future[A | Exception] = asyncio.get_running_loop().create_future()
        line[call] = awaited
        try:
            outcome = await awaited
        finally:
            line.pop(call, None)
        if isinstance(outcome, Exception):
            raise outcome
        return outcome

    def _start(self, audience_id: str, line: "_Line[C, A]", commit: Commit[C, A]) -> None:
        """Start the committer in a context of its own: it is nobody's call."""
        working = asyncio.get_running_loop().create_task(
            self._work(audience_id, line, commit), context=contextvars.Context()
        )
        self._committers.add(working)
        working.add_done_callback(self._committers.discard)

    async def _work(self, audience_id: str, line: "_Line[C, A]", commit: Commit[C, A]) -> None:
        try:
            while line:
                await _commit({call: line.pop(call) for call in next_batch(line)}, commit)
        finally:
            del self._lines[audience_id]
            _give_up(line)


_Line: TypeAlias = dict[C, asyncio.Future[A | Exception]]
"""Calls in the order of their arrival, each with where what became of it is awaited.

An error is awaited as a value: asyncio would log, text and all, one that nobody is there to take.
"""


async def _commit(batch: _Line[C, A], commit: Commit[C, A]) -> None:
    """Commit a batch and tell everyone; one that fails is committed call by call."""
    try:
        try:
            outcomes = await commit(list(batch))
        except StoreUnavailable as error:
            _tell_unavailable(batch, error)
        except Exception as error:  # noqa: BLE001 - of a call alone it is the caller's
            if len(batch) > 1:
                await _commit_one_by_one(batch, commit)
            else:
                _tell(batch, [error])
        else:
            _tell(batch, outcomes)
    finally:
        _give_up(batch)


async def _commit_one_by_one(batch: _Line[C, A], commit: Commit[C, A]) -> None:
    """Find out whose failure it is, so that it is theirs alone."""
    for call, awaited in batch.items():
        if awaited.done():  # by the caller, who is gone
            continue
        await _commit({call: awaited}, commit)
        if not awaited.cancelled() and isinstance(lost := awaited.result(), StoreUnavailable):
            _tell_unavailable(batch, lost)
            return


def _tell_unavailable(batch: _Line[C, A], error: StoreUnavailable) -> None:
    """Give each an error of their own: its traceback grows as it is raised."""
    for call, awaited in batch.items():
        own = StoreUnavailable(*error.args)
        own.__cause__ = error
        _tell({call: awaited}, [own])


def _tell(batch: _Line[C, A], outcomes: Sequence[A | Exception]) -> None:
    for awaited, outcome in zip(batch.values(), outcomes, strict=True):
        if not awaited.done():  # by the caller, who is gone
            awaited.set_result(outcome)


def _give_up(line: _Line[C, A]) -> None:
    """Let nobody wait for ever when the committer itself is ended; who was told was told."""
    for awaited in line.values():
        awaited.cancel()
