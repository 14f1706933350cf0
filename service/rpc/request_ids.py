"""Makes repeats harmless: the first answer of a request_id is kept and given again."""

import asyncio
import hashlib
from dataclasses import dataclass
from datetime import datetime
from typing import TypeVar

from google.protobuf.message import Message

from service.rpc.errors import RequestIdReused
from service.store.connection import Connection
from service.store.requests import find_answer, keep_answer

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
    digest = await asyncio.to_thread(lambda: hashlib.sha256(raw).digest())
    return Repeatable(method, request_id, digest)


async def first_answer(
    connection: Connection, audience_no: int, call: Repeatable, response: type[_Response]
) -> _Response | None:
    """The answer that this call got before; None if it is new. The audience's lock must be held.

    Raises: RequestIdReused when the id was used for another request.
    """
    if not call.request_id:
        return None
    kept = await find_answer(connection, audience_no, call.method, call.request_id)
    if kept is None:
        return None
    if kept.request_digest != call.digest:
        raise RequestIdReused(metadata={"request_id": call.request_id})
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
