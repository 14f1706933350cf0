"""Every named query, and what functions do, is within what Citus can plan.

Citus itself cannot be installed here. That the rules below are its rules was seen by hand, by running every
query on Citus 13.2 with two nodes beside the coordinator (docs/scaling.md).
"""

import importlib
import json
import pkgutil
import re
from collections.abc import Iterator
from typing import Any, Final

import pytest

import service.store
from service.store.citus import SPREAD_TABLES
from service.store.connection import Connection
from service.store.merge import make_merge_tables
from service.store.queries import REGISTERED, SqlText, parse_sql_file
from tests.integration.store_builders import connected

for _module in pkgutil.iter_modules(service.store.__path__):
    importlib.import_module(f"service.store.{_module.name}")

SPREAD: Final = "|".join(SPREAD_TABLES)
WRITES: Final = re.compile(rf"\b(?:update|insert into|delete from) (?:{SPREAD})\b")
NAMES_SPREAD: Final = re.compile(rf"\b(?:from|join|using|update|into) (?:{SPREAD})\b")
OF_NAMED_AUDIENCES: Final = re.compile(r"\baudience_no = (?:\$\d+|ANY \(\$\d+\))\)")
INSERTS: Final = re.compile(
    rf"insert into (?:{SPREAD})\b(?: as \w+)? \(\s*audience_no,[^)]*\)\s*(?:select|values \()\s*\$\d+\b"
)
REFUSED: Final = {
    "a column of no width in a WITH": re.compile(r"\bas (?:materialized )?\(\s*select from\b"),
    "a place": re.compile(r"\bctid\b"),
    "a slice of an array": re.compile(r"[\])]\[\s*(?:greatest|\$|\d)"),
    "a moment in COALESCE": re.compile(r"coalesce\([^()]*\b(?:now|milliseconds_since)\("),
    "milliseconds_since in what is written": re.compile(r"= \w+ \+ milliseconds_since"),
    "a notification in RETURNING": re.compile(r"returning\s+(?:case\b.*)?pg_notify", re.DOTALL),
    "a moment in an upsert": re.compile(
        r"do update set.*\b(?:now|clock_timestamp|random)\(", re.DOTALL
    ),
}
"""In statements that write to spread tables."""


def names_spread(text: SqlText) -> bool:
    return NAMES_SPREAD.search(text.sql) is not None


def refused_in(text: SqlText) -> Iterator[str]:
    """What Citus refuses in a statement that writes to spread tables, whatever its plan."""
    if not WRITES.search(text.sql):
        return
    yield from (what for what, sign in REFUSED.items() if sign.search(text.sql))
    inserts = len(re.findall(rf"insert into (?:{SPREAD})\b", text.sql))
    # The log takes the number of its audience from the statement too, behind a WITH.
    if inserts != len(INSERTS.findall(text.sql)):
        yield "an insert whose first value is not the statement's audience"


def steps(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield plan
    for child in plan.get("Plans", []):
        yield from steps(child)


async def scans_of_all(connection: Connection, name: str, text: SqlText) -> list[str]:
    """Spread tables that a step reads without being told of which audiences: a question to all nodes."""
    await connection.execute(f"prepare {name} as {text.sql}")
    nothing = ", ".join(["null"] * len(text.parameters))
    values = f"({nothing})" if text.parameters else ""
    explained = await connection.fetchval(f"explain (format json) execute {name}{values}")
    return [
        step["Relation Name"]
        for step in steps(json.loads(explained)[0]["Plan"])
        if step.get("Relation Name") in SPREAD_TABLES
        and step["Node Type"].endswith("Scan")
        and not OF_NAMED_AUDIENCES.search(f"{step.get('Index Cond', '')} {step.get('Filter', '')}")
    ]


async def broken_rules(connection: Connection, name: str, text: SqlText) -> list[str]:
    if not names_spread(text):
        return []
    found = await scans_of_all(connection, name, text)
    return [*refused_in(text), *(f"{table} of all audiences" for table in found)]


async def prepared(connection: Connection) -> None:
    await make_merge_tables(connection)
    # The plan for any value, in which a parameter stands as such; nothing is left out as never true.
    await connection.execute("set plan_cache_mode = force_generic_plan")


async def test_every_query_is_within_citus_rules(database_url: str) -> None:
    async with connected(database_url) as connection:
        await prepared(connection)
        broken = {
            name: rules
            for name, query in REGISTERED.items()
            if (rules := await broken_rules(connection, name, query.text))
        }
    assert broken == {}


FUNCTIONS = """
select proname::text as name, prosrc as body, pronargs as taken from pg_proc
where pronamespace = 'public'::regnamespace
    and prolang = (select oid from pg_language where lanname = 'sql')
"""


async def test_every_function_is_within_citus_rules(database_url: str) -> None:
    async with connected(database_url) as connection:
        await prepared(connection)
        functions = await connection.fetch(FUNCTIONS)
        assert {"milliseconds_since", "logged_first_after"} <= {one["name"] for one in functions}
        for name, body, taken in functions:
            parameters = tuple(f"p{number}" for number in range(taken))
            assert await broken_rules(connection, name, SqlText("one", body, parameters)) == []


@pytest.mark.parametrize(
    "sql",
    [
        "select count(*) from sync",
        "select 1 from sync s join audience a using (audience_no) where a.audience_id = :id::text",
        "delete from member where ctid = any (array(select ctid from member limit 1))",
        "update sync set ended_at = coalesce(ended_at, now()) where audience_no = :no",
        "update sync set calls = 1 where audience_no = :no returning pg_notify('a', '')",
        """
        insert into tombstone (member_key, audience_no, changed_at)
        select gen_random_uuid(), audience_no, now() from audience
        """,
        """
        with held as (select from audience_work for update)
        update sync set calls = 1 from held where audience_no = :no
        """,
    ],
)
async def test_a_query_that_breaks_a_rule_is_noticed(database_url: str, sql: str) -> None:
    (text,) = parse_sql_file(f"-- name: bad :exec\n{sql};\n").values()
    async with connected(database_url) as connection:
        await prepared(connection)
        assert await broken_rules(connection, "bad", text) != []


KEYS_WITHOUT_AUDIENCE = """
select indexrelid::regclass::text from pg_index
where indrelid = any ($1::text[]::regclass[]) and indisunique
    and not (select attnum from pg_attribute
        where attrelid = indrelid and attname = 'audience_no') = any (indkey::smallint[])
"""
REFERENCES = """
select conname::text from pg_constraint
where contype = 'f' and (conrelid = any ($1::text[]::regclass[]) or confrelid = any ($1::text[]::regclass[]))
"""
TRIGGERS = "select tgname::text from pg_trigger where tgrelid = any ($1::text[]::regclass[])"
NUMBERED = """
select attrelid::regclass::text from pg_attribute
where attrelid = any ($1::text[]::regclass[]) and attnum > 0 and (attidentity <> '' or atthasdef and attgenerated <> '')
"""


@pytest.mark.parametrize("rule", [KEYS_WITHOUT_AUDIENCE, REFERENCES, TRIGGERS, NUMBERED])
async def test_spread_tables_have_no_key_reference_or_trigger_beyond_an_audience(
    database_url: str, rule: str
) -> None:
    async with connected(database_url) as connection:
        assert await connection.fetch(rule, list(SPREAD_TABLES)) == []
