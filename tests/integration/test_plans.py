"""Hot queries look at few rows: with statistics, without, and with those of when tables were empty.

Each is run on tables where a wrong plan shows, and what its plan looked at is counted: a scan of a whole
table, and one of a whole audience by an index, are the same mistake.
"""

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest

from service.store import imports
from service.store.connection import Connection
from service.store.merge import make_merge_tables
from service.store.queries import TEXTS
from tests.integration.store_builders import NOON, an_audience, connected

HUGE, TINY = 1, 2
FEW, BATCH = 5, 1000
FILL = """
insert into member (audience_no, member_key, row_no, changed_at, email_prefix, packed_row)
select case when n <= 200000 then 1 else 2 end, md5(n::text)::uuid, 0, '2026-01-01', n,
    '\\x0001'::bytea || sha256(n::text::bytea)
from generate_series(1, 200005) as n
order by 1, 2;
insert into change_chunk (
    audience_no, revision, operation, row_count, rules_version, logged_at, packed_rows
)
select case when n <= 20000 then 1 else 2 end, n,
    case when n % 3 = 0 then 'REMOVE' else 'ADD' end, 1, 1,
    timestamptz '2026-01-01 UTC' + n * interval '1 minute', '\\x01'
from generate_series(1, 20005) as n;
insert into tombstone (audience_no, member_key, changed_at)
select case when n <= 20000 then 1 else 2 end, md5('gone' || n)::uuid, '2026-01-01'
from generate_series(1, 20005) as n;
insert into audience (
    audience_id, ad_account_id, name, description, sync_interval_s, default_region,
    customer_file_source
)
select 'a' || n, 'act_1', '', '', 3600, 'US', '' from generate_series(1, 5000) as n;
insert into audience_work (audience_no, ad_account_id, due_at, lease_holder, lease_expires_at)
select audience_no, 'act_1', case when audience_no % 10 = 0 then 'infinity' else now() end,
    case when audience_no % 10 = 0 then 'w' end,
    case when audience_no % 10 = 0 then now() + interval '1 day' end
from audience where audience_id like 'a%' and audience_id <> 'vip';
update audience set revision = 100000;
"""
STAGED = """
insert into import_row (audience_no, chunk_offset, member_key, row_no, packed_row)
select case when n <= 50000 then 1 else 2 end, 0, md5(n::text)::uuid, 0, '\\x0000'
from generate_series(1, 50005) as n;
select brin_summarize_new_values('import_row_audience');
analyze import_row;
"""
"""The server does the last two by itself within a minute."""
COME = """
insert into incoming (member_key, row_no, packed_row, email_prefix)
select case n % 4 when 0 then md5('new' || n) when 1 then md5('gone' || n) else md5((n * 7)::text) end
    ::uuid, 0, case n % 4 when 2 then null else '\\x0001'::bytea || sha256(('other' || n)::bytea) end, n
from generate_series(1, $1::integer) as n
"""
"""Some are new, some come back, some leave and some change."""
BIG_TABLES = {"member", "change_chunk", "tombstone", "audience_work", "audience", "import_row"}

MERGE = [
    "find_touched",
    "delete_gone_rows",
    "change_known_rows",
    "insert_new_rows",
    "write_tombstones",
    "delete_tombstones",
    "log_changes",
    "has_tombstones",
]
READ = [
    "find_holders",
    "read_members",
    "read_member_page",
    "read_window",
    "read_removals_window",
    "count_window",
    "prune_log",
    "prune_tombstones",
    "claim_due",
    "read_work",
]
VALUES: dict[str, Any] = {
    "now": NOON,
    "chunk_rows": 9900,
    "rules_version": 1,
    "email_prefixes": list(range(BATCH)),
    "phone_prefixes": list(range(BATCH)),
    "madid_prefixes": list(range(BATCH)),
    "per_identifier": 51,
    "member_keys": [bytes(16)] * BATCH,
    "after_key": bytes(16),
    "after_row_no": -1,
    "row_limit": BATCH,
    "after": 9000,
    "up_to": 9100,
    "rows_max": 200_000,
    "bytes_max": 2**24,
    "revisions": [9010, 9011],
    "additions_up_to": 50,
    "removals_before": datetime(2026, 1, 1, 1, tzinfo=UTC),
    "before": NOON,
    "removals_max": 100,
    "holder": "w",
    "lease_s": 60.0,
    "quiet_s": 60.0,
    "recheck_after_s": 60.0,
    "lease_token": 0,
    "started_at": NOON,
}
ROWS_MAX = 5 * BATCH
"""Looked at by one step of a plan: some for each of the batch. The tables hold 20,000 and more."""
ROWS_MAX_STAGED = 10_000
"""Block ranges tell an audience's pages only roughly."""


def literal(value: object) -> str:
    if isinstance(value, list):
        return "array[" + ", ".join(literal(one) for one in value) + "]"
    if isinstance(value, bytes):
        return f"'{value.hex()}'::uuid"
    return f"'{value}'" if isinstance(value, (str, datetime)) else str(value)


def steps(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield plan
    for child in plan.get("Plans", []):
        yield from steps(child)


def looked_at(step: dict[str, Any]) -> int:
    removed = ("Rows Removed by Filter", "Rows Removed by Index Recheck")
    rows: float = step["Actual Rows"] + sum(step.get(name, 0) for name in removed)
    return round(rows * float(step["Actual Loops"]))


class Planner:
    """One connection whose statements were prepared, and once planned, when everything was empty."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def prepare(self) -> None:
        """The server's own analysis is kept away: it might come before what is to be judged."""
        await make_merge_tables(self._connection)
        for table in BIG_TABLES:
            await self._connection.execute(f"alter table {table} set (autovacuum_enabled = off)")
        for name in [*MERGE, *READ, "fill_incoming_from_import"]:
            await self._connection.execute(f"prepare {name} as {TEXTS[name].sql}")
            await self.most_rows_of(name, HUGE)

    async def most_rows_of(self, name: str, audience_no: int) -> int:
        values = {**VALUES, "audience_no": audience_no}
        arguments = ", ".join(literal(values[one]) for one in TEXTS[name].parameters)
        return await self.most_rows(f"execute {name} ({arguments})")

    async def most_rows(self, execute: str) -> int:
        """Run a prepared statement; return how many rows of a big table a step of it looked at."""
        explained = await self._connection.fetchval(
            f"explain (analyze, timing off, format json) {execute}"
        )
        scans = [
            looked_at(step)
            for step in steps(json.loads(explained)[0]["Plan"])
            if step.get("Relation Name") in BIG_TABLES and step["Node Type"].endswith("Scan")
        ]
        return max(scans, default=0)

    async def too_many(self, audience_no: int, *, batch: int = BATCH) -> dict[str, int]:
        """The queries that look at more rows than they should; nothing of what they write stays."""
        transaction = self._connection.transaction()
        await transaction.start()
        await self._connection.execute(COME, batch)
        found = {name: await self.most_rows_of(name, audience_no) for name in [*MERGE, *READ]}
        await transaction.rollback()
        return {name: rows for name, rows in found.items() if rows > ROWS_MAX}


@pytest.mark.parametrize("known", ["nothing", "that it was empty"])
async def test_hot_queries_look_at_few_rows(database_url: str, known: str) -> None:
    async with connected(database_url) as connection:
        await an_audience(connection)
        planner = Planner(connection)
        if known == "that it was empty":
            await connection.execute("analyze")
        await planner.prepare()
        await connection.execute(FILL)
        assert await planner.too_many(HUGE) == {}
        assert await planner.too_many(TINY) == {}
        assert await planner.too_many(HUGE, batch=FEW) == {}
        if known == "that it was empty":
            await connection.execute("analyze")
            assert await planner.too_many(HUGE) == {}
            assert await planner.too_many(TINY) == {}
            assert await planner.too_many(HUGE, batch=FEW) == {}


async def test_a_small_staged_list_is_found_beside_a_huge_one(database_url: str) -> None:
    async with connected(database_url) as connection:
        await an_audience(connection)
        planner = Planner(connection)
        await planner.prepare()
        await connection.execute(STAGED)
        async with connection.transaction():
            await imports.allow_long_statements(connection)
            staged = await planner.most_rows_of("fill_incoming_from_import", TINY)
        assert staged <= ROWS_MAX_STAGED


async def test_a_plan_kept_from_when_tables_were_empty_would_be_noticed(database_url: str) -> None:
    """A statement without parameters is planned once, whatever `plan_cache_mode` says."""
    async with connected(database_url) as connection:
        await an_audience(connection)
        planner = Planner(connection)
        await planner.prepare()
        await connection.execute(
            "prepare careless as"
            " select from member where ctid = any (array(select place from touched))"
        )
        assert await planner.most_rows("execute careless") == 0
        await connection.execute(FILL)
        assert await planner.most_rows("execute careless") > ROWS_MAX


async def test_claims_go_by_the_due_index(database_url: str) -> None:
    async with connected(database_url) as connection:
        await an_audience(connection)
        await Planner(connection).prepare()
        await connection.execute(FILL)
        await connection.execute("analyze")
        explained = await connection.fetchval(
            "explain (format json) execute claim_due ('w', 60, 60, 60)"
        )
        used = {step.get("Index Name") for step in steps(json.loads(explained)[0]["Plan"])}
        assert {"audience_work_due", "audience_work_leased"} <= used
