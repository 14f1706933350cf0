"""The ten invariants of the service, each broken once on purpose: the simulation must notice.

What is put in place of the real thing is the mistake that somebody would make.
"""

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any
from unittest.mock import patch

from hypothesis.strategies import SearchStrategy

from service.graph import client as graph_client
from service.graph import receipts
from service.graph.answers import OddAnswerError
from service.graph.receipts import Receipt
from service.rpc import membership as rpc_membership
from service.rpc import prepare_changes
from service.rpc.request_ids import Repeatable
from service.store import change_log
from service.sync import held, plan, sync_run, upload
from service.sync.account_gate import AccountGate
from tests.simulation.events import (
    BUSY,
    CALM_EVENTS,
    REPEATING_EVENTS,
    SHARING_EVENTS,
    THROTTLE,
    Event,
    faulty_events,
)

Breakage = Callable[[], AbstractContextManager[Any]]


@dataclass(frozen=True, slots=True)
class Mutation:
    """One mistake, the invariant (design, section 7) that it breaks, and what makes it show."""

    invariant: int
    mistake: str
    breakage: Breakage
    events: SearchStrategy[tuple[Event, ...]]


def _unsent_is_settled() -> AbstractContextManager[Any]:
    async def never_stop(*_: Any) -> None:
        return

    return patch.object(sync_run.SyncRun, "stop_if_needed", never_stop)


def _sharers_stay_out() -> AbstractContextManager[Any]:
    return patch.object(plan, "_rows_to_add_again", lambda *_: [])


def _old_identifiers_stay() -> AbstractContextManager[Any]:
    real = plan._rows_that_take_out

    def only_of_single_rows(row: bytes, identifiers: Any, held_ones: Any) -> list[bytes]:
        return real(row, identifiers, held_ones) if len(identifiers) == 1 else []

    return patch.object(plan, "_rows_that_take_out", only_of_single_rows)


def _short_receipts_pass() -> AbstractContextManager[Any]:
    real = receipts.read_receipt

    def believe(answer: Any, rows: Any, **kwargs: Any) -> Receipt:
        try:
            return real(answer, rows, **kwargs)
        except OddAnswerError:
            return Receipt(
                num_received=len(rows),
                num_invalid=0,
                samples={},
                session_id="",
                usage=answer.usage,
                trace_id="",
            )

    return patch.object(graph_client, "read_receipt", believe)


def _nobody_waits_for_quiet() -> AbstractContextManager[Any]:
    async def at_once(*_: Any) -> None:
        return

    return patch.object(held.HeldAudience, "wait_for_quiet", at_once)


def _everybody_is_sent_again() -> AbstractContextManager[Any]:
    return patch.object(upload, "BATCH_ROWS_MAX", 1)


def _penalties_are_ignored() -> AbstractContextManager[Any]:
    return patch.object(AccountGate, "stopped_for_s", lambda _: 0.0)


def _repeats_are_new() -> AbstractContextManager[Any]:
    async def without_id(method: str, *_: Any) -> Repeatable:
        return Repeatable(method, "", b"")

    return patch.object(rpc_membership, "repeatable", without_id)


def _names_are_kept() -> AbstractContextManager[Any]:
    return patch.object(prepare_changes, "member_key", lambda name: name.encode()[:16].ljust(16))


def _windows_have_no_end() -> AbstractContextManager[Any]:
    real = change_log.read_window

    async def everything(*args: Any, rows_max: int, **kwargs: Any) -> Any:
        return await real(*args, rows_max=rows_max * 1_000, **kwargs)

    return patch.object(change_log, "read_window", everything)


_SHORT = faulty_events(({"short_received": {"by": 1}},))
_UNKNOWN = faulty_events(({"lost_answer": True}, {"reset": "after"}))
_FAILING = faulty_events((BUSY,))
_THROTTLED = faulty_events((THROTTLE,))

MUTATIONS = (
    Mutation(1, "what was not sent is settled", _unsent_is_settled, _FAILING),
    Mutation(2, "who shares something with a leaver stays out", _sharers_stay_out, SHARING_EVENTS),
    Mutation(
        3, "identifiers of a row with several stay inside", _old_identifiers_stay, CALM_EVENTS
    ),
    Mutation(4, "an answer that is no receipt counts as one", _short_receipts_pass, _SHORT),
    Mutation(5, "nobody waits while an opposite call may land", _nobody_waits_for_quiet, _UNKNOWN),
    Mutation(6, "every row is a call of its own", _everybody_is_sent_again, CALM_EVENTS),
    Mutation(7, "calls go on in penalty", _penalties_are_ignored, _THROTTLED),
    Mutation(8, "a repeated request is done again", _repeats_are_new, REPEATING_EVENTS),
    Mutation(9, "member ids are kept as they are", _names_are_kept, CALM_EVENTS),
    Mutation(10, "a window has as many rows as there are", _windows_have_no_end, CALM_EVENTS),
)
