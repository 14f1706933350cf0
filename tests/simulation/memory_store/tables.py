"""Tables as dicts of rows by primary key. No row is changed: a write puts another in its place."""

from collections.abc import Callable, Iterable
from typing import Any, TypeAlias

from tests.simulation.memory_store import constraints
from tests.simulation.memory_store.values import Row

Key: TypeAlias = Any
Undo: TypeAlias = list[tuple[dict[Key, Row], Key, Row | None]]
"""What each write replaced, oldest first; None: nothing was there."""
Place: TypeAlias = tuple[str, int | None]
"""A table's name, and the audience when it is spread."""
Saved: TypeAlias = dict[Place, dict[Key, Row]]

Check: TypeAlias = Callable[[Iterable[Row], Row, Row | None], None]
"""Takes the table's rows, the new row and the one it replaces."""


class Table:
    """The rows of a table, or those of one audience in it."""

    def __init__(self, undo: Undo, check: Check) -> None:
        self.rows: dict[Key, Row] = {}
        self._undo = undo
        self._check = check

    def put(self, key: Key, row: Row) -> None:
        old = self.rows.get(key)
        self._check(self.rows.values(), row, old)
        self._undo.append((self.rows, key, old))
        self.rows[key] = row

    def insert(self, key: Key, row: Row, *, primary_key: str) -> None:
        if key in self.rows:
            raise constraints.violated_unique(primary_key)
        self.put(key, row)

    def change(self, key: Key, **changes: Any) -> Row:
        """Return the row as it is now."""
        row = {**self.rows[key], **changes}
        self.put(key, row)
        return row

    def remove(self, key: Key) -> None:
        self._undo.append((self.rows, key, self.rows.pop(key)))


class SpreadTable:
    """A table that is spread by audience."""

    def __init__(self, undo: Undo, check: Check) -> None:
        self.by_audience: dict[int, Table] = {}
        self._undo = undo
        self._check = check

    def of(self, audience_no: int) -> Table:
        found = self.by_audience.get(audience_no)
        if found is None:
            found = self.by_audience[audience_no] = Table(self._undo, self._check)
        return found


class Tables:
    """All tables, and what the transaction under way replaced in them."""

    def __init__(self) -> None:
        self.undo: Undo = []
        self.installation_id = "0123456789ab"
        self.last_audience_no = 0
        self.last_event_no = 0
        self.ad_account = Table(self.undo, constraints.check_ad_account)
        self.account_pace = Table(self.undo, constraints.check_nothing)
        self.audience = Table(self.undo, constraints.check_audience)
        self.audience_work = Table(self.undo, constraints.check_audience_work)
        self.member = SpreadTable(self.undo, constraints.check_member)
        self.tombstone = SpreadTable(self.undo, constraints.check_nothing)
        self.change_chunk = SpreadTable(self.undo, constraints.check_chunk)
        self.sync = SpreadTable(self.undo, constraints.check_sync)
        self.rejected_row = SpreadTable(self.undo, constraints.check_rejected_row)
        self.dropped_count = SpreadTable(self.undo, constraints.check_nothing)
        self.list_import = SpreadTable(self.undo, constraints.check_nothing)
        self.import_row = SpreadTable(self.undo, constraints.check_nothing)
        self.request = SpreadTable(self.undo, constraints.check_nothing)
        self.audit_event = SpreadTable(self.undo, constraints.check_nothing)

    def keep(self) -> None:
        """The transaction is committed."""
        self.undo.clear()

    def roll_back(self, until: int = 0) -> None:
        """Undo all but the first writes of the transaction under way."""
        for rows, key, old in reversed(self.undo[until:]):
            _put_back(rows, key, old)
        del self.undo[until:]

    def save(self) -> Saved:
        """What is committed, without what the transaction under way wrote."""
        tables = dict(self._all())
        saved = {place: dict(table.rows) for place, table in tables.items()}
        by_rows = {id(table.rows): saved[place] for place, table in tables.items()}
        for rows, key, old in reversed(self.undo):
            _put_back(by_rows[id(rows)], key, old)
        return saved

    def restore(self, saved: Saved) -> None:
        self.undo.clear()
        for place, table in self._all():
            table.rows.clear()
            table.rows.update(saved.get(place, {}))

    def _all(self) -> Iterable[tuple[Place, Table]]:
        for name, table in vars(self).items():
            if isinstance(table, Table):
                yield (name, None), table
            elif isinstance(table, SpreadTable):
                for audience_no, part in table.by_audience.items():
                    yield (name, audience_no), part


def _put_back(rows: dict[Key, Row], key: Key, old: Row | None) -> None:
    if old is None:
        rows.pop(key, None)
    else:
        rows[key] = old
