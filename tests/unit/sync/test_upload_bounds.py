"""Where an upload ends that nobody explains, and that no row counts as more than it is."""

from dataclasses import replace

import pytest

from service.graph import Verdict
from service.identifiers import row_mask
from service.sync.receipts import NOT_TOLD
from service.sync.stops import Blocked, GaveUp
from service.sync.upload import TRIES_MAX
from tests.unit.sync.builders import a_row
from tests.unit.sync.stub_graph import StubGraph, an_uplink, failure, receipt
from tests.unit.sync.test_upload import ROWS, send


async def test_a_small_batch_that_is_called_too_large_is_tried_again_and_given_up() -> None:
    graph = StubGraph(answer=lambda *_: failure(Verdict.TOO_LARGE))

    outcome = await send(graph)

    assert isinstance(outcome.stop, GaveUp)
    assert outcome.calls == TRIES_MAX


async def test_who_shares_a_part_that_may_have_been_refused_is_not_counted_as_accepted(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("service.sync.upload.EXTRA_CALLS_MAX", 0)
    rows = [a_row(email="shared", phone=f"p{n}") for n in range(3)]
    graph = StubGraph(receipt(3, dict.fromkeys(rows, "bad")), receipt(4, invalid=1))

    outcome = await send(graph, rows)

    assert (outcome.accepted, outcome.rows_invalid) == (0, 3)


async def test_a_batch_of_invalid_rows_only_is_not_searched_for_the_guilty() -> None:
    graph = StubGraph(receipt(len(ROWS), {ROWS[0]: "bad"}, invalid=len(ROWS)))

    outcome = await send(graph)

    assert (outcome.accepted, outcome.rows_invalid, outcome.calls) == (0, len(ROWS), 1)
    mask = row_mask(ROWS[0])
    assert outcome.invalid == {(mask, "bad"): 1, (mask, NOT_TOLD): len(ROWS) - 1}


async def test_more_samples_than_the_count_says_are_all_believed() -> None:
    graph = StubGraph(receipt(len(ROWS), {ROWS[0]: "bad", ROWS[1]: "bad"}, invalid=1))

    outcome = await send(graph)

    assert (outcome.accepted, outcome.rows_invalid) == (len(ROWS) - 2, 2)


@pytest.mark.parametrize("verdict", [Verdict.NOT_READY, Verdict.TRANSIENT])
async def test_what_is_not_there_after_many_tries_is_gone_unless_it_is_new(
    verdict: Verdict,
) -> None:
    async def stop(*, is_new: bool) -> object:
        graph = StubGraph(answer=lambda *_: failure(verdict))
        uplink = replace(an_uplink(graph), may_be_unknown_yet=is_new)
        return (await send(graph, uplink=uplink)).stop

    assert isinstance(await stop(is_new=True), GaveUp)
    is_gone = isinstance(await stop(is_new=False), Blocked)
    assert is_gone == (verdict is Verdict.NOT_READY)
