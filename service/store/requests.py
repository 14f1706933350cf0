"""First answers to request ids, so that a repeat changes nothing.

Both are used under the audience's lock, in the transaction of the effect.
"""

from datetime import datetime

from service.store.connection import Connection
from service.store.queries import Command, Query
from service.store.rows import StoredAnswer

__all__ = [
    "StoredAnswer",
]

FIND_ANSWER = Query(
    "find_answer",
    takes={"audience_no": int, "method": str, "request_id": str},
    returns=StoredAnswer,
)
KEEP_ANSWER = Command(
    "keep_answer",
    takes={
        "audience_no": int,
        "method": str,
        "request_id": str,
        "request_digest": bytes,
        "answer": bytes,
        "now": datetime,
    },
)
PRUNE_REQUESTS = Command("prune_requests", takes={"audience_no": int, "before": datetime})


async def find_answer(
    connection: Connection, audience_no: int, method: str, request_id: str
) -> StoredAnswer | None:
    """Return the first answer, None if the id is new to the audience and method."""
    return await FIND_ANSWER.one(
        connection, audience_no=audience_no, method=method, request_id=request_id
    )


async def keep_answer(
    connection: Connection,
    audience_no: int,
    method: str,
    request_id: str,
    request_digest: bytes,
    answer: bytes,
    now: datetime,
) -> None:
    """Keep the first answer to a request id."""
    await KEEP_ANSWER.execute(
        connection,
        audience_no=audience_no,
        method=method,
        request_id=request_id,
        request_digest=request_digest,
        answer=answer,
        now=now,
    )


async def prune_requests(connection: Connection, audience_no: int, before: datetime) -> int:
    """Forget answers given before then; return how many."""
    return await PRUNE_REQUESTS.execute(connection, audience_no=audience_no, before=before)
