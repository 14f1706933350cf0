"""Ends calls that say nothing, or drop by drop: each holds one of the calls that there may be at once."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from typing import Any, Final, TypeAlias, TypeVar

import structlog

from service.rpc.access.callers import caller
from service.rpc.errors import StreamIdle

MESSAGE_SECONDS_MAX: Final = 300.0
"""Seconds that the next message of a caller may take to be there as a whole."""

_log = structlog.get_logger("service.rpc")

T = TypeVar("T")
CallTask: TypeAlias = asyncio.Task[Any]


class Arrivals:
    """Calls that wait for their one request, which gRPC would let them do for ever.

    Who makes such a call gets no answer: there is none to give before the request is there. But what
    the call holds is given back.
    """

    def __init__(self, monotonic: Callable[[], float], seconds_max: float) -> None:
        self._monotonic = monotonic
        self._seconds_max = seconds_max
        self._due: dict[CallTask, tuple[float, str, str]] = {}
        """When each has to be there, its method and caller; the oldest first: all have equally long."""
        self._timer: asyncio.TimerHandle | None = None

    def expect(self, call: CallTask, method: str) -> None:
        """The call of this task has begun. Whoever says so says too when it is over."""
        self._due[call] = self._monotonic() + self._seconds_max, method, caller().name
        if self._timer is None:
            self._look_in(self._seconds_max)

    def arrived(self, call: CallTask) -> None:
        """Its request is there, or it is over."""
        self._due.pop(call, None)

    def _look_in(self, seconds: float) -> None:
        self._timer = asyncio.get_running_loop().call_later(seconds, self._end_overdue)

    def _end_overdue(self) -> None:
        self._timer = None
        now = self._monotonic()
        while self._due:
            call, (due, method, name) = next(iter(self._due.items()))
            if due > now:
                self._look_in(due - now)
                return
            del self._due[call]
            call.cancel()
            _log.warning("call ended", method=method, caller=name, why="its request did not come")


def current_call() -> CallTask:
    """The task of the call at hand: gRPC asks interceptors and handlers in the same one."""
    task = asyncio.current_task()
    assert task is not None  # noqa: S101 - coroutines run in tasks
    return task


async def talking(messages: AsyncIterator[T], seconds_max: float) -> AsyncGenerator[T, None]:
    """The messages. Raises: StreamIdle when the next one takes too long."""
    while True:
        try:
            async with asyncio.timeout(seconds_max):
                message = await anext(messages)
        except StopAsyncIteration:
            return
        except TimeoutError:
            raise StreamIdle from None
        yield message
