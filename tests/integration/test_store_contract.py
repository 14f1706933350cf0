"""Postgres and its double in memory answer alike, and keep the same, whatever is asked of them."""

import dataclasses
import operator
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Final

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from service.store.connection import Connection
from tests.integration import (
    store_operations_of_audit,  # noqa: F401 - declare operations
    store_operations_of_callers,  # noqa: F401
    store_operations_of_imports,  # noqa: F401
    store_operations_of_readers,  # noqa: F401
    store_operations_of_syncs,  # noqa: F401
    store_operations_of_workers,  # noqa: F401
)
from tests.integration.store_builders import connected
from tests.integration.store_operations import DRAWN, Actor, Operation
from tests.integration.store_scenarios import BEGINNING, SCENARIOS
from tests.simulation.memory_store import MemoryDatabase

TOLERANCE: Final = timedelta(seconds=30)
"""Between two times of one event: each store goes by its own clock."""

KEYS: Final = {
    "ad_account": ("ad_account_id",),
    "account_pace": ("ad_account_id",),
    "audience": ("audience_no",),
    "audience_work": ("audience_no",),
    "member": ("audience_no", "member_key", "row_no"),
    "tombstone": ("audience_no", "member_key"),
    "change_chunk": ("audience_no", "revision"),
    "sync": ("audience_no", "sync_no"),
    "rejected_row": ("audience_no", "sync_no", "key_mask", "reason"),
    "list_import": ("audience_no", "import_id"),
    "import_row": ("audience_no", "chunk_offset", "member_key", "row_no"),
    "dropped_count": ("audience_no", "day", "key", "reason"),
    "request": ("audience_no", "method", "request_id"),
    "audit_event": ("audience_no", "event_no"),
}
"""Tables and what their rows are sorted by."""


def differ(one: object, other: object) -> bool:
    """Whether two answers differ by more than the time that their clocks are apart."""
    if isinstance(one, datetime) and isinstance(other, datetime):
        return abs(one - other) > TOLERANCE
    if isinstance(one, float) and isinstance(other, float):
        return abs(one - other) > TOLERANCE.total_seconds()
    if isinstance(one, Mapping) and isinstance(other, Mapping):
        return one.keys() != other.keys() or any(differ(one[key], other[key]) for key in one)
    if isinstance(one, list | tuple) and isinstance(other, list | tuple):
        pairs = zip(one, other, strict=False)
        return len(one) != len(other) or any(differ(*pair) for pair in pairs)
    return type(one) is not type(other) or one != other


def plain(answer: object) -> object:
    """Classes as dicts, without what is a database's own."""
    if dataclasses.is_dataclass(answer) and not isinstance(answer, type):
        values = {field.name: getattr(answer, field.name) for field in dataclasses.fields(answer)}
        values.pop("installation_id", None)
        return with_times(values)
    if isinstance(answer, list | tuple):
        return [plain(part) for part in answer]
    return answer


NUMBERS_OF_TIME: Final = {"lease_token": 1_000_000, "throttled_ms": 1_000}
"""Whole numbers that are compared as times are, and how many of them make a second."""


def with_times(values: dict[str, object]) -> dict[str, object]:
    """A token is the microsecond of the claim, for example."""
    times = {
        name: value / a_second
        for name, a_second in NUMBERS_OF_TIME.items()
        if isinstance(value := values.get(name), int)
    }
    return {**values, **times}


def in_utc(value: object) -> object:
    """The driver gives infinity without a time zone."""
    if isinstance(value, datetime):
        return value.replace(tzinfo=UTC)
    return value


async def kept_by_postgres(connection: Connection) -> dict[str, list[dict[str, object]]]:
    return {
        table: [
            with_times({name: in_utc(value) for name, value in record.items()})
            for record in await connection.fetch(
                f"select * from {table} order by {', '.join(key)}"  # noqa: S608
            )
        ]
        for table, key in KEYS.items()
    }


def kept_in_memory(database: MemoryDatabase) -> dict[str, list[dict[str, object]]]:
    kept: dict[str, list[dict[str, object]]] = {table: [] for table in KEYS}
    for (table, _), rows in database.mark().saved.items():
        kept[table].extend(with_times(row) for row in rows.values())
    for table, unsorted in kept.items():
        unsorted.sort(key=operator.itemgetter(*KEYS[table]))
    return kept


async def empty(connection: Connection) -> None:
    await connection.execute(f"truncate {', '.join(KEYS)} restart identity")


@settings(
    max_examples=40,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
    phases=[Phase.explicit, Phase.reuse, Phase.generate],  # a failure is told at once, not shrunk
)
@pytest.mark.timeout(50)
@given(drawn=st.lists(st.one_of(DRAWN), min_size=15, max_size=40))
async def test_both_stores_answer_alike_and_keep_the_same(
    module_database_url: str, drawn: Sequence[Operation]
) -> None:
    await compare(module_database_url, drawn)


@pytest.mark.timeout(20)
@pytest.mark.parametrize("name", SCENARIOS)
async def test_both_stores_agree_on_what_is_seldom_drawn(
    module_database_url: str, name: str
) -> None:
    await compare(module_database_url, SCENARIOS[name])


async def compare(database_url: str, operations: Sequence[Operation]) -> None:
    base = datetime.now(UTC)
    database = MemoryDatabase(lambda: datetime.now(UTC))
    async with connected(database_url) as postgres, database.pool().acquire() as memory:
        await empty(postgres)
        real = Actor(postgres, base)
        double = Actor(memory, base)  # type: ignore[arg-type]
        for operation in [*BEGINNING, *operations]:
            said, copied = plain(await real.run(operation)), plain(await double.run(operation))
            assert not differ(said, copied), (operation, said, copied)
        kept, copy = await kept_by_postgres(postgres), kept_in_memory(database)
        for table in KEYS:
            assert not differ(kept[table], copy[table]), (table, kept[table], copy[table])
