"""Stands for `merge.sql`, on the lists that stand for its temporary tables."""

from collections.abc import Callable, Iterator
from datetime import datetime

from service.identifiers import EMPTY_ROW
from tests.simulation.memory_store.change_log import append_chunk
from tests.simulation.memory_store.named import named
from tests.simulation.memory_store.session import MergeTables, Session
from tests.simulation.memory_store.values import Row, coalesce, greatest, least


@named("leftover_bytes")
def leftover_bytes(s: Session) -> list[Row]:
    return [{"coalesce": -1 if s.merge_tables is None else len(s.batch.incoming)}]


@named("make_incoming_table")
def make_incoming_table(s: Session) -> int:
    s.merge_tables = MergeTables()
    return 0


@named("make_touched_table")
def make_touched_table(_: Session) -> int:
    """The first of the two made them both."""
    return 0


@named("clear_merge_tables")
def clear_merge_tables(s: Session) -> int:
    s.batch.clear()
    return 0


@named("find_touched")
def find_touched(s: Session, *, audience_no: int, now: datetime) -> list[Row]:
    old = _stored_of_batch(s, audience_no)
    new = {(row["member_key"], row["row_no"]): row for row in s.batch.incoming}
    differing = {
        place[0]
        for place in old.keys() | new.keys()
        if _packed(old.get(place)) != _packed(new.get(place))
    }
    said = {
        key: _said_of(s, audience_no, first, old.get((key, 0)), key in differing, now)
        for (key, row_no), first in new.items()
        if row_no == 0
    }
    for place in sorted(old.keys() | new.keys()):
        of_member = said[place[0]]
        if of_member is not None:
            rows = {"row": new.get(place), "stored": old.get(place)}
            s.batch.touched.append({"place": place, **rows, **of_member})
    return [_counts(s.batch.touched)]


def _stored_of_batch(s: Session, audience_no: int) -> dict[tuple[bytes, int], Row]:
    keys = {row["member_key"] for row in s.batch.incoming}
    return {
        place: row
        for place, row in s.tables.member.of(audience_no).rows.items()
        if place[0] in keys
    }


def _packed(row: Row | None) -> bytes | None:
    return None if row is None else row["packed_row"]


def _said_of(
    s: Session,
    audience_no: int,
    first: Row,
    stored: Row | None,
    differs: bool,  # noqa: FBT001
    now: datetime,
) -> Row | None:
    """What is to be written of a member; None: nothing."""
    rows = s.tables.tombstone.of(audience_no).rows
    tombstone = None if stored else rows.get(first["member_key"])
    known = stored or tombstone
    list_began_at = s.tables.audience.rows[audience_no]["list_began_at"]
    known_at = greatest(known["changed_at"] if known else None, list_began_at)
    judged = _judge(first, known_at, differs, now)
    if judged is None:
        return None
    return {
        **judged,
        "was_present": stored is not None,
        "had_tombstone": tombstone is not None,
    }


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
        "is_present": first["packed_row"] is not None,
        "is_changed": differs,
        "changed_at": coalesce(said_at, greatest(now, known_at)),
    }


def _counts(touched: list[Row]) -> Row:
    members = [row for row in touched if row["place"][1] == 0]
    kinds = [(_packed(row["row"]) is not None, row["stored"] is not None) for row in touched]
    return {
        "changed_count": sum(row["is_changed"] for row in members),
        "more_members": sum(row["is_present"] - row["was_present"] for row in members),
        "more_unmatchable": sum(
            (_packed(row["row"]) == EMPTY_ROW) - (_packed(row["stored"]) == EMPTY_ROW)
            for row in touched
        ),
        "leaver_count": sum(row["was_present"] and not row["is_present"] for row in members),
        "lost_row_count": sum(row["is_present"] and not _packed(row["row"]) for row in touched),
        "new_row_count": kinds.count((True, False)),
        "known_row_count": kinds.count((True, True)),
        "absent_count": sum(not row["is_present"] for row in members),
        "back_count": sum(row["is_present"] and row["had_tombstone"] for row in members),
    }


def _changed(s: Session) -> set[bytes]:
    return {row["place"][0] for row in s.batch.touched if row["is_changed"]}


@named("delete_leavers")
def delete_leavers(s: Session, *, audience_no: int) -> int:
    return _delete(s, audience_no, lambda row: row["was_present"] and not row["is_present"])


@named("delete_lost_rows")
def delete_lost_rows(s: Session, *, audience_no: int) -> int:
    return _delete(s, audience_no, lambda row: row["is_present"] and not _packed(row["row"]))


def _delete(s: Session, audience_no: int, is_gone: Callable[[Row], bool]) -> int:
    gone = [row["place"] for row in s.batch.touched if row["stored"] and is_gone(row)]
    for place in gone:
        s.tables.member.of(audience_no).remove(place)
    return len(gone)


@named("change_known_rows")
def change_known_rows(s: Session, *, audience_no: int) -> int:
    written = 0
    for one in s.batch.touched:
        row, stored = one["row"], one["stored"]
        if not stored or not _packed(row):
            continue
        if one["place"][1] == 0 or _packed(row) != _packed(stored):
            _put_row(s, audience_no, one)
            written += 1
    return written


@named("insert_new_rows")
def insert_new_rows(s: Session, *, audience_no: int) -> int:
    new = [one for one in s.batch.touched if not one["stored"] and _packed(one["row"])]
    for one in new:
        _put_row(s, audience_no, one)
    return len(new)


def _put_row(s: Session, audience_no: int, one: Row) -> None:
    values = {name: value for name, value in one["row"].items() if name != "occurred_at"}
    row = {"audience_no": audience_no, **values, "changed_at": one["changed_at"]}
    s.tables.member.of(audience_no).put(one["place"], row)


@named("write_tombstones")
def write_tombstones(s: Session, *, audience_no: int) -> int:
    table = s.tables.tombstone.of(audience_no)
    gone = [row for row in s.batch.touched if row["place"][1] == 0 and not row["is_present"]]
    for row in gone:
        member_key = row["place"][0]
        tombstone = {"member_key": member_key, "changed_at": row["changed_at"]}
        table.put(member_key, {"audience_no": audience_no, **tombstone})
    return len(gone)


@named("delete_tombstones")
def delete_tombstones(s: Session, *, audience_no: int) -> int:
    back = {
        row["place"][0] for row in s.batch.touched if row["had_tombstone"] and row["is_present"]
    }
    for member_key in back:
        s.tables.tombstone.of(audience_no).remove(member_key)
    return len(back)


@named("log_changes")
def log_changes(
    s: Session, *, audience_no: int, now: datetime, rules_version: int, chunk_rows: int
) -> list[Row]:
    old_rows = _rows_that_match(s, "stored")
    new_rows = _rows_that_match(s, "row")
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


def _rows_that_match(s: Session, which: str) -> set[tuple[bytes, bytes]]:
    """Members and rows, of the changed members, without the empty rows."""
    packed = [
        (one["place"][0], _packed(one[which])) for one in s.batch.touched if one["is_changed"]
    ]
    return {(key, row) for key, row in packed if row is not None and row != EMPTY_ROW}


def _parts(rows: list[tuple[bytes, bytes]], chunk_rows: int) -> Iterator[list[bytes]]:
    """The packed rows by chunks: the rank of a member's first row says which one is theirs."""
    chunks: dict[int, list[bytes]] = {}
    part, last_key = 0, None
    for place, (member_key, packed_row) in enumerate(rows):
        if member_key != last_key:
            part, last_key = place // chunk_rows, member_key
        chunks.setdefault(part, []).append(packed_row)
    return iter(chunks.values())


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


@named("has_tombstones")
def has_tombstones(s: Session, *, audience_no: int) -> list[Row]:
    return [{"exists": bool(s.tables.tombstone.of(audience_no).rows)}]
