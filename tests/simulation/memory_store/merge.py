"""Twins of `merge.sql`: the same steps over the same temporary tables."""

from collections import defaultdict
from itertools import groupby
from types import SimpleNamespace as Given
from typing import Any

import asyncpg

from tests.simulation.memory_store.membership import EMPTY
from tests.simulation.memory_store.registry import named
from tests.simulation.memory_store.tables import Row, Tables, greatest


@named("has_merge_tables")
def has_merge_tables(_: Tables, __: Given) -> bool:
    return True


@named("make_incoming_table")
@named("make_stored_table")
@named("make_touched_table")
def make_table(_: Tables, __: Given) -> int:
    return 0


@named("has_leftover_batch")
def has_leftover_batch(t: Tables, _: Given) -> bool:
    return bool(t.incoming)


@named("clear_merge_tables")
def clear_merge_tables(t: Tables, _: Given) -> int:
    t.incoming, t.stored, t.touched = [], [], []
    return 0


@named("fetch_stored")
def fetch_stored(t: Tables, p: Given) -> int:
    told = {row["member_key"] for row in t.incoming if row["row_no"] == 0}
    t.stored = [row for _, row in t.of("member", p.audience_no) if row["member_key"] in told]
    return len(t.stored)


def _by_row(rows: list[Row]) -> dict[tuple[bytes, int], Row]:
    return {(row["member_key"], row["row_no"]): row for row in rows}


@named("find_touched")
def find_touched(t: Tables, p: Given) -> int:
    incoming, stored = _by_row(t.incoming), _by_row(t.stored)
    differing = {
        key[0]
        for key in incoming.keys() | stored.keys()
        if incoming.get(key, {}).get("packed_row") != stored.get(key, {}).get("packed_row")
    }
    for (member_key, row_no), row in incoming.items():
        if row_no == 0:
            tombstone = t.get("tombstone", (p.audience_no, member_key))
            judged = _judge(row, stored.get((member_key, 0)), tombstone, p.now)
            _touch(t, judged, is_changed=member_key in differing, now=p.now)
    return len(t.touched)


def _judge(row: Row, known: Row | None, tombstone: Row | None, now: Any) -> Row:
    tombstone = tombstone if known is None else None
    said_at = row["occurred_at"]
    clock = known or tombstone
    return {
        "member_key": row["member_key"],
        "was_present": known is not None,
        "is_present": row["packed_row"] is not None,
        "had_tombstone": tombstone is not None,
        "said_at": None if said_at is None else min(said_at, now),
        "known_at": None if clock is None else clock["changed_at"],
    }


def _touch(t: Tables, judged: Row, *, is_changed: bool, now: Any) -> None:
    said_at, known_at = judged.pop("said_at"), judged.pop("known_at")
    if said_at is not None and known_at is not None and said_at < known_at:
        return
    moves_clock = said_at is not None and (known_at is None or said_at > known_at)
    if is_changed or moves_clock:
        changed_at = greatest(now, known_at) if said_at is None else said_at
        t.touched.append({**judged, "is_changed": is_changed, "changed_at": changed_at})


@named("count_touched")
def count_touched(t: Tables, _: Given) -> int:
    return len(t.touched)


def _touched(t: Tables) -> dict[bytes, Row]:
    return {row["member_key"]: row for row in t.touched}


@named("delete_gone_rows")
def delete_gone_rows(t: Tables, _: Given) -> int:
    touched, incoming = _touched(t), _by_row(t.incoming)
    gone = 0
    for key, row in _by_row(t.stored).items():
        judged = touched.get(key[0])
        if judged and judged["is_changed"] and incoming.get(key, {}).get("packed_row") is None:
            t.delete("member", (row["audience_no"], *key))
            gone += 1
    return gone


@named("write_rows")
def write_rows(t: Tables, p: Given) -> int:
    touched, stored = _touched(t), _by_row(t.stored)
    written = 0
    for (member_key, row_no), row in _by_row(t.incoming).items():
        if member_key not in touched or row["packed_row"] is None:
            continue
        differs = row["packed_row"] != stored.get((member_key, row_no), {}).get("packed_row")
        if row_no == 0 or differs:
            told = {name: value for name, value in row.items() if name != "occurred_at"}
            changed_at = touched[member_key]["changed_at"]
            new = {**told, "audience_no": p.audience_no, "changed_at": changed_at}
            t.put("member", (p.audience_no, member_key, row_no), new)
            written += 1
    return written


@named("write_tombstones")
def write_tombstones(t: Tables, p: Given) -> int:
    left = [row for row in t.touched if not row["is_present"]]
    for row in left:
        tombstone = {
            "audience_no": p.audience_no,
            "member_key": row["member_key"],
            "changed_at": row["changed_at"],
        }
        t.put("tombstone", (p.audience_no, row["member_key"]), tombstone)
    return len(left)


@named("delete_tombstones")
def delete_tombstones(t: Tables, p: Given) -> int:
    back = [row for row in t.touched if row["had_tombstone"] and row["is_present"]]
    for row in back:
        t.delete("tombstone", (p.audience_no, row["member_key"]))
    return len(back)


def _rows_of(rows: list[Row], changed: set[bytes]) -> dict[bytes, set[bytes]]:
    of: dict[bytes, set[bytes]] = defaultdict(set)
    for row in rows:
        if row["member_key"] in changed and row["packed_row"] not in (None, EMPTY):
            of[row["member_key"]].add(row["packed_row"])
    return of


@named("log_changes")
def log_changes(t: Tables, p: Given) -> list[Row]:
    changed = {row["member_key"] for row in t.touched if row["is_changed"]}
    old, new = _rows_of(t.stored, changed), _rows_of(t.incoming, changed)
    removed = [(k, row) for k in sorted(changed) if old[k] - new[k] for row in sorted(old[k])]
    added = [(k, row) for k in sorted(changed) for row in sorted(new[k] - old[k])]
    revision = t.by_name["audience"][p.audience_no]["revision"]
    chunks = [*_chunks("REMOVE", removed, p), *_chunks("ADD", added, p)]
    for place, chunk in enumerate(chunks, start=1):
        key = (p.audience_no, revision + place)
        t.insert("change_chunk", key, {**chunk, "revision": revision + place})
    return [{"chunk_count": len(chunks), "row_count": sum(c["row_count"] for c in chunks)}]


def _chunks(operation: str, rows: list[tuple[bytes, bytes]], p: Given) -> list[Row]:
    ranks: dict[bytes, int] = {}
    for number, (member_key, _) in enumerate(rows):
        ranks.setdefault(member_key, number)
    parts = groupby(rows, key=lambda pair: ranks[pair[0]] // p.chunk_rows)
    return [
        {
            "audience_no": p.audience_no,
            "operation": operation,
            "row_count": len(packed),
            "rules_version": p.rules_version,
            "logged_at": p.now,
            "packed_rows": b"".join(packed),
        }
        for packed in ([row for _, row in part] for _, part in parts)
    ]


@named("count_changes")
def count_changes(t: Tables, _: Given) -> list[Row]:
    changed = [row for row in t.touched if row["is_changed"]]
    incoming, stored = _by_row(t.incoming), _by_row(t.stored)

    def empties(rows: dict[tuple[bytes, int], Row]) -> int:
        firsts = (rows.get((row["member_key"], 0), {}) for row in changed)
        return sum(1 for row in firsts if row.get("packed_row") == EMPTY)

    came = sum(1 for row in changed if row["is_present"] and not row["was_present"])
    left = sum(1 for row in changed if row["was_present"] and not row["is_present"])
    return [
        {
            "changed_count": len(changed),
            "more_members": came - left,
            "more_unmatchable": empties(incoming) - empties(stored),
        }
    ]


@named("move_counters")
def move_counters(t: Tables, p: Given) -> int:
    audience = t.by_name["audience"][p.audience_no]
    moved = t.change(
        "audience",
        p.audience_no,
        revision=audience["revision"] + p.chunk_count,
        rows_logged=audience["rows_logged"] + p.row_count,
        member_count=audience["member_count"] + p.more_members,
        unmatchable_count=audience["unmatchable_count"] + p.more_unmatchable,
    )
    if not 0 <= moved["unmatchable_count"] <= moved["member_count"]:
        raise asyncpg.CheckViolationError("audience_unmatchable_count_check")
    revision: int = moved["revision"]
    return revision


@named("read_revision")
def read_revision(t: Tables, p: Given) -> int:
    revision: int = t.by_name["audience"][p.audience_no]["revision"]
    return revision
