"""Operations of the store, drawn by chance, to be run on two stores and compared."""

import inspect
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final, TypeAlias

import asyncpg
from hypothesis import strategies as st

from service.store.connection import Connection
from service.store.errors import CustomAudienceInUse
from service.store.rows import LeaseClaim

SLUGS: Final = ("buyers", "vip", "a.b-c_d")
"""Each in an ad account of its own: what one call makes due in two audiences is due in any order."""


@dataclass
class Actor:
    """Runs operations on one store. `base`: the time that drawn minutes count from."""

    connection: Connection
    base: datetime
    numbers: list[int] = field(default_factory=lambda: [0])
    claims: list[LeaseClaim] = field(default_factory=lambda: [LeaseClaim(1, 99)])
    begun: list[tuple[LeaseClaim, int]] = field(default_factory=lambda: [(LeaseClaim(1, 99), 1)])
    step: int = 0

    def number(self, index: int) -> int:
        """One of the audiences that were ever connected, or one that never was."""
        return self.numbers[index % len(self.numbers)]

    def held(self, age: int) -> tuple[Connection, int, int]:
        """What a guarded write begins with: one of the newest leases, which may be lost."""
        claim = self.claims[-1 - age % len(self.claims)]
        return self.connection, claim.audience_no, claim.lease_token

    def running(self, age: int) -> tuple[tuple[Connection, int, int], int]:
        """One of the syncs that were started last, which may have ended: who held it, its number."""
        claim, sync_no = self.begun[-1 - age % len(self.begun)]
        return (self.connection, claim.audience_no, claim.lease_token), sync_no

    def moment(self, minutes: int | None) -> datetime | None:
        """No two operations give the same moment, or two audiences could be due in any order."""
        if minutes is None:
            return None
        return self.base + timedelta(minutes=minutes, milliseconds=self.step)

    def some_moment(self, minutes: int) -> datetime:
        return self.base + timedelta(minutes=minutes, milliseconds=self.step)

    async def run(self, operation: "Operation") -> object:
        """What it returns, or what it raises, in a transaction of its own."""
        self.step += 1
        try:
            async with self.connection.transaction():
                return await OPERATIONS[operation.name](self, **operation.values)
        except CustomAudienceInUse:
            return "raised", "CustomAudienceInUse"
        except asyncpg.PostgresError as error:
            return "raised", type(error).__name__, error.constraint_name


Run: TypeAlias = Callable[..., Awaitable[object]]
OPERATIONS: Final[dict[str, Run]] = {}
DRAWN: Final[list[st.SearchStrategy["Operation"]]] = []


@dataclass(frozen=True)
class Operation:
    name: str
    values: dict[str, Any]


def operation(*, often: int = 1, **drawn: st.SearchStrategy[Any]) -> Callable[[Run], Run]:
    """Declare an operation, how often it is drawn beside others, and how its values are drawn."""

    def register(run: Run) -> Run:
        name = getattr(run, "__name__", "")
        assert set(inspect.signature(run).parameters) == {"actor", *drawn}, name
        OPERATIONS[name] = run
        for _ in range(often):  # one and the same strategy would count once
            DRAWN.append(st.builds(Operation, st.just(name), st.fixed_dictionaries(drawn)))
        return run

    return register


INDEX: Final = st.sampled_from([1, 1, 1, 1, 2, 3, 0])
"""Mostly the first audience, and now and then one that never was."""
AGE: Final = st.sampled_from([0, 0, 0, 0, 0, 0, 1, 2])
"""Mostly the newest lease."""
MINUTES: Final = st.sampled_from([-30, -10, 10, 30])
"""Far enough from now that both stores find the same before and after it."""
REVISION: Final = st.sampled_from([0, 0, 1, 1, 2, 2, 3, 4, 5, 8])
COUNT: Final = st.integers(0, 2)
MODE: Final = st.sampled_from(["CHANGES", "REFRESH"])
SYNC_NO: Final = st.sampled_from([1, 1, 1, 2, 2, 3])
