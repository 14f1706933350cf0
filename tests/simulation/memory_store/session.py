"""What a statement sees: the tables, the times, and what waits for the commit."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime

from tests.simulation.memory_store.tables import Tables
from tests.simulation.memory_store.values import Row


@dataclass
class MergeTables:
    """The temporary tables of a connection."""

    incoming: list[Row] = field(default_factory=list)
    touched: list[Row] = field(default_factory=list)

    def clear(self) -> None:
        self.incoming.clear()
        self.touched.clear()


class Session:
    """One connection's view. `now`: the start of the transaction, `statement_at`: of the statement."""

    def __init__(self, tables: Tables, clock: Callable[[], datetime]) -> None:
        self.tables = tables
        self.clock = clock
        self.now = self.statement_at = clock()
        self.notices: dict[tuple[str, str], None] = {}
        self.merge_tables: MergeTables | None = None

    def notify(self, channel: str, payload: object) -> None:
        """Tell at the commit; the same twice is told once."""
        self.notices[channel, str(payload)] = None

    def held_work(self, audience_no: int, lease_token: int) -> Row | None:
        """The work record when the lease's token is this one."""
        work = self.tables.audience_work.rows.get(audience_no)
        return work if work is not None and work["lease_token"] == lease_token else None

    @property
    def batch(self) -> MergeTables:
        if self.merge_tables is None:
            raise RuntimeError("the temporary tables of a merge are not there")
        return self.merge_tables
