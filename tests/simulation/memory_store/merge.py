"""Stands for `merge.sql`, on the lists that stand for its temporary tables."""

from collections.abc import Iterator
from datetime import datetime

from service.identifiers import EMPTY_ROW
from tests.simulation.memory_store.change_log import append_chunk
from tests.simulation.memory_store.named import named
from tests.simulation.memory_store.session import MergeTables, Session
from tests.simulation.memory_store.values import Row, coalesce, greatest, least


@named("has_merge_tables")
def has_merge_tables(s: Session) -> list[Row]:
    return [{"exists": s.merge_tables is not None}]


@named("make_incoming_table")
def make_incoming_table(s: Session) -> int:
    s.merge_tables = MergeTables()
    return 0


@named("make_stored_table")
def make_stored_table(_: Session) -> int:
    """The first of the three made them all."""
    return 0


@named("make_touched_table")
def make_touched_table(_: Session) -> int:
    return 0


@named("has_leftover_batch")
def has_leftover_batch(s: Session) -> list[Row]:
    return [{"exists": bool(s.batch.incoming)}]


@named("clear_merge_tables")
def clear_merge_tables(s: Session) -> int:
    s.batch.clear()
    return 0


@named("fetch_stored")
def fetch_stored(s: Session, *, audience_no: int) -> int:
    by_member: dict[bytes, list[Row]] = {
        row["member_key"]: [] for row in s.batch.incoming if row["row_no"] == 0
    }
    for row in s.tables.member.of(audience_no).rows.values():
        if row["member_key"] in by_member:
            by_member[row["member_key"]].append(row)
    s.batch.stored.extend(row for rows in by_member.values() for row in rows)
    return len(s.batch.stored)


@named("find_touched")
def find_touched(s: Session, *, audience_no: int, now: datetime) -> int:
    tombstones = s.tables.tombstone.of(audience_no).rows
    first_stored = {row["member_key"]: row for row in s.batch.stored if row["row_no"] == 0}
    differing = _differing(s.batch)
    for first in s.batch.incoming:
        if first["row_no"] == 0:
            key = first["member_key"]
            stored = first_stored.get(key)
            tombstone = None if stored else tombstones.get(key)
            known = stored or tombstone
            judged = _judge(first, known["changed_at"] if known else None, key in differing, now)
            if judged is not None:
                said = {"was_present": stored is not None, "had_tombstone": tombstone is not None}
                s.batch.touched.append({**judged, **said})
    return len(s.batch.touched)


def _differing(batch: MergeTables) -> set[bytes]:
    """Members of whom a row comes, goes or changes."""
    old = {(row["member_key"], row["row_no"]): row["packed_row"] for row in batch.stored}
    new = {(row["member_key"], row["row_no"]): row["packed_row"] for row in batch.incoming}
    return {place[0] for place in old.keys() | new.keys() if old.get(place) != new.get(place)}


def _judge(first: Row, known_at: datetime | None, differs: bool, now: datetime) -> Row | None:  # noqa: FBT001
    """What is to be written of a member; None: nothing."""
    occurred_at = first["occurred_at"]
    said_at = None if occurred_at is None else least(occurred_at, now)
    if said_at is not None and known_at is not None and said_at < known_at:
        return None
    moves_clock = said_at is not None and (known_at is None or said_at > known_at)
    if not differs and not moves_clock:
        return None
    return {
        "member_key": first["member_key"],
        "is_present": first["packed_row"] is not None,
        "is_changed": differs,
        "changed_at": coalesce(said_at, greatest(now, known_at)),
    }


def _touched(s: Session) -> dict[bytes, Row]:
    return {row["member_key"]: row for row in s.batch.touched}


def _changed(s: Session) -> set[bytes]:
    return {row["member_key"] for row in s.batch.touched if row["is_changed"]}


@named("delete_gone_rows")
def delete_gone_rows(s: Session) -> int:
    changed = _changed(s)
    staying = {
        (row["member_key"], row["row_no"])
        for row in s.batch.incoming
        if row["packed_row"] is not None
    }
    gone = [
        row
        for row in s.batch.stored
        if row["member_key"] in changed and (row["member_key"], row["row_no"]) not in staying
    ]
    for row in gone:
        s.tables.member.of(row["audience_no"]).remove((row["member_key"], row["row_no"]))
    return len(gone)


@named("write_rows")
def write_rows(s: Session, *, audience_no: int) -> int:
    touched, table = _touched(s), s.tables.member.of(audience_no)
    stored = {(row["member_key"], row["row_no"]): row["packed_row"] for row in s.batch.stored}
    written = 0
    for row in s.batch.incoming:
        place = row["member_key"], row["row_no"]
        if row["member_key"] not in touched or row["packed_row"] is None:
            continue
        if row["row_no"] == 0 or row["packed_row"] != stored.get(place):
            values = {name: value for name, value in row.items() if name != "occurred_at"}
            clock = touched[row["member_key"]]["changed_at"]
            table.put(place, {"audience_no": audience_no, **values, "changed_at": clock})
            written += 1
    return written


@named("write_tombstones")
def write_tombstones(s: Session, *, audience_no: int) -> int:
    table = s.tables.tombstone.of(audience_no)
    gone = [row for row in s.batch.touched if not row["is_present"]]
    for row in gone:
        tombstone = {name: row[name] for name in ("member_key", "changed_at")}
        table.put(row["member_key"], {"audience_no": audience_no, **tombstone})
    return len(gone)


@named("delete_tombstones")
def delete_tombstones(s: Session, *, audience_no: int) -> int:
    back = [row for row in s.batch.touched if row["had_tombstone"] and row["is_present"]]
    for row in back:
        s.tables.tombstone.of(audience_no).remove(row["member_key"])
    return len(back)


@named("log_changes")
def log_changes(
    s: Session, *, audience_no: int, now: datetime, rules_version: int, chunk_rows: int
) -> list[Row]:
    changed = _changed(s)
    old_rows = _rows_that_match(s.batch.stored, changed)
    new_rows = _rows_that_match(s.batch.incoming, changed)
    losers = {member_key for member_key, _ in old_rows - new_rows}
    removed = {place for place in old_rows if place[0] in losers}
    revision = first = s.tables.audience.rows[audience_no]["revision"]
    row_count = 0
    for operation, rows in (("REMOVE", removed), ("ADD", new_rows - old_rows)):
        for packed in _parts(sorted(rows), chunk_rows):
            revision += 1
            row_count += len(packed)
            append_chunk(
                s,
                {
                    "audience_no": audience_no,
                    "revision": revision,
                    "operation": operation,
                    "row_count": len(packed),
                    "rules_version": rules_version,
                    "logged_at": now,
                    "packed_rows": b"".join(packed),
                },
            )
    return [{"chunk_count": revision - first, "row_count": row_count}]


def _rows_that_match(rows: list[Row], changed: set[bytes]) -> set[tuple[bytes, bytes]]:
    """Members and rows, of the changed members, without the empty rows."""
    return {
        (row["member_key"], row["packed_row"])
        for row in rows
        if row["member_key"] in changed and row["packed_row"] not in {None, EMPTY_ROW}
    }


def _parts(rows: list[tuple[bytes, bytes]], chunk_rows: int) -> Iterator[list[bytes]]:
    """The packed rows by chunks: the rank of a member's first row says which one is theirs."""
    chunks: dict[int, list[bytes]] = {}
    part, last_key = 0, None
    for place, (member_key, packed_row) in enumerate(rows):
        if member_key != last_key:
            part, last_key = place // chunk_rows, member_key
        chunks.setdefault(part, []).append(packed_row)
    return iter(chunks.values())


@named("count_changes")
def count_changes(s: Session) -> list[Row]:
    changed = [row for row in s.batch.touched if row["is_changed"]]
    keys = {row["member_key"] for row in changed}
    more_members = sum(row["is_present"] - row["was_present"] for row in changed)
    more_unmatchable = _unmatchable(s.batch.incoming, keys) - _unmatchable(s.batch.stored, keys)
    return [
        {
            "changed_count": len(changed),
            "more_members": more_members,
            "more_unmatchable": more_unmatchable,
            "known_count": sum(row["was_present"] for row in changed),
            "absent_count": sum(not row["is_present"] for row in s.batch.touched),
            "back_count": sum(
                row["is_present"] and row["had_tombstone"] for row in s.batch.touched
            ),
        }
    ]


def _unmatchable(rows: list[Row], keys: set[bytes]) -> int:
    return sum(
        row["row_no"] == 0 and row["packed_row"] == EMPTY_ROW and row["member_key"] in keys
        for row in rows
    )


@named("move_counters")
def move_counters(
    s: Session,
    *,
    audience_no: int,
    chunk_count: int,
    row_count: int,
    more_members: int,
    more_unmatchable: int,
) -> list[Row]:
    audience = s.tables.audience.rows.get(audience_no)
    if audience is None:
        return []
    moved = s.tables.audience.change(
        audience_no,
        revision=audience["revision"] + chunk_count,
        rows_logged=audience["rows_logged"] + row_count,
        member_count=audience["member_count"] + more_members,
        unmatchable_count=audience["unmatchable_count"] + more_unmatchable,
    )
    return [{"revision": moved["revision"]}]


@named("read_revision")
def read_revision(s: Session, *, audience_no: int) -> list[Row]:
    audience = s.tables.audience.rows.get(audience_no)
    return [] if audience is None else [{"revision": audience["revision"]}]


@named("read_changed_keys")
def read_changed_keys(s: Session) -> list[Row]:
    return [{"member_key": member_key} for member_key in _changed(s)]
