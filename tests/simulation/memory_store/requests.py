"""Stands for `requests.sql`."""

from datetime import datetime

from tests.simulation.memory_store.named import named
from tests.simulation.memory_store.session import Session
from tests.simulation.memory_store.values import Row


@named("find_answer")
def find_answer(s: Session, *, audience_no: int, method: str, request_id: str) -> list[Row]:
    row = s.tables.request.of(audience_no).rows.get((method, request_id))
    if row is None:
        return []
    return [{"request_digest": row["request_digest"], "answer": row["answer"]}]


@named("keep_answer")
def keep_answer(
    s: Session,
    *,
    audience_no: int,
    method: str,
    request_id: str,
    request_digest: bytes,
    answer: bytes,
    now: datetime,
) -> int:
    row = {
        "audience_no": audience_no,
        "method": method,
        "request_id": request_id,
        "request_digest": request_digest,
        "answer": answer,
        "answered_at": now,
    }
    s.tables.request.of(audience_no).insert((method, request_id), row, primary_key="request_pkey")
    return 1


@named("prune_requests")
def prune_requests(s: Session, *, audience_no: int, before: datetime) -> int:
    table = s.tables.request.of(audience_no)
    gone = [key for key, row in table.rows.items() if row["answered_at"] < before]
    for key in gone:
        table.remove(key)
    return len(gone)
