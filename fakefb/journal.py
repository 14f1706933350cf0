"""Owns the record of Graph calls: what came, in which order it began and ended, what was said."""

import asyncio
import contextlib
from collections import Counter, deque
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from typing import Final

ENTRIES_MAX: Final = 50_000
"""Calls remembered; the oldest go first."""


@dataclass(slots=True, kw_only=True)
class Entry:
    """One call; no token, no identifiers. Time in Unix seconds, duration in milliseconds."""

    started: int
    """Number among all beginnings and ends: two calls overlapped if each began before the
    other's end."""
    time: float
    method: str
    path: str
    ended: int | None = None
    endpoint: str | None = None
    """Method and path with placeholders, such as `POST {audience}/users`."""
    ad_account_id: str | None = None
    custom_audience_id: str | None = None
    operation: str | None = None
    session_id: str | None = None
    rows: int = 0
    invalid_rows: int = 0
    applied: bool = False
    """Whether a write took effect, whatever the caller was told."""
    status: int | None = None
    """HTTP status; None = the connection was cut without an answer."""
    error_code: int | None = None
    error_subcode: int | None = None
    fault: str | None = None
    """Name of the fault that fired."""
    duration_ms: float = 0.0

    def record(self) -> dict[str, object]:
        """Return the entry for the admin port."""
        return asdict(self)


@dataclass(frozen=True, slots=True, kw_only=True)
class Filter:
    """Which calls are asked for; "" takes any. `path` is a part of the path."""

    path: str = ""
    method: str = ""
    operation: str = ""
    custom_audience_id: str = ""
    fault: str = ""

    def takes(self, entry: Entry) -> bool:
        """Tell whether the call is one of them."""
        return (
            self.path in entry.path
            and self.method in ("", entry.method)
            and self.operation in ("", entry.operation)
            and self.custom_audience_id in ("", entry.custom_audience_id)
            and self.fault in ("", entry.fault)
        )


class Watch:
    """Waits until calls of a kind have ended; made by `Journal.watching`."""

    def __init__(self, takes: Callable[[Entry], bool], missing: int) -> None:
        self._takes = takes
        self.missing = missing
        """Calls that have still to end; 0 or less = enough have."""
        self._enough = asyncio.Event()

    def see(self, entry: Entry) -> None:
        """Count a call that has ended."""
        self.missing -= self._takes(entry)
        if self.missing <= 0:
            self._enough.set()

    async def wait(self, timeout_s: float) -> bool:
        """Wait at most so many seconds; tell whether all have ended."""
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._enough.wait(), timeout_s)
        return self.missing <= 0


class Journal:
    """The last calls, oldest first, and sums over all calls since the last clearing."""

    def __init__(self) -> None:
        self._order = 0
        self._watches: list[Watch] = []
        self.clear()

    def clear(self) -> None:
        """Forget all calls; order numbers go on."""
        self.entries: deque[Entry] = deque(maxlen=ENTRIES_MAX)
        self.calls: Counter[str] = Counter()
        self.rows: Counter[str] = Counter()

    def begin(self, *, time: float, method: str, path: str) -> Entry:
        """Open the entry of a call."""
        entry = Entry(started=self._next(), time=time, method=method, path=path)
        self.entries.append(entry)
        return entry

    def end(self, entry: Entry, lasted_s: float) -> None:
        """Close the entry of a call that lasted so many seconds, and add it to the sums."""
        entry.ended = self._next()
        entry.duration_ms = round(lasted_s * 1_000, 3)
        self.calls[entry.endpoint or f"{entry.method} other"] += 1
        if entry.applied and entry.operation in ("add", "remove"):
            self.rows[entry.operation] += entry.rows
            self.rows["invalid"] += entry.invalid_rows
        for watch in self._watches:
            watch.see(entry)

    def newest(self, wanted: Filter) -> Iterator[Entry]:
        """Return the calls asked for from new to old."""
        return filter(wanted.takes, reversed(self.entries))

    @contextlib.contextmanager
    def watching(self, watch: Watch) -> Iterator[Watch]:
        """Show the watch every call that is remembered or ends inside the block."""
        for entry in self.entries:
            if entry.ended is not None:
                watch.see(entry)
        self._watches.append(watch)
        try:
            yield watch
        finally:
            self._watches.remove(watch)

    def _next(self) -> int:
        self._order += 1
        return self._order
