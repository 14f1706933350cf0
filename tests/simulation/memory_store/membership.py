"""Twins of `membership.sql`."""

from types import SimpleNamespace as Given
from typing import Final

from tests.simulation.memory_store.registry import named
from tests.simulation.memory_store.tables import Row, Tables

EMPTY: Final = b"\0\0"
_PREFIXES: Final = (
    (0, "email_prefix", "email_prefixes"),
    (1, "phone_prefix", "phone_prefixes"),
    (2, "madid_prefix", "madid_prefixes"),
)


@named("read_member_page")
def read_member_page(t: Tables, p: Given) -> list[Row]:
    after = (bytes(p.after_key), p.after_row_no)
    rows = sorted(
        (row for _, row in t.of("member", p.audience_no)),
        key=lambda row: (row["member_key"], row["row_no"]),
    )
    page = [
        _member_row(row)
        for row in rows
        if (row["member_key"], row["row_no"]) > after and row["packed_row"] != EMPTY
    ]
    return page[: p.row_limit]


def _member_row(row: Row) -> Row:
    return {name: row[name] for name in ("member_key", "row_no", "packed_row")}


@named("find_holders")
def find_holders(t: Tables, p: Given) -> list[Row]:
    members = [row for _, row in t.of("member", p.audience_no)]
    found: list[Row] = []
    for key, column, wanted in _PREFIXES:
        for prefix in getattr(p, wanted):
            holders = [row for row in members if row[column] == prefix][: p.per_identifier]
            found += [
                {
                    "key": key,
                    "prefix": prefix,
                    "member_key": row["member_key"],
                    "packed_row": row["packed_row"],
                }
                for row in holders
            ]
    return found


@named("read_members")
def read_members(t: Tables, p: Given) -> list[Row]:
    members = [row for _, row in t.of("member", p.audience_no) if row["packed_row"] != EMPTY]
    return [
        _member_row(row)
        for member_key in p.member_keys
        for row in members
        if row["member_key"] == bytes(member_key)
    ]


def _forget(t: Tables, table: str, p: Given) -> int:
    gone = [key for key, _ in t.of(table, p.audience_no)][: p.row_limit]
    for key in gone:
        t.delete(table, key)
    return len(gone)


@named("forget_rows")
def forget_rows(t: Tables, p: Given) -> int:
    return _forget(t, "member", p)


@named("forget_tombstones")
def forget_tombstones(t: Tables, p: Given) -> int:
    return _forget(t, "tombstone", p)


@named("forget_chunks")
def forget_chunks(t: Tables, p: Given) -> int:
    return _forget(t, "change_chunk", p)
