"""Twins of `requests.sql`."""

from types import SimpleNamespace as Given

from tests.simulation.memory_store.registry import named
from tests.simulation.memory_store.tables import Row, Tables


@named("find_answer")
def find_answer(t: Tables, p: Given) -> list[Row]:
    found = t.get("request", (p.audience_no, p.method, p.request_id))
    if found is None:
        return []
    return [{"request_digest": found["request_digest"], "answer": found["answer"]}]


@named("keep_answer")
def keep_answer(t: Tables, p: Given) -> int:
    row = {**vars(p), "answered_at": p.now}
    t.insert("request", (p.audience_no, p.method, p.request_id), row)
    return 1


@named("prune_requests")
def prune_requests(t: Tables, p: Given) -> int:
    gone = [k for k, row in t.of("request", p.audience_no) if row["answered_at"] < p.before]
    for key in gone:
        t.delete("request", key)
    return len(gone)
