"""A compacted log says what the log said: every sync plans the same of it."""

from collections.abc import Sequence
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.identifiers import split_rows
from service.sync.compaction import COMPACT_FROM_ROWS, compact, is_long
from service.sync.log_reading import Operation
from service.sync.plan import Holders
from tests.unit.sync.builders import a_row, plan_of
from tests.unit.sync.test_steps import IDLE_WORK

ROWS = [
    *(a_row(email=f"e{n}") for n in range(3)),
    *(a_row(email=f"e{n}", phone=f"p{n % 2}") for n in range(3)),
    a_row(email="e0", phone="p1", first_name="ann", last_name="lee"),
]
rows = st.lists(st.sampled_from(ROWS), min_size=1, max_size=4, unique=True)
chunks = st.tuples(st.sampled_from([one.value for one in Operation]), rows.map(b"".join))
logs = st.lists(chunks, min_size=1, max_size=12)


def packed(compacted: Sequence[tuple[str, Sequence[bytes]]]) -> list[tuple[str, bytes]]:
    return [(operation, b"".join(found)) for operation, found in compacted]


@given(log=logs, present=st.lists(st.sampled_from(ROWS)), beside=rows)
def test_the_plan_of_a_compacted_log_is_the_plan_of_the_log(
    log: list[tuple[str, bytes]], present: list[bytes], beside: list[bytes]
) -> None:
    shorter = packed(compact(log))
    holders = Holders.among(present, dict.fromkeys(present, beside))
    before, after = plan_of(log, holders), plan_of(shorter, holders)

    assert set(after.removals) == set(before.removals)
    assert set(after.additions) == set(before.additions)


@given(log=logs, cut=st.integers(0, 12))
def test_a_log_compacted_in_steps_says_the_same_as_one_compacted_at_once(
    log: list[tuple[str, bytes]], cut: int
) -> None:
    in_steps = compact([*packed(compact(log[:cut])), *log[cut:]])
    at_once = compact(log)
    assert [(one, set(found)) for one, found in in_steps] == [
        (one, set(found)) for one, found in at_once
    ]


@given(log=logs)
def test_rows_that_were_removed_together_stay_in_one_chunk(log: list[tuple[str, bytes]]) -> None:
    kept = [set(found) for operation, found in compact(log) if operation == Operation.REMOVE]
    for operation, together in log:
        if operation == Operation.REMOVE:
            assert any(set(split_rows(together)) <= chunk for chunk in kept)


@given(log=logs)
def test_a_compacted_log_has_no_more_chunks_nor_rows_and_each_row_once(
    log: list[tuple[str, bytes]],
) -> None:
    shorter = compact(log)
    assert len(shorter) <= len(log)
    for _, found in shorter:
        assert len(found) == len(set(found))
    assert sum(len(found) for _, found in shorter) <= sum(len(list(split_rows(r))) for _, r in log)


@pytest.mark.parametrize(
    ("pending", "members", "verdict"),
    [
        (COMPACT_FROM_ROWS, 0, False),
        (COMPACT_FROM_ROWS + 1, 0, True),
        (COMPACT_FROM_ROWS + 1, COMPACT_FROM_ROWS, False),
        (2 * COMPACT_FROM_ROWS + 1, COMPACT_FROM_ROWS, True),
    ],
)
def test_a_log_is_long_when_it_repeats_itself(pending: int, members: int, verdict: object) -> None:
    assert is_long(replace(IDLE_WORK, rows_logged=pending, member_count=members)) is verdict
