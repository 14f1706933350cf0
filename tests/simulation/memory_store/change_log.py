"""Stands for `change_log.sql`."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any, Final

from tests.simulation.memory_store.named import named
from tests.simulation.memory_store.session import Session
from tests.simulation.memory_store.values import Row

_CHUNK: Final = ("revision", "operation", "row_count", "packed_rows", "rules_version")


@named("read_window")
def read_window(
    s: Session, *, audience_no: int, after: int, up_to: int, rows_max: int, bytes_max: int
) -> list[Row]:
    return _window(_between(s, audience_no, after, up_to), rows_max, bytes_max)


@named("read_removals_window")
def read_removals_window(
    s: Session, *, audience_no: int, after: int, up_to: int, rows_max: int, bytes_max: int
) -> list[Row]:
    chunks = _between(s, audience_no, after, up_to)
    removals = (chunk for chunk in chunks if chunk["operation"] == "REMOVE")
    return _window(removals, rows_max, bytes_max)


def _between(s: Session, audience_no: int, after: int, up_to: int) -> list[Row]:
    rows = s.tables.change_chunk.of(audience_no).rows
    return [rows[revision] for revision in sorted(rows) if after < revision <= up_to]


def _window(chunks: Iterable[Row], rows_max: int, bytes_max: int) -> list[Row]:
    window: list[Row] = []
    rows_so_far = bytes_so_far = 0
    for chunk in list(chunks)[:rows_max]:
        rows_so_far += chunk["row_count"]
        bytes_so_far += len(chunk["packed_rows"])
        if (rows_so_far > rows_max or bytes_so_far > bytes_max) and window:
            break
        window.append({name: chunk[name] for name in _CHUNK})
    return window


@named("append_chunks")
def append_chunks(
    s: Session,
    *,
    audience_no: int,
    operation: str,
    chunks: list[bytes],
    row_counts: list[int],
    rules_version: int,
    now: datetime,
) -> list[Row]:
    audience = s.tables.audience.rows.get(audience_no)
    if audience is None:
        return []
    first = audience["revision"]
    for place, (packed_rows, row_count) in enumerate(zip(chunks, row_counts, strict=True), start=1):
        append_chunk(
            s,
            {
                "audience_no": audience_no,
                "revision": first + place,
                "operation": operation,
                "row_count": row_count,
                "rules_version": rules_version,
                "logged_at": now,
                "packed_rows": packed_rows,
            },
        )
    s.tables.audience.change(
        audience_no,
        revision=first + len(chunks),
        rows_logged=audience["rows_logged"] + sum(row_counts),
    )
    return [{"revision": first + len(chunks)}]


def append_chunk(s: Session, chunk: Row) -> None:
    log = s.tables.change_chunk.of(chunk["audience_no"])
    log.insert(chunk["revision"], chunk, primary_key="change_chunk_pkey")


@named("move_chunks_to_end")
def move_chunks_to_end(
    s: Session, *, audience_no: int, revisions: list[int], row_count: int, now: datetime
) -> list[Row]:
    audience = s.tables.audience.rows.get(audience_no)
    if audience is None:
        return []
    log = s.tables.change_chunk.of(audience_no)
    first, end = audience["revision"], audience["revision"] + len(revisions)
    for place, revision in enumerate(revisions, start=1):
        chunk = log.rows.get(revision)
        if chunk is not None:
            log.remove(revision)
            append_chunk(s, {**chunk, "revision": first + place, "logged_at": now})
    rows_logged = audience["rows_logged"] + row_count
    s.tables.audience.change(audience_no, revision=end, rows_logged=rows_logged)
    return [{"revision": end}]


@named("count_window")
def count_window(
    s: Session, *, audience_no: int, after: int, up_to: int, revisions: list[int]
) -> list[Row]:
    rows = s.tables.change_chunk.of(audience_no).rows
    return [{"count": sum(after < n <= up_to and n in rows for n in set(revisions))}]


@named("take_chunks_out")
def take_chunks_out(s: Session, *, audience_no: int, after: int, up_to: int) -> list[Row]:
    log = s.tables.change_chunk.of(audience_no)
    gone = _between(s, audience_no, after, up_to)
    for chunk in gone:
        log.remove(chunk["revision"])
    oldest = min((chunk["logged_at"] for chunk in gone), default=None)
    rows_gone = sum(chunk["row_count"] for chunk in gone)
    return [{"rows_gone": rows_gone, "oldest_logged_at": oldest}]


@named("put_chunk_in")
def put_chunk_in(s: Session, **chunk: Any) -> int:
    append_chunk(s, chunk)
    return 1


@named("count_rows_saved")
def count_rows_saved(s: Session, *, audience_no: int, rows_saved: int) -> int:
    audience = s.tables.audience.rows.get(audience_no)
    if audience is None:
        return 0
    s.tables.audience.change(audience_no, rows_logged=audience["rows_logged"] - rows_saved)
    return 1


@named("prune_log")
def prune_log(
    s: Session,
    *,
    audience_no: int,
    additions_up_to: int,
    removals_before: datetime,
    removals_max: int,
) -> list[Row]:
    log = s.tables.change_chunk.of(audience_no)
    settled = [chunk for chunk in log.rows.values() if chunk["revision"] <= additions_up_to]
    additions = [chunk for chunk in settled if chunk["operation"] == "ADD"]
    removals = [
        chunk
        for chunk in settled
        if chunk["operation"] == "REMOVE" and chunk["logged_at"] < removals_before
    ]
    oldest = sorted(removals, key=lambda chunk: chunk["logged_at"])[:removals_max]
    gone = [chunk["revision"] for chunk in (*additions, *oldest)]
    for revision in gone:
        log.remove(revision)
    return [{"count": len(gone)}]


@named("prune_tombstones")
def prune_tombstones(s: Session, *, audience_no: int, before: datetime, row_limit: int) -> int:
    table = s.tables.tombstone.of(audience_no)
    old = [
        (row["changed_at"], key) for key, row in table.rows.items() if row["changed_at"] < before
    ]
    gone = [key for _, key in sorted(old)[:row_limit]]
    for key in gone:
        table.remove(key)
    return len(gone)
