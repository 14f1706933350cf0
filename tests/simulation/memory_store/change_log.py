"""Twins of `change_log.sql`."""

from types import SimpleNamespace as Given

from tests.simulation.memory_store.registry import named
from tests.simulation.memory_store.tables import Row, Tables


def _window(t: Tables, p: Given, operations: tuple[str, ...]) -> list[Row]:
    chunks = sorted(
        (
            chunk
            for _, chunk in t.of("change_chunk", p.audience_no)
            if p.after < chunk["revision"] <= p.up_to and chunk["operation"] in operations
        ),
        key=lambda chunk: chunk["revision"],
    )
    taken: list[Row] = []
    rows_so_far = 0
    for chunk in chunks[: p.rows_max]:
        rows_so_far += chunk["row_count"]
        if rows_so_far <= p.rows_max or rows_so_far == chunk["row_count"]:
            taken.append(chunk)
    columns = ("revision", "operation", "row_count", "packed_rows", "rules_version")
    return [{name: chunk[name] for name in columns} for chunk in taken]


@named("read_window")
def read_window(t: Tables, p: Given) -> list[Row]:
    return _window(t, p, ("ADD", "REMOVE"))


@named("read_removals_window")
def read_removals_window(t: Tables, p: Given) -> list[Row]:
    return _window(t, p, ("REMOVE",))


@named("append_chunks")
def append_chunks(t: Tables, p: Given) -> int:
    audience = t.by_name["audience"][p.audience_no]
    revision = audience["revision"]
    for place, (packed, row_count) in enumerate(zip(p.chunks, p.row_counts, strict=True), start=1):
        t.insert(
            "change_chunk",
            (p.audience_no, revision + place),
            {
                "audience_no": p.audience_no,
                "revision": revision + place,
                "operation": p.operation,
                "row_count": row_count,
                "rules_version": p.rules_version,
                "logged_at": p.now,
                "packed_rows": packed,
            },
        )
    moved = t.change(
        "audience",
        p.audience_no,
        revision=revision + len(p.chunks),
        rows_logged=audience["rows_logged"] + sum(p.row_counts),
    )
    end: int = moved["revision"]
    return end


@named("count_window")
def count_window(t: Tables, p: Given) -> int:
    return sum(
        1
        for _, chunk in t.of("change_chunk", p.audience_no)
        if p.after < chunk["revision"] <= p.up_to and chunk["revision"] in p.revisions
    )


@named("prune_log")
def prune_log(t: Tables, p: Given) -> int:
    pruned = 0
    for key, chunk in t.of("change_chunk", p.audience_no):
        old = chunk["operation"] == "ADD" or chunk["logged_at"] < p.removals_before
        if old and chunk["revision"] <= p.additions_up_to:
            t.delete("change_chunk", key)
            pruned += 1
    return pruned


@named("prune_tombstones")
def prune_tombstones(t: Tables, p: Given) -> int:
    gone = [k for k, row in t.of("tombstone", p.audience_no) if row["changed_at"] < p.before]
    for key in gone:
        t.delete("tombstone", key)
    return len(gone)
