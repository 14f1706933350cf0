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


@named("find_answers")
def find_answers(s: Session, *, audience_no: int, method: str, request_ids: list[str]) -> list[Row]:
    return [
        {"request_id": request_id, **answer}
        for request_id in dict.fromkeys(request_ids)
        for answer in find_answer(s, audience_no=audience_no, method=method, request_id=request_id)
    ]


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


@named("keep_answers")
def keep_answers(
    s: Session,
    *,
    audience_no: int,
    method: str,
    request_ids: list[str],
    request_digests: list[bytes],
    answers: list[bytes],
    now: datetime,
) -> int:
    kept = zip(request_ids, request_digests, answers, strict=True)
    return sum(
        keep_answer(
            s,
            audience_no=audience_no,
            method=method,
            request_id=request_id,
            request_digest=request_digest,
            answer=answer,
            now=now,
        )
        for request_id, request_digest, answer in kept
    )


@named("prune_requests")
def prune_requests(s: Session, *, audience_no: int, before: datetime, row_limit: int) -> int:
    table = s.tables.request.of(audience_no)
    old = [key for key, row in table.rows.items() if row["answered_at"] < before]
    oldest = sorted(old, key=lambda key: table.rows[key]["answered_at"])[:row_limit]
    methods, request_ids = {key[0] for key in oldest}, {key[1] for key in oldest}
    gone = [key for key in old if key[0] in methods and key[1] in request_ids]
    for key in gone:
        table.remove(key)
    return len(gone)
