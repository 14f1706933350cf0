"""Owns the record of Graph calls: what came, in which order it began and ended, what was said."""

from collections import Counter, deque
from collections.abc import Iterator
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


class Journal:
    """The last calls, oldest first, and sums over all calls since the last clearing."""

    def __init__(self) -> None:
        self._order = 0
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

    def newest(self, *, path: str = "", method: str = "", operation: str = "") -> Iterator[Entry]:
        """Return matching entries from new to old; `path` is a part of the path, "" = any."""
        for entry in reversed(self.entries):
            if (
                path in entry.path
                and method in ("", entry.method)
                and operation in ("", entry.operation)
            ):
                yield entry

    def _next(self) -> int:
        self._order += 1
        return self._order
