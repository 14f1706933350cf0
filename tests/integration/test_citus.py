"""Spreading over Citus: what is said to it, against a double that notes it.

The statements were run by hand on Citus 13.2 (docs/scaling.md); Citus itself cannot be installed here.
"""

from collections.abc import Sequence

import asyncpg
import pytest

from service.store import citus
from service.store.citus import SPREAD_TABLES, CannotSpread, Spread, spread_over_citus
from tests.integration.citus_double import CITUS_DOUBLE
from tests.integration.store_builders import connected

CALLS = ["milliseconds_since(timestamp with time zone)", "member by audience_no with none"] + [
    f"{name} by audience_no with member" for name in SPREAD_TABLES[1:]
]


async def calls(database_url: str) -> list[str]:
    async with connected(database_url) as connection:
        noted = await connection.fetch("select call from citus_call order by call_no")
    return [record["call"] for record in noted]


async def execute(database_url: str, sql: str) -> None:
    async with connected(database_url) as connection:
        await connection.execute(sql)


def spread(now: Sequence[str], before: Sequence[str] = ()) -> Spread:
    return Spread(list(now), list(before))


async def test_tables_are_spread_by_audience_beside_each_other(database_url: str) -> None:
    await execute(database_url, CITUS_DOUBLE)
    assert await spread_over_citus(database_url, locks_tables=False) == spread(SPREAD_TABLES)
    assert await calls(database_url) == CALLS


async def test_spreading_again_spreads_what_a_break_left_out(database_url: str) -> None:
    await execute(database_url, CITUS_DOUBLE)
    await execute(database_url, "insert into pg_dist_partition values ('member', 'h')")
    done = await spread_over_citus(database_url, locks_tables=False)
    assert done == spread(SPREAD_TABLES[1:], ["member"])
    again = await spread_over_citus(database_url, locks_tables=False)
    assert again == spread([], SPREAD_TABLES)
    assert await calls(database_url) == [CALLS[0], *CALLS[2:], CALLS[0]]


async def test_a_failure_half_way_leaves_what_was_spread_and_can_be_gone_on_with(
    database_url: str,
) -> None:
    await execute(database_url, CITUS_DOUBLE)
    check = "alter table pg_dist_partition add constraint refused check (logicalrelid <> {})"
    await execute(database_url, check.format("'sync'::regclass"))
    with pytest.raises(asyncpg.CheckViolationError):
        await spread_over_citus(database_url, locks_tables=False)
    await execute(database_url, "alter table pg_dist_partition drop constraint refused")
    done = await spread_over_citus(database_url, locks_tables=False)
    assert done == spread(SPREAD_TABLES[3:], SPREAD_TABLES[:3])


async def test_without_the_extension_nothing_is_done_and_it_is_said_how_to_get_it(
    database_url: str,
) -> None:
    with pytest.raises(CannotSpread, match="CREATE EXTENSION citus"):
        await spread_over_citus(database_url, locks_tables=True)


async def test_big_tables_are_locked_only_when_that_was_said(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(citus, "BYTES_WITHOUT_ASKING", 1)
    await execute(database_url, CITUS_DOUBLE)
    with pytest.raises(CannotSpread, match="--lock-tables"):
        await spread_over_citus(database_url, locks_tables=False)
    assert await calls(database_url) == []
    assert await spread_over_citus(database_url, locks_tables=True) == spread(SPREAD_TABLES)


async def test_every_table_is_either_spread_or_one_of_the_small_registry(database_url: str) -> None:
    async with connected(database_url) as connection:
        found = await connection.fetch(
            "select tablename::text from pg_tables where schemaname = 'public'"
        )
    registry = {"installation", "ad_account", "audience", "audience_work", "account_pace"}
    registry |= {"audit_event"}  # listed over all audiences by time
    assert {record[0] for record in found} == {*SPREAD_TABLES, *registry, "schema_migration"}
