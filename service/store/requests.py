"""First answers to request ids, so that a repeat changes nothing.

All are used under the audience's lock, in the transaction of the effect.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from service.store.connection import Connection
from service.store.queries import Command, Query
from service.store.rows import StoredAnswer

__all__ = [
    "StoredAnswer",
]


@dataclass(frozen=True, slots=True)
class NamedAnswer:
    """The first answer to a request_id, with the id."""

    request_id: str
    request_digest: bytes
    answer: bytes


FIND_ANSWER = Query(
    "find_answer",
    takes={"audience_no": int, "method": str, "request_id": str},
    returns=StoredAnswer,
)
FIND_ANSWERS = Query(
    "find_answers",
    takes={"audience_no": int, "method": str, "request_ids": list[str]},
    returns=NamedAnswer,
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
KEEP_ANSWERS = Command(
    "keep_answers",
    takes={
        "audience_no": int,
        "method": str,
        "request_ids": list[str],
        "request_digests": list[bytes],
        "answers": list[bytes],
        "now": datetime,
    },
)
PRUNE_REQUESTS = Command(
    "prune_requests", takes={"audience_no": int, "before": datetime, "row_limit": int}
)


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


async def find_answers(
    connection: Connection, audience_no: int, method: str, request_ids: list[str]
) -> dict[str, StoredAnswer]:
    """Return the first answers by request id; an id that is new has none."""
    found = await FIND_ANSWERS.many(
        connection, audience_no=audience_no, method=method, request_ids=request_ids
    )
    return {one.request_id: StoredAnswer(one.request_digest, one.answer) for one in found}


async def keep_answers(
    connection: Connection,
    audience_no: int,
    method: str,
    answers: Mapping[str, StoredAnswer],
    now: datetime,
) -> None:
    """Keep the first answers to request ids."""
    await KEEP_ANSWERS.execute(
        connection,
        audience_no=audience_no,
        method=method,
        request_ids=list(answers),
        request_digests=[one.request_digest for one in answers.values()],
        answers=[one.answer for one in answers.values()],
        now=now,
    )


async def prune_requests(
    connection: Connection, audience_no: int, before: datetime, *, limit: int
) -> int:
    """Forget answers given before then, the oldest first; return how many.

    At most `limit`, and old ones to other methods with an id of theirs.
    """
    return await PRUNE_REQUESTS.execute(
        connection, audience_no=audience_no, before=before, row_limit=limit
    )
