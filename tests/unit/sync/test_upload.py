from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.graph import GraphFailure, Receipt, Verdict
from service.identifiers import row_mask
from service.sync.consequences import BlockedReason
from service.sync.log_reading import Operation
from service.sync.receipts import NOT_TOLD
from service.sync.stops import Blocked, ComeBack, GaveUp, LeaseLost
from service.sync.upload import BATCH_ROWS_MAX, TRIES_MAX, Phase, PhaseOutcome, Uplink
from tests.unit.sync.builders import a_row
from tests.unit.sync.stub_graph import (
    InstantClock,
    StubGraph,
    a_lease,
    an_uplink,
    failure,
    receipt,
)

ROWS = [a_row(email=f"e{n}") for n in range(8)]


async def send(
    graph: StubGraph,
    rows: Sequence[bytes] = ROWS,
    operation: Operation = Operation.ADD,
    uplink: Uplink | None = None,
) -> PhaseOutcome:
    async def on_progress(_: PhaseOutcome) -> None:
        return

    phase = Phase(uplink or an_uplink(graph), operation, on_progress=on_progress)
    return await phase.send(rows, at_once=4)


async def test_rows_go_in_batches_of_ten_thousand_several_at_once() -> None:
    graph = StubGraph()
    rows = [n.to_bytes(34, "big") for n in range(5 * BATCH_ROWS_MAX + 1)]

    outcome = await send(graph, rows)

    assert outcome.accepted == len(rows)
    assert sorted(len(sent) for _, sent in graph.calls) == [1] + [BATCH_ROWS_MAX] * 5
    assert graph.most_in_flight == 4


@pytest.mark.parametrize("verdict", [Verdict.TRANSIENT, Verdict.NOT_SENT, Verdict.NOT_READY])
async def test_what_fails_in_passing_is_sent_again(verdict: Verdict) -> None:
    graph = StubGraph(failure(verdict), failure(verdict))

    outcome = await send(graph)

    assert outcome.accepted == len(ROWS)
    assert not outcome.had_unknown_call
    assert outcome.calls == 3


async def test_an_unknown_outcome_is_sent_again_in_the_same_direction_and_remembered() -> None:
    graph = StubGraph(failure(Verdict.UNKNOWN_OUTCOME))

    outcome = await send(graph, operation=Operation.REMOVE)

    assert outcome.had_unknown_call
    assert outcome.accepted == len(ROWS)
    assert [operation for operation, _ in graph.calls] == ["REMOVE", "REMOVE"]


async def test_it_gives_up_after_some_tries_and_says_what_is_unknown() -> None:
    graph = StubGraph(answer=lambda *_: failure(Verdict.UNKNOWN_OUTCOME))

    outcome = await send(graph)

    assert isinstance(outcome.stop, GaveUp)
    assert outcome.unknown == len(ROWS)
    assert outcome.calls == TRIES_MAX


async def test_a_throttled_account_is_waited_for() -> None:
    clock = InstantClock()
    graph = StubGraph(failure(Verdict.LIMITED, retry_after_s=600))

    outcome = await send(graph, uplink=an_uplink(graph, clock=clock))

    assert isinstance(outcome.stop, ComeBack)
    assert outcome.stop.in_s == pytest.approx(600)
    assert outcome.calls == 1, "no call while the account is in penalty"


async def test_removals_of_an_audience_too_small_to_shrink_are_carried_over() -> None:
    graph = StubGraph(failure(Verdict.TOO_SMALL))

    outcome = await send(graph, operation=Operation.REMOVE)

    assert outcome.carried_over == ROWS
    assert outcome.stop is None


@pytest.mark.parametrize(
    ("verdict", "reason"),
    [
        (Verdict.TOKEN, BlockedReason.TOKEN_INVALID),
        (Verdict.PERMISSION, BlockedReason.PERMISSION_MISSING),
        (Verdict.TERMS, BlockedReason.TERMS_NOT_ACCEPTED),
        (Verdict.FLAGGED, BlockedReason.AUDIENCE_FLAGGED),
        (Verdict.GONE, BlockedReason.AUDIENCE_GONE),
        (Verdict.MODE_LOCKED, BlockedReason.MODE_LOCKED),
        (Verdict.POLICY, BlockedReason.POLICY),
    ],
)
async def test_what_needs_a_human_blocks_and_nothing_more_is_sent(
    verdict: Verdict, reason: BlockedReason
) -> None:
    graph = StubGraph(failure(verdict))

    outcome = await send(graph)

    assert isinstance(outcome.stop, Blocked)
    assert outcome.stop.reason is reason
    assert outcome.calls == 1


async def test_a_batch_that_is_too_large_goes_in_halves(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("service.sync.upload.HALVED_ROWS_MIN", 2)
    graph = StubGraph(failure(Verdict.TOO_LARGE))

    outcome = await send(graph)

    assert [len(rows) for _, rows in graph.calls] == [8, 4, 4]
    assert outcome.accepted == len(ROWS)


def refuse_call_with(guilty: bytes) -> StubGraph:
    def answer(_: str, rows: Sequence[bytes]) -> Receipt | GraphFailure:
        return failure(Verdict.REJECTED) if guilty in rows else receipt(len(rows))

    return StubGraph(answer=answer)


async def test_the_addition_that_sinks_its_batch_is_found_and_counted_invalid() -> None:
    outcome = await send(refuse_call_with(ROWS[5]))

    assert outcome.accepted == len(ROWS) - 1
    assert outcome.invalid == {(row_mask(ROWS[5]), "said so"): 1}
    assert outcome.stop is None


async def test_a_refused_removal_is_never_settled_but_blocks() -> None:
    outcome = await send(refuse_call_with(ROWS[5]), operation=Operation.REMOVE)

    assert isinstance(outcome.stop, Blocked)
    assert outcome.stop.reason is BlockedReason.REMOVAL_REFUSED


async def test_invalid_rows_that_facebook_names_are_counted_with_their_reason() -> None:
    graph = StubGraph(receipt(len(ROWS), {ROWS[1]: "bad hash", ROWS[2]: "bad hash"}))

    outcome = await send(graph)

    assert outcome.accepted == len(ROWS) - 2
    assert outcome.invalid == {(row_mask(ROWS[1]), "bad hash"): 2}
    assert outcome.calls == 1


@given(guilty=st.sets(st.sampled_from(ROWS), min_size=1), samples=st.integers(0, 2))
async def test_invalid_rows_without_samples_are_found_by_halving(
    guilty: set[bytes], samples: int
) -> None:
    def answer(_: str, rows: Sequence[bytes]) -> Receipt:
        found = [row for row in rows if row in guilty]
        return receipt(len(rows), dict.fromkeys(found[:samples], "bad"), invalid=len(found))

    outcome = await send(StubGraph(answer=answer))

    assert outcome.accepted == len(ROWS) - len(guilty)
    assert outcome.rows_invalid == len(guilty)
    assert (0, NOT_TOLD) not in outcome.invalid


async def test_a_refused_row_of_several_identifiers_is_sent_once_more_in_parts() -> None:
    whole = a_row(email="ann", phone="1", last_name="lee")
    bad_part = a_row(phone="1", last_name="lee")

    def answer(_: str, rows: Sequence[bytes]) -> Receipt:
        refused = {row: "bad" for row in rows if row in (whole, bad_part)}
        return receipt(len(rows), refused)

    graph = StubGraph(answer=answer)
    outcome = await send(graph, [whole, *ROWS])

    assert (outcome.accepted, outcome.rows_invalid) == (len(ROWS), 1)
    assert outcome.invalid == {(row_mask(bad_part), "bad"): 1}
    assert graph.calls[1] == ("ADD", [a_row(email="ann", last_name="lee"), bad_part])


async def test_a_row_whose_parts_are_all_accepted_counts_as_accepted() -> None:
    whole = a_row(email="ann", phone="1")

    def answer(_: str, rows: Sequence[bytes]) -> Receipt:
        return receipt(len(rows), {row: "odd" for row in rows if row == whole})

    outcome = await send(StubGraph(answer=answer), [whole])

    assert (outcome.accepted, outcome.rows_invalid, outcome.calls) == (1, 0, 2)


async def test_nothing_is_sent_under_a_lease_that_is_lost() -> None:
    clock, graph = InstantClock(), StubGraph()
    lease = a_lease(clock, ours=False)
    clock.time += 40

    with pytest.raises(LeaseLost):
        await send(graph, uplink=an_uplink(graph, clock=clock, lease=lease))
    assert not graph.calls


scripts = st.lists(st.sampled_from([*Verdict, None]), max_size=12)


@given(script=scripts, operation=st.sampled_from(Operation))
async def test_every_row_ends_in_one_bucket_whatever_is_answered(
    script: list[Verdict | None], operation: Operation
) -> None:
    answers = [failure(v) if v else receipt(len(ROWS)) for v in script]
    graph = StubGraph(*answers)

    outcome = await send(graph, operation=operation)

    settled = outcome.accepted + outcome.rows_invalid + len(outcome.carried_over)
    if outcome.stop is None:
        assert settled == len(ROWS)
    else:
        assert settled + outcome.unknown <= len(ROWS)


async def test_parts_refused_without_samples_are_not_counted_twice(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("service.sync.upload.EXTRA_CALLS_MAX", 0)
    rows = [a_row(email=f"e{n}", phone=f"p{n}") for n in range(4)]
    graph = StubGraph(receipt(4, dict.fromkeys(rows, "bad")), receipt(8, invalid=3))

    outcome = await send(graph, rows)

    assert (outcome.accepted, outcome.rows_invalid) == (1, 3)
