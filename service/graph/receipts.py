"""Reads what Facebook answers to a membership call, and maps its samples back to the rows sent."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import orjson

from service.graph.answers import Answer, Fields, OddAnswerError
from service.graph.payload import row_of_cells, schema_of
from service.graph.usage import Usage
from service.identifiers import Key


@dataclass(frozen=True, slots=True, kw_only=True)
class Receipt:
    """Proof that Facebook took in every row of a call.

    `num_received` counts invalid rows too and equals the rows sent. `num_invalid` is Facebook's
    approximate count, never below `len(samples)` nor above `num_received`. `samples` maps packed
    rows to Facebook's reason, at most 100 of them, so it may know fewer than `num_invalid`.
    `session_id` is the one Facebook names, "" when it names none.
    """

    num_received: int
    num_invalid: int
    samples: Mapping[bytes, str] = field(repr=False)
    session_id: str
    usage: Usage | None
    trace_id: str


def read_receipt(
    answer: Answer,
    rows: Sequence[bytes],
    *,
    custom_audience_id: str,
    scrub: Callable[[str], str],
) -> Receipt:
    """Read the receipt of a call that sent `rows`.

    Raises: OddAnswerError when it is no receipt for exactly these rows and this audience.
    Source: graph-contract §5.5.
    """
    fields = Fields(answer.data or {})
    num_received = fields.whole("num_received")
    num_invalid = fields.whole("num_invalid_entries")
    if num_received != len(rows):
        raise OddAnswerError(f"num_received is {num_received} of {len(rows)} rows")
    if num_invalid < 0:
        raise OddAnswerError("num_invalid_entries is negative")
    if fields.data.get("audience_id") is not None:
        _check_audience(fields.identity("audience_id"), custom_audience_id)
    samples = read_samples(fields.data.get("invalid_entry_samples"), rows, scrub=scrub)
    return Receipt(
        num_received=num_received,
        num_invalid=min(max(num_invalid, len(samples)), num_received),
        samples=samples,
        session_id=_session_id(fields),
        usage=answer.usage,
        trace_id=answer.trace_id,
    )


def read_samples(
    samples: object, rows: Sequence[bytes], *, scrub: Callable[[str], str]
) -> dict[bytes, str]:
    """Map the echoed rows to the packed rows sent; what is none of them is left out.

    Facebook echoes a row as compact JSON text with its blanks. Cells are compared, not text, so
    spaces, null for a blank and upper-case hex do no harm.
    """
    echoed = list(_echoes(samples))
    if not echoed:
        return {}
    schema, sent = schema_of(rows), set(rows)
    found: dict[bytes, str] = {}
    for text, reason in echoed:
        row = row_of_cells(schema, _cells(text, schema))
        if row in sent:
            found[row] = scrub(reason)
    return found


def _echoes(samples: object) -> Iterator[tuple[object, str]]:
    """Walk the samples: the captured map, or a list (as the reference allows) of maps or rows."""
    if isinstance(samples, dict):
        for row, reason in samples.items():
            yield row, reason if isinstance(reason, str) else ""
    elif isinstance(samples, list):
        for item in samples:
            if isinstance(item, dict):
                yield from _echoes(item)
            else:
                yield item, ""


def _cells(echoed: object, schema: Sequence[Key]) -> Sequence[object]:
    if isinstance(echoed, str):
        try:
            parsed: object = orjson.loads(echoed)
        except ValueError:
            parsed = None
        # A value that is no JSON list is the one cell of a one-column row.
        echoed = parsed if isinstance(parsed, list) else [echoed]
    return echoed if isinstance(echoed, list) and len(echoed) == len(schema) else ()


def _check_audience(answered: str, asked: str) -> None:
    if answered != asked:
        raise OddAnswerError("the receipt is for another audience")


def _session_id(fields: Fields) -> str:
    session_id = fields.data.get("session_id")
    return str(session_id) if isinstance(session_id, str | int) else ""
