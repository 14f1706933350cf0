"""Hot queries use their indexes, with statistics and before the first of them."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from service.store.connection import Connection
from service.store.merge import make_merge_tables
from service.store.queries import TEXTS
from tests.integration.store_builders import NOON, an_audience, connected

FILL = """
insert into member (audience_no, member_key, row_no, changed_at, email_prefix, phone_prefix, packed_row)
select 1 + n % 2, md5(n::text)::uuid, 0, now(), hashtextextended(n::text, 0),
    hashtextextended(n::text, 1), '\\x0003'::bytea || sha256(n::text::bytea)
from generate_series(1, 100000) as n;
insert into change_chunk (
    audience_no, revision, operation, row_count, rules_version, logged_at, packed_rows
)
select 1, n, case when n % 3 = 0 then 'REMOVE' else 'ADD' end, 1, 1, now(), '\\x01'
from generate_series(1, 20000) as n;
insert into tombstone (audience_no, member_key, changed_at)
select 1, md5('gone' || n)::uuid, now() from generate_series(1, 20000) as n;
insert into audience (
    audience_id, ad_account_id, name, description, sync_interval_s, default_region,
    customer_file_source
)
select 'a' || n, 'act_1', '', '', 3600, 'US', '' from generate_series(1, 5000) as n;
insert into audience_work (audience_no, ad_account_id, due_at, lease_holder, lease_expires_at)
select audience_no, 'act_1', case when audience_no % 10 = 0 then 'infinity' else now() end,
    case when audience_no % 10 = 0 then 'w' end, case when audience_no % 10 = 0 then now() end
from audience where audience_id like 'a%' and audience_id <> 'vip';
"""

BATCH = """
insert into incoming (member_key, row_no, packed_row)
select md5((n * 7)::text)::uuid, 0, '\\x0000' from generate_series(1, 10000) as n
"""

SPREAD = {"member", "change_chunk", "tombstone", "audience_work"}
FEW = list(range(1000))

HOT: list[tuple[str, dict[str, Any]]] = [
    ("find_touched", {"audience_no": 1, "now": NOON}),
    ("delete_gone_rows", {}),
    ("delete_tombstones", {"audience_no": 1}),
    (
        "find_holders",
        {
            "audience_no": 1,
            "email_prefixes": FEW,
            "phone_prefixes": FEW,
            "madid_prefixes": FEW,
            "per_identifier": 51,
        },
    ),
    ("read_members", {"audience_no": 1, "member_keys": [bytes(16)] * 1000}),
    (
        "read_member_page",
        {"audience_no": 1, "after_key": bytes(16), "after_row_no": -1, "row_limit": 1000},
    ),
    ("read_window", {"audience_no": 1, "after": 9000, "up_to": 9100, "rows_max": 200_000}),
    ("read_removals_window", {"audience_no": 1, "after": 0, "up_to": 99, "rows_max": 200_000}),
    ("count_window", {"audience_no": 1, "after": 9, "up_to": 20, "revisions": [10, 11]}),
    ("prune_log", {"audience_no": 1, "additions_up_to": 50, "removals_before": NOON}),
    ("prune_tombstones", {"audience_no": 1, "before": NOON, "row_limit": 1000}),
    ("claim_due", {"holder": "w", "lease_s": 60.0, "quiet_s": 60.0, "recheck_after_s": 60.0}),
    ("next_due_in_s", {}),
    ("read_work", {"audience_no": 7, "lease_token": 0}),
]
REGISTRY_READ_WHOLE: list[tuple[str, dict[str, Any]]] = [
    ("sample_audiences", {"named_max": 100}),
    ("sample_ad_accounts", {"named_max": 100, "usage_fades_s": 300.0}),
]
"""Scrapes ask about all audiences: two rows of the registry each, but of the log one at most."""


def nodes(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield plan
    for child in plan.get("Plans", []):
        yield from nodes(child)


async def scanned_whole(connection: Connection, name: str, values: dict[str, Any]) -> set[str]:
    """Big tables that the plan of a query reads from end to end."""
    text = TEXTS[name]
    arguments = [values[parameter] for parameter in text.parameters]
    explained = await connection.fetchval(f"explain (format json) {text.sql}", *arguments)
    plan = json.loads(explained)[0]["Plan"]
    return {
        node["Relation Name"] for node in nodes(plan) if node["Node Type"] == "Seq Scan"
    } & SPREAD


def allowed_of(name: str) -> set[str]:
    return {"audience_work"} if name in dict(REGISTRY_READ_WHOLE) else set()


@pytest.mark.parametrize("analysed", [True, False])
async def test_no_hot_query_reads_a_whole_table(database_url: str, *, analysed: bool) -> None:
    async with connected(database_url) as connection:
        await an_audience(connection)
        await connection.execute(FILL)
        if analysed:
            await connection.execute("analyze")
        async with connection.transaction():
            await make_merge_tables(connection)
            await connection.execute(BATCH)
            found = {
                name: tables
                for name, values in HOT + REGISTRY_READ_WHOLE
                if (tables := await scanned_whole(connection, name, values) - allowed_of(name))
            }
        assert found == {}


async def test_a_whole_scan_would_be_noticed(database_url: str) -> None:
    async with connected(database_url) as connection:
        explained = await connection.fetchval("explain (format json) select from member")
        assert [node["Node Type"] for node in nodes(json.loads(explained)[0]["Plan"])] == [
            "Seq Scan"
        ]


async def test_claims_go_by_the_due_index(database_url: str) -> None:
    async with connected(database_url) as connection:
        await an_audience(connection)
        await connection.execute(FILL)
        await connection.execute("analyze")
        used = await indexes_of(connection, "claim_due", dict(HOT)["claim_due"])
        assert {"audience_work_due", "audience_work_leased"} <= used


async def indexes_of(connection: Connection, name: str, values: dict[str, Any]) -> set[str]:
    text = TEXTS[name]
    arguments = [values[parameter] for parameter in text.parameters]
    explained = await connection.fetchval(f"explain (format json) {text.sql}", *arguments)
    plan = json.loads(explained)[0]["Plan"]
    return {node["Index Name"] for node in nodes(plan) if "Index Name" in node}
