"""Stands for `imports.sql`."""

from datetime import datetime

from tests.simulation.memory_store.constraints import violated_unique
from tests.simulation.memory_store.named import named
from tests.simulation.memory_store.session import Session
from tests.simulation.memory_store.values import Row, greatest

TOLD = (
    "import_id",
    "mode",
    "is_dry_run",
    "started_at",
    "touched_at",
    "acknowledged",
    "is_finished",
    "result",
)


def _told(row: Row) -> Row:
    return {name: row[name] for name in TOLD}


def _is_open_replace(row: Row) -> bool:
    return row["mode"] == "REPLACE" and not row["is_finished"]


@named("lock_import")
def lock_import(s: Session, *, audience_no: int, import_id: str) -> list[Row]:
    row = s.tables.list_import.of(audience_no).rows.get(import_id)
    return [] if row is None else [_told(row)]


@named("find_open_replace")
def find_open_replace(s: Session, *, audience_no: int) -> list[Row]:
    rows = s.tables.list_import.of(audience_no).rows.values()
    return [_told(row) for row in rows if _is_open_replace(row)]


@named("begin_import")
def begin_import(
    s: Session,
    *,
    audience_no: int,
    import_id: str,
    mode: str,
    is_dry_run: bool,
    now: datetime,
) -> list[Row]:
    row = {
        "audience_no": audience_no,
        "import_id": import_id,
        "mode": mode,
        "is_dry_run": is_dry_run,
        "started_at": now,
        "touched_at": now,
        "acknowledged": 0,
        "is_finished": False,
        "result": b"",
    }
    if mode == "REPLACE" and find_open_replace(s, audience_no=audience_no):
        raise violated_unique("list_import_replacing")
    s.tables.list_import.of(audience_no).insert(import_id, row, primary_key="list_import_pkey")
    return [_told(row)]


@named("advance_import")
def advance_import(
    s: Session,
    *,
    audience_no: int,
    import_id: str,
    acknowledged: int,
    is_finished: bool,
    now: datetime,
    result: bytes,
) -> int:
    table = s.tables.list_import.of(audience_no)
    if import_id not in table.rows:
        return 0
    table.change(
        import_id,
        acknowledged=acknowledged,
        is_finished=is_finished,
        touched_at=now,
        result=result,
    )
    return 1


@named("allow_long_statements")
def allow_long_statements(_: Session, *, statement_timeout: str, work_mem: str) -> list[Row]:
    return [{"config": f"{statement_timeout}{work_mem}offon"}]


@named("fill_incoming_from_import")
def fill_incoming_from_import(s: Session, *, audience_no: int, started_at: datetime) -> list[Row]:
    newest: dict[bytes, int] = {}
    staged = list(s.tables.import_row.of(audience_no).rows.values())
    for row in staged:
        key = row["member_key"]
        newest[key] = max(newest.get(key, 0), row["chunk_offset"])
    listed = [row for row in staged if row["chunk_offset"] == newest[row["member_key"]]]
    new = {(row["member_key"], row["row_no"]): row["packed_row"] for row in listed}
    old = {place: row["packed_row"] for place, row in s.tables.member.of(audience_no).rows.items()}
    differing = {place[0] for place in old.keys() | new.keys() if old.get(place) != new.get(place)}
    leaving = sorted(differing - newest.keys())
    for row in listed:
        if row["member_key"] in differing:
            kept = {k: v for k, v in row.items() if k not in {"audience_no", "chunk_offset"}}
            s.batch.incoming.append({**kept, "occurred_at": started_at})
    for member_key in leaving:
        s.batch.incoming.append(
            {
                "member_key": member_key,
                "row_no": 0,
                "packed_row": None,
                "email_prefix": None,
                "phone_prefix": None,
                "madid_prefix": None,
                "occurred_at": started_at,
            }
        )
    return [{"listed_count": len(newest), "leaving_count": len(leaving)}]


@named("note_list_began")
def note_list_began(s: Session, *, audience_no: int, started_at: datetime) -> int:
    audience = s.tables.audience.rows.get(audience_no)
    if audience is None:
        return 0
    newest = greatest(audience["list_began_at"], started_at)
    s.tables.audience.change(audience_no, list_began_at=newest)
    return 1


@named("forget_import_rows")
def forget_import_rows(s: Session, *, audience_no: int, row_limit: int) -> int:
    table = s.tables.import_row.of(audience_no)
    gone = list(table.rows)[:row_limit]
    for key in gone:
        table.remove(key)
    return len(gone)


@named("clear_import_rows")
def clear_import_rows(s: Session, *, audience_no: int) -> int:
    table = s.tables.import_row.of(audience_no)
    gone = list(table.rows)
    for key in gone:
        table.remove(key)
    return len(gone)


@named("forget_import")
def forget_import(s: Session, *, audience_no: int, import_id: str) -> int:
    table = s.tables.list_import.of(audience_no)
    if import_id not in table.rows:
        return 0
    table.remove(import_id)
    return 1


@named("forget_imports")
def forget_imports(s: Session, *, audience_no: int) -> int:
    table = s.tables.list_import.of(audience_no)
    gone = list(table.rows)
    for key in gone:
        table.remove(key)
    return len(gone)


@named("prune_imports")
def prune_imports(
    s: Session, *, audience_no: int, open_before: datetime, finished_before: datetime
) -> list[Row]:
    table = s.tables.list_import.of(audience_no)
    gone = [
        row
        for row in table.rows.values()
        if row["touched_at"] < (finished_before if row["is_finished"] else open_before)
    ]
    for row in gone:
        table.remove(row["import_id"])
    return [{"exists": any(_is_open_replace(row) for row in gone)}]
