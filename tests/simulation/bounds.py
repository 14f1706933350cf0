"""Watches, while a history is played, how many calls a plan takes and how large a window is."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from unittest.mock import patch

from service.store.rows import Chunk
from service.sync import windows
from service.sync.plan import Plan
from service.sync.send_window import Sender, WindowOutcome
from tests.simulation.replica import WINDOW_ROWS_MAX

ROWS_A_CALL = 10_000
"""Rows that Facebook takes in one call. Source: contract, section 5.2."""


@dataclass(slots=True)
class Broken:
    """Bounds that did not hold."""

    calls: list[str] = field(default_factory=list)
    windows: list[str] = field(default_factory=list)

    def of(self, *, is_calm: bool) -> list[str]:
        """Where something was disturbed, calls are repeated: then only the other bounds count."""
        return self.windows + (self.calls if is_calm else [])


@contextmanager
def watched_bounds() -> Iterator[Broken]:
    broken = Broken()
    send, make = Sender.send, windows._entries

    async def watched_send(self: Sender, plan: Plan, **kwargs: Any) -> WindowOutcome:
        outcome = await send(self, plan, **kwargs)
        allowed = -(-len(plan.removals) // ROWS_A_CALL) + -(-len(plan.additions) // ROWS_A_CALL)
        if outcome.calls > allowed:
            broken.calls.append(f"{outcome.calls} calls where {allowed} are enough")
        return outcome

    def watched_window(chunks: list[Chunk]) -> Any:
        rows = sum(chunk.row_count for chunk in chunks)
        if rows > WINDOW_ROWS_MAX and len(chunks) > 1:
            broken.windows.append(f"a window of {rows} rows")
        return make(chunks)

    with (
        patch.object(Sender, "send", watched_send),
        patch.object(windows, "_entries", watched_window),
    ):
        yield broken
