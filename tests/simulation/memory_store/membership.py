"""Stands for `membership.sql`."""

from itertools import islice
from typing import Any

from service.identifiers import EMPTY_ROW
from tests.simulation.memory_store.named import named
from tests.simulation.memory_store.session import Session
from tests.simulation.memory_store.tables import Table
from tests.simulation.memory_store.values import Row


@named("read_member_page")
def read_member_page(
    s: Session, *, audience_no: int, after_key: bytes, after_row_no: int, row_limit: int
) -> list[Row]:
    rows = s.tables.member.of(audience_no).rows
    after = after_key, after_row_no
    page = (
        _seen(rows[place])
        for place in sorted(place for place in rows if place > after)
        if rows[place]["packed_row"] != EMPTY_ROW
    )
    return list(islice(page, row_limit))


def _seen(row: Row) -> Row:
    return {name: row[name] for name in ("member_key", "row_no", "packed_row")}


@named("find_holders")
def find_holders(
    s: Session,
    *,
    audience_no: int,
    email_prefixes: list[int],
    phone_prefixes: list[int],
    madid_prefixes: list[int],
    per_identifier: int,
) -> list[Row]:
    wanted = {
        "email_prefix": email_prefixes,
        "phone_prefix": phone_prefixes,
        "madid_prefix": madid_prefixes,
    }
    rows = s.tables.member.of(audience_no).rows.values()
    found: list[Row] = []
    for key, (column, prefixes) in enumerate(wanted.items()):
        by_prefix: dict[int, list[Row]] = {}
        if prefixes:
            for row in rows:
                by_prefix.setdefault(row[column], []).append(row)
        for prefix in prefixes:
            for row in by_prefix.get(prefix, [])[:per_identifier]:
                held = {"member_key": row["member_key"], "packed_row": row["packed_row"]}
                found.append({"key": key, "prefix": prefix, **held})
    return found


@named("read_members")
def read_members(s: Session, *, audience_no: int, member_keys: list[bytes]) -> list[Row]:
    by_member: dict[bytes, list[Row]] = {}
    for row in s.tables.member.of(audience_no).rows.values():
        if row["packed_row"] != EMPTY_ROW:
            by_member.setdefault(row["member_key"], []).append(row)
    return [_seen(row) for key in member_keys for row in by_member.get(key, [])]


@named("forget_rows")
def forget_rows(s: Session, *, audience_no: int, row_limit: int) -> int:
    table = s.tables.member.of(audience_no)
    members = {member_key for member_key, _ in sorted(table.rows)[:row_limit]}
    return _forget(table, [place for place in table.rows if place[0] in members])


@named("forget_tombstones")
def forget_tombstones(s: Session, *, audience_no: int, row_limit: int) -> int:
    table = s.tables.tombstone.of(audience_no)
    return _forget(table, sorted(table.rows)[:row_limit])


@named("forget_chunks")
def forget_chunks(s: Session, *, audience_no: int, row_limit: int) -> int:
    table = s.tables.change_chunk.of(audience_no)
    return _forget(table, sorted(table.rows)[:row_limit])


def _forget(table: Table, gone: list[Any]) -> int:
    for key in gone:
        table.remove(key)
    return len(gone)
