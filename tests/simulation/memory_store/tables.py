"""Rows in memory: never changed in place, so that a copy of the tables is a snapshot."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import asyncpg

Row = dict[str, Any]
Key = Any

INFINITY: Final = datetime.max.replace(tzinfo=UTC)
NAMES: Final = (
    "ad_account",
    "audience",
    "audience_work",
    "member",
    "tombstone",
    "change_chunk",
    "sync",
    "rejected_row",
    "request",
)


class Tables:
    """All tables, and what one transaction has beside them."""

    def __init__(self, clock: Callable[[], datetime]) -> None:
        self.clock = clock
        self.now = INFINITY
        """When the transaction began."""
        self.installation_id = "memory000000"
        self.by_name: dict[str, dict[Key, Row]] = {name: {} for name in NAMES}
        self.notified: list[tuple[str, str]] = []
        self.incoming: list[Row] = []
        self.stored: list[Row] = []
        self.touched: list[Row] = []

    def snapshot(self) -> dict[str, dict[Key, Row]]:
        return {name: dict(rows) for name, rows in self.by_name.items()}

    def restore(self, snapshot: dict[str, dict[Key, Row]]) -> None:
        self.by_name = {name: dict(rows) for name, rows in snapshot.items()}

    def forget_transaction(self) -> None:
        self.notified, self.incoming, self.stored, self.touched = [], [], [], []

    def all(self, table: str) -> list[Row]:
        return list(self.by_name[table].values())

    def of(self, table: str, audience_no: int) -> Iterator[tuple[Key, Row]]:
        """Keys and rows of one audience; the caller may change the table meanwhile."""
        rows = list(self.by_name[table].items())
        return (item for item in rows if item[1]["audience_no"] == audience_no)

    def get(self, table: str, key: Key) -> Row | None:
        return self.by_name[table].get(key)

    def insert(self, table: str, key: Key, row: Row) -> None:
        if key in self.by_name[table]:
            raise asyncpg.UniqueViolationError(f"{table} has {key!r}")
        self.by_name[table][key] = row

    def put(self, table: str, key: Key, row: Row) -> None:
        self.by_name[table][key] = row

    def change(self, table: str, key: Key, **changes: Any) -> Row:
        row = {**self.by_name[table][key], **changes}
        self.by_name[table][key] = row
        return row

    def delete(self, table: str, key: Key) -> None:
        del self.by_name[table][key]

    def notify(self, channel: str, payload: object = "") -> None:
        self.notified.append((channel, str(payload)))

    def in_s(self, seconds: float) -> datetime:
        """A time that many seconds from the statement's own."""
        return self.clock() + timedelta(seconds=seconds)


def least(*values: Any) -> Any:
    """As in SQL: null is passed over."""
    return min((value for value in values if value is not None), default=None)


def greatest(*values: Any) -> Any:
    """As in SQL: null is passed over."""
    return max((value for value in values if value is not None), default=None)
