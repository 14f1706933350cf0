"""Every named SQL text agrees with the database and with the Python that uses it."""

import dataclasses
import importlib
import pkgutil
import re
import types
import typing
from datetime import datetime
from pathlib import Path

import pytest

import service
import service.store
from service.store.merge import make_merge_tables
from service.store.queries import REGISTERED, TEXTS, Command, Query, parse_sql_file
from tests.integration.citus_double import CITUS_DOUBLE
from tests.integration.store_builders import connected

for _module in pkgutil.iter_modules(service.store.__path__):
    importlib.import_module(f"service.store.{_module.name}")

PYTHON_OF: dict[str, set[object]] = {
    "int2": {int},
    "int4": {int},
    "int8": {int},
    "numeric": {int},
    "float8": {float},
    "bool": {bool},
    "text": {str},
    "bytea": {bytes},
    "uuid": {bytes},
    "timestamptz": {datetime},
    "int2[]": {list[int]},
    "int4[]": {list[int]},
    "int8[]": {list[int]},
    "float8[]": {list[float]},
    "text[]": {list[str]},
    "bytea[]": {list[bytes]},
    "uuid[]": {list[bytes]},
}


def without_none(declared: object) -> tuple[object, bool]:
    """A declared type without None, and whether None is allowed."""
    if isinstance(declared, types.UnionType):
        others = [one for one in typing.get_args(declared) if one is not types.NoneType]
        assert len(others) == 1
        return others[0], True
    return declared, False


def shape_of(query: Query[object]) -> dict[str, object] | None:
    """Declared columns; None for one column of any name."""
    if dataclasses.is_dataclass(query.returns):
        hints = typing.get_type_hints(query.returns)
        return {field.name: hints[field.name] for field in dataclasses.fields(query.returns)}
    return None


def columns_of(command: Command) -> dict[str, object]:
    return (shape_of(command) or {}) if isinstance(command, Query) else {}


async def test_every_query_matches_the_migrated_database(database_url: str) -> None:
    async with connected(database_url) as connection:
        await make_merge_tables(connection)
        await connection.execute(CITUS_DOUBLE)
        for query in REGISTERED.values():
            statement = await connection.prepare(query.text.sql)
            taken = [query.takes[name] for name in query.text.parameters]
            kinds = [parameter.name for parameter in statement.get_parameters()]
            assert set(query.text.parameters) == set(query.takes), query.name
            for taken_type, kind in zip(taken, kinds, strict=True):
                assert without_none(taken_type)[0] in PYTHON_OF[kind], (query.name, kind)
            columns = {column.name: column.type.name for column in statement.get_attributes()}
            if not isinstance(query, Query):
                assert set(columns.values()) <= {"void"}, query.name
                continue
            shape = shape_of(query)
            if shape is None:
                shape = dict.fromkeys(columns, query.returns)
                assert len(columns) == 1, query.name
            assert list(columns) == list(shape), query.name
            for name, declared in shape.items():
                kind = columns[name]
                assert without_none(declared)[0] in PYTHON_OF[kind], (query.name, name, kind)


async def test_columns_may_be_null_in_python_exactly_where_they_may_in_the_database(
    database_url: str,
) -> None:
    async with connected(database_url) as connection:
        records = await connection.fetch(
            "select column_name, array_agg(distinct is_nullable) as answers"
            " from information_schema.columns where table_schema = 'public' group by column_name"
        )
    nullable = {
        record["column_name"]: record["answers"] == ["YES"]
        for record in records
        if len(record["answers"]) == 1
    }
    checked = 0
    for query in REGISTERED.values():
        for name, declared in columns_of(query).items():
            if name in nullable:
                checked += 1
                assert without_none(declared)[1] == nullable[name], (query.name, name)
    assert checked > 50


def test_no_sql_text_is_left_unused() -> None:
    assert TEXTS.keys() == REGISTERED.keys()


def test_the_kind_of_a_text_says_how_it_is_used() -> None:
    for query in REGISTERED.values():
        assert isinstance(query, Query) == (query.text.kind != "exec"), query.name


def test_sql_stands_in_sql_files_only() -> None:
    statement = re.compile(
        r"\b(select\b.+\bfrom|insert\s+into|update\s+\w+\s+set|delete\s+from|create\s+table)\b",
        re.IGNORECASE,
    )
    root = Path(service.__file__).parent
    strings = re.compile(r'"""(.*?)"""|"([^"\n]*)"', re.DOTALL)
    offenders = [
        (path.name, found)
        for path in root.rglob("*.py")
        for groups in strings.findall(path.read_text(encoding="utf-8"))
        for found in groups
        if statement.search(found)
    ]
    assert offenders == []


async def test_a_missing_or_misspelt_parameter_is_refused(database_url: str) -> None:
    async with connected(database_url) as connection:
        with pytest.raises(TypeError, match="ad_account_id"):
            await REGISTERED["find_ad_account"].execute(connection, ad_acount_id="act_1")


def test_parameters_are_numbered_in_the_order_of_their_first_use() -> None:
    texts = parse_sql_file(
        "-- name: first :one\n-- Says :nothing here.\nselect :b::text, :a, :b where x = '{}';\n"
        "-- name: second :exec\ndelete from t\n"
    )
    assert texts["first"].sql == "select $1::text, $2, $1 where x = '{}'"
    assert texts["first"].parameters == ("b", "a")
    assert (texts["second"].kind, texts["second"].sql) == ("exec", "delete from t")


def test_a_name_is_declared_once() -> None:
    with pytest.raises(ValueError, match="declared twice"):
        Command("find_ad_account")
