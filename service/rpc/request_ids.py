"""Makes repeats harmless: the first answer of a request_id is kept and given again."""

import asyncio
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final, TypeVar

from google.protobuf.message import Message

from service.rpc.errors import RequestIdReused
from service.store.connection import Connection
from service.store.requests import (
    StoredAnswer,
    find_answer,
    find_answers,
    keep_answer,
    keep_answers,
)

DIGEST_BYTES_AT_ONCE: Final = 64 * 1024
"""Bytes of which a digest is made on the loop: a fraction of a millisecond, as a thread costs."""

_Response = TypeVar("_Response", bound=Message)


@dataclass(frozen=True, slots=True)
class Repeatable:
    """A call that may be repeated; one without a request_id is never kept or found."""

    method: str
    request_id: str
    digest: bytes


async def repeatable(method: str, request: Message, request_id: str) -> Repeatable:
    """Name a call by its method, its id, and a digest of the whole request.

    The digest of a long message is made in a thread: it may take longer than a slice of the loop.
    """
    if not request_id:
        return Repeatable(method, "", b"")
    raw = request.SerializeToString(deterministic=True)
    if len(raw) <= DIGEST_BYTES_AT_ONCE:
        return Repeatable(method, request_id, _digest(raw))
    return Repeatable(method, request_id, await asyncio.to_thread(_digest, raw))


def _digest(raw: bytes) -> bytes:
    return hashlib.sha256(raw).digest()


async def first_answer(
    connection: Connection, audience_no: int, call: Repeatable, response: type[_Response]
) -> _Response | None:
    """The answer that this call got before; None if it is new. The audience's lock must be held.

    Raises: RequestIdReused when the id was used for another request.
    """
    if not call.request_id:
        return None
    kept = await find_answer(connection, audience_no, call.method, call.request_id)
    found = _found(call, kept, response)
    if isinstance(found, RequestIdReused):
        raise found
    return found


async def first_answers(
    connection: Connection,
    audience_no: int,
    calls: Sequence[Repeatable],
    response: type[_Response],
) -> list[_Response | RequestIdReused | None]:
    """As `first_answer`, for several calls of one method at once; an error is given, not raised."""
    request_ids = [call.request_id for call in calls if call.request_id]
    if not request_ids:
        return [None] * len(calls)
    kept = await find_answers(connection, audience_no, calls[0].method, request_ids)
    return [_found(call, kept.get(call.request_id), response) for call in calls]


def _found(
    call: Repeatable, kept: StoredAnswer | None, response: type[_Response]
) -> _Response | RequestIdReused | None:
    if kept is None:
        return None
    if kept.request_digest != call.digest:
        return RequestIdReused(metadata={"request_id": call.request_id})
    return response.FromString(kept.answer)


async def keep_first_answer(
    connection: Connection, audience_no: int, call: Repeatable, answer: Message, now: datetime
) -> None:
    """Keep an answer for repeats, in the transaction of what it tells."""
    if call.request_id:
        await keep_answer(
            connection,
            audience_no,
            call.method,
            call.request_id,
            call.digest,
            answer.SerializeToString(),
            now,
        )


async def keep_first_answers(
    connection: Connection,
    audience_no: int,
    answers: Sequence[tuple[Repeatable, Message]],
    now: datetime,
) -> None:
    """As `keep_first_answer`, for several calls of one method, each with a request_id of its own."""
    kept = {
        call.request_id: StoredAnswer(call.digest, answer.SerializeToString())
        for call, answer in answers
        if call.request_id
    }
    if kept:
        await keep_answers(connection, audience_no, answers[0][0].method, kept, now)
