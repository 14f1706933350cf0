"""Whatever Facebook answers, no row counts as more than was acknowledged, and none is lost."""

import asyncio
import random
import uuid
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any

import pytest
import structlog
from hypothesis import given, note
from hypothesis import strategies as st

from service.graph import Credentials, GraphClient, open_http_session
from service.sync import upload
from service.sync.account_gate import AccountGate
from service.sync.log_reading import Operation
from service.sync.upload import THROTTLES_MAX, TRIES_MAX, Phase, PhaseOutcome, Uplink
from tests.fuzz.effort import TEST_SECONDS_MAX, effort
from tests.fuzz.graph_answerer import Answerer, answering
from tests.fuzz.graph_answers import AUDIENCE, NO_RECEIPTS, Cells, Told, answers
from tests.fuzz.graph_oracle import Proof, is_put_off
from tests.unit.sync.builders import a_row, value
from tests.unit.sync.stub_graph import InstantClock, a_lease

pytestmark = pytest.mark.timeout(TEST_SECONDS_MAX)
BATCH_ROWS = 8
WEAK = "first_name"
PHASE_S_MAX = 10.0
"""Seconds of real time: nothing is waited for, so more is a loop without end."""


@dataclass(frozen=True, slots=True)
class Row:
    """A row as it is planned, as it is seen on the wire, and in parts of one strong identifier."""

    packed: bytes
    cells: Cells
    parts: tuple[Cells, ...]


def make_row(names: dict[str, str]) -> Row:
    def cell(kind: str) -> tuple[str, str]:
        hashed = value(f"{kind} {names[kind]}")
        if kind == "device":
            return "MADID", str(uuid.UUID(bytes=hashed[:16]))
        return {"email": "EMAIL", "phone": "PHONE"}[kind], hashed.hex()

    strong = [cell(kind) for kind in names if kind != WEAK]
    weak = [("FN", value(f"first name {names[kind]}").hex()) for kind in names if kind == WEAK]
    parts = tuple(frozenset([one, *weak]) for one in strong)
    packed = a_row(**names)
    return Row(packed, frozenset([*strong, *weak]), parts)


@st.composite
def planned_rows(draw: st.DrawFn) -> list[Row]:
    """Rows with one identifier and with several, some of them shared."""
    rows = []
    for number in range(draw(st.integers(1, 12))):
        kinds = draw(st.sampled_from(["e", "e", "p", "d", "ep", "ep", "epd", "ed"]))
        shared = draw(st.booleans()) and len(kinds) > 1
        names = {
            {"e": "email", "p": "phone", "d": "device"}[kind]: f"{len(kinds) > 1} {number}"
            for kind in kinds
        }
        if shared:
            names["email"] = "shared"
        if draw(st.integers(0, 3)) == 0:
            names[WEAK] = "ann"
        rows.append(make_row(names))
    return list({row.packed: row for row in rows}.values())


@pytest.fixture(scope="module")
def runner() -> Iterator[asyncio.Runner]:
    with asyncio.Runner() as opened:
        yield opened


@pytest.fixture(autouse=True)
def small_batches(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(upload, "BATCH_ROWS_MAX", BATCH_ROWS)
    with structlog.testing.capture_logs():
        yield


async def send(
    rows: Sequence[Row], operation: Operation, answerer: Answerer, *, at_once: int
) -> PhaseOutcome:
    async def on_progress(_: PhaseOutcome) -> None:
        return

    clock = InstantClock()
    gate = AccountGate(calls_max=8, clock=clock)
    async with (
        asyncio.timeout(PHASE_S_MAX),
        answering(answerer),
        open_http_session() as session,
    ):
        uplink = Uplink(
            graph=GraphClient(session, base_url=answerer.url, timeout_s=PHASE_S_MAX),
            credentials=Credentials(access_token="t"),
            custom_audience_id=AUDIENCE,
            gate=gate,
            lease=a_lease(clock),
            clock=clock,
            chance=random.Random(1),
        )
        phase = Phase(uplink, operation, on_progress=on_progress)
        outcome = await phase.send([row.packed for row in rows], at_once=at_once)
        await gate.close()
        return outcome


@effort(150)
@given(
    rows=planned_rows(),
    operation=st.sampled_from(Operation),
    script=st.lists(answers, min_size=1, max_size=8),
    for_ever=st.booleans(),
    at_once=st.sampled_from([1, 1, 3]),
)
def test_rows_are_counted_once_and_never_as_more_than_was_acknowledged(
    runner: asyncio.Runner,
    rows: list[Row],
    operation: Operation,
    script: list[Told],
    for_ever: bool,  # noqa: FBT001
    at_once: int,
) -> None:
    answerer = Answerer(script, for_ever=for_ever)
    outcome = runner.run(send(rows, operation, answerer, at_once=at_once))
    note(f"{outcome} {answerer.proofs}")
    hold(outcome, rows, answerer.proofs)


@pytest.mark.parametrize("operation", Operation)
def test_what_is_no_receipt_acknowledges_nothing(
    runner: asyncio.Runner, operation: Operation
) -> None:
    rows = [make_row({"email": f"{number}"}) for number in range(8)]
    for told in NO_RECEIPTS:
        answerer = Answerer([told], for_ever=True)
        outcome = runner.run(send(rows, operation, answerer, at_once=1))
        assert (outcome.accepted, outcome.rows_invalid, outcome.carried_over) == (0, 0, []), told
        assert outcome.stop is not None
        hold(outcome, rows, answerer.proofs)


def hold(outcome: PhaseOutcome, rows: Sequence[Row], proofs: Sequence[Proof]) -> None:
    carried_over = len(outcome.carried_over)
    counted = outcome.accepted + outcome.rows_invalid + carried_over + outcome.unknown
    assert counted <= len(rows)
    if outcome.stop is None:
        assert counted == len(rows)
        assert outcome.unknown == 0
    assert outcome.accepted <= most_accepted(rows, proofs)
    assert outcome.unknown >= len(in_doubt(rows, proofs))
    assert outcome.had_unknown_call or all(proof.is_definite for proof in proofs)
    if not any(speaks_of_invalid_rows(proof) for proof in proofs):
        assert outcome.rows_invalid == 0
    for packed in outcome.carried_over:
        cells = next(row.cells for row in rows if row.packed == packed)
        assert any(is_put_off(proof) and cells in proof.rows for proof in proofs)
    assert outcome.calls == len(proofs) <= most_calls(rows)


def most_accepted(rows: Sequence[Row], proofs: Sequence[Proof]) -> int:
    """Rows that the last receipt they are in lets through, or whose parts all are let through."""
    last = {cells: proof for proof in proofs if proof.is_receipt for cells in proof.rows}

    def passed(cells: Cells) -> bool:
        proof = last.get(cells)
        return proof is not None and cells not in proof.refused and proof.accepted_max > 0

    let_through = [row for row in rows if passed(row.cells)]
    by_call: dict[int, list[Any]] = {}
    for row in let_through:
        by_call.setdefault(id(last[row.cells]), []).append(row)
    as_they_are = sum(min(len(some), last[some[0].cells].accepted_max) for some in by_call.values())
    in_parts = [row for row in rows if len(row.parts) > 1 and all(map(passed, row.parts))]
    return min(len(rows), as_they_are + len(in_parts))


def in_doubt(rows: Sequence[Row], proofs: Sequence[Proof]) -> set[Cells]:
    """Rows of calls of which nobody knows what became, and that no later answer speaks of."""
    doubtful: set[Cells] = set()
    for proof in proofs:
        if not proof.is_definite:
            doubtful |= set(proof.rows)
        elif proof.is_receipt or is_put_off(proof) or len(proof.rows) == 1:
            doubtful -= set(proof.rows)
    return doubtful & {row.cells for row in rows}


def speaks_of_invalid_rows(proof: Proof) -> bool:
    is_single = len(proof.rows) == 1 and proof.is_definite and not proof.is_receipt
    return is_single or proof.invalid > 0


def most_calls(rows: Sequence[Row]) -> int:
    """Every batch halved down to its rows, and each of those tried to the end; then the parts."""
    sent = len(rows) + len(list(chain.from_iterable(row.parts for row in rows)))
    return 2 * sent * TRIES_MAX + THROTTLES_MAX
