"""What an answer proves of the rows that were sent, read from its bytes alone and without our client.

Where it is in doubt it believes more than our client may: what the client counts has to be a part of
what is proven here.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from tests.fuzz.graph_answers import Cells, Ending, Told

TOO_SMALL_TO_SHRINK: Final = (200, 1870047)
REFUSED_AT_THE_DOOR: Final = (413, 414, 429)
"""HTTP statuses that are an answer without Graph's envelope."""


@dataclass(frozen=True, slots=True)
class Proof:
    """A call, and what its answer proves.

    `accepted_max`: of how many of its rows it says that they were taken in and are not invalid;
    `refused`: rows that it names as invalid; `error`: code and subcode of Graph's envelope.
    """

    operation: str
    rows: Sequence[Cells] = field(repr=False)
    told: Told
    is_receipt: bool = False
    accepted_max: int = 0
    invalid: int = 0
    refused: frozenset[Cells] = field(default=frozenset(), repr=False)
    error: tuple[int, int | None] | None = None

    @property
    def is_definite(self) -> bool:
        """Whether it is known what became of the call."""
        at_the_door = self.told.http_status in REFUSED_AT_THE_DOOR
        whole = self.told.ending is Ending.WHOLE
        return whole and (self.is_receipt or self.error is not None or at_the_door)


def prove(
    operation: str, rows: Mapping[str, Cells], told: Told, body: bytes, audience_id: str
) -> Proof:
    """Read an answer; `rows` are those sent, by their text in the call."""
    sent = list(rows.values())
    answer = _object(body) if told.ending is Ending.WHOLE else None
    if answer is None:
        return Proof(operation, sent, told)
    error = _error(answer.get("error"))
    if not _is_receipt(answer, len(sent), told, audience_id):
        return Proof(operation, sent, told, error=error)
    refused = _refused(answer.get("invalid_entry_samples"), rows)
    invalid = max(_whole(answer["num_invalid_entries"]) or 0, len(refused))
    return Proof(
        operation,
        sent,
        told,
        is_receipt=True,
        accepted_max=max(0, len(sent) - invalid),
        invalid=invalid,
        refused=refused,
    )


def is_put_off(proof: Proof) -> bool:
    """Whether Facebook refuses to shrink so small an audience."""
    return proof.operation == "REMOVE" and proof.error == TOO_SMALL_TO_SHRINK


def _is_receipt(answer: Mapping[str, Any], row_count: int, told: Told, audience_id: str) -> bool:
    """Graph-contract §3.2 and §5.5: 200, no error, and exactly our rows for our audience."""
    invalid = _whole(answer.get("num_invalid_entries"))
    return (
        told.http_status == 200
        and "error" not in answer
        and answer.get("success") is not False
        and _whole(answer.get("num_received")) == row_count
        and invalid is not None
        and invalid >= 0
        and str(answer.get("audience_id") or audience_id) == audience_id
    )


def _object(body: bytes) -> dict[str, Any] | None:
    try:
        value = json.loads(body.decode())
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None


def _whole(value: object) -> int | None:
    if isinstance(value, str) and value.isascii() and value.removeprefix("-").isdigit():
        return int(value)
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def _error(envelope: object) -> tuple[int, int | None] | None:
    code = _whole(envelope.get("code")) if isinstance(envelope, dict) else None
    if code is None or not isinstance(envelope, dict):
        return None
    return code, _whole(envelope.get("error_subcode"))


def _refused(samples: object, rows: Mapping[str, Cells]) -> frozenset[Cells]:
    names = list(samples) if isinstance(samples, dict | list) else []
    return frozenset(rows[name] for name in names if isinstance(name, str) and name in rows)
