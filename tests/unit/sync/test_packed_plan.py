"""A plan made of packed rows is the one that the plainest reading, row by row, gives."""

from collections.abc import Iterable, Mapping, Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.identifiers import EMPTY_ROW, split_rows, strong_identifiers
from service.identifiers import packed_rows as packing
from service.identifiers.packed_rows import PackedRows, distinct, runs_of
from service.sync import log_reading, plan
from service.sync.log_reading import Entry, Operation, added_rows, all_rows, removed_rows
from service.sync.plan import Holders, Plan, plan_removed, rows_behind
from tests.unit.sync.builders import a_row

ROWS = [
    *(a_row(email=f"e{n}") for n in range(3)),
    *(a_row(email=f"e{n}", phone=f"p{n % 2}") for n in range(3)),
    a_row(phone="p0"),
    a_row(device="d0"),
    a_row(email="e1", first_name="jo", last_name="lee"),
    a_row(email="e0", phone="p1", device="d0", first_name="ann", last_name="lee"),
]
some_rows = st.lists(st.sampled_from([*ROWS, EMPTY_ROW]), min_size=1, max_size=5)
chunks = st.tuples(st.sampled_from([one.value for one in Operation]), some_rows.map(b"".join))
logs = st.lists(chunks, max_size=10)
present = st.lists(st.sampled_from(ROWS), max_size=6)


def last_operations(log: Iterable[Entry]) -> dict[bytes, str]:
    last = {row: operation for operation, packed in log for row in split_rows(packed)}
    last.pop(EMPTY_ROW, None)
    return last


def row_by_row(
    log: Sequence[Entry], holders: Holders, *, by_state: bool, whole_rows: bool
) -> tuple[Mapping[bytes, list[bytes]], set[bytes]]:
    """Each removal with the rows that it comes from, and the additions."""
    last = last_operations(log)
    lost = {row: "" for one, packed in log if one == "REMOVE" for row in split_rows(packed)}
    lost.pop(EMPTY_ROW, None)
    additions = set() if by_state else {row for row, one in last.items() if one == "ADD"}
    removals: dict[bytes, list[bytes]] = {}
    for row in last if by_state else lost:
        identifiers = strong_identifiers(row)
        held = [one for one in identifiers if holders.of(one)]
        for one in held:
            additions.update(plan._rows_to_add_again(one, holders))
        for to_send in plan._rows_that_take_out(row, identifiers, held):
            removals.setdefault(to_send, []).append(row)
        if whole_rows and held and not holders.has_row(row):
            removals.setdefault(row, []).append(row)
    return removals, additions


@pytest.fixture(autouse=True, params=[1, 64 * 1024], ids=["each chunk apart", "chunks together"])
def small_chunk_bytes(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(log_reading, "SMALL_CHUNK_BYTES", request.param)


@pytest.fixture(autouse=True, params=["hashes", "every hash alike"])
def hashes(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    if request.param == "every hash alike":
        monkeypatch.setattr(packing, "_hashes", lambda run: [0] * len(run))


@given(log=logs, held=present, beside=present, part=st.integers(1, 4), modes=st.sampled_from(
    [(False, False), (True, False), (True, True)]
))  # fmt: skip
def test_packed_rows_are_planned_as_row_by_row(
    log: list[Entry],
    held: list[bytes],
    beside: list[bytes],
    part: int,
    modes: tuple[bool, bool],
) -> None:
    by_state, whole_rows = modes
    holders = Holders.among(held, dict.fromkeys(held, beside))
    removals, additions = row_by_row(log, holders, by_state=by_state, whole_rows=whole_rows)

    rows = all_rows(log) if by_state else removed_rows(log)
    plans = [] if by_state else [Plan(additions=added_rows(log))]
    parts = [rows[at : at + part] for at in range(0, len(rows), part)]
    plans += [plan_removed(one, holders, whole_rows=whole_rows) for one in parts]
    planned = Plan.joined(plans)

    assert sorted(planned.removals) == sorted(removals)
    assert sorted(planned.additions) == sorted(additions)
    for sent, sources in removals.items():
        found = rows_behind([sent], rows)
        assert set(found) >= set(sources) if whole_rows else sorted(found) == sorted(sources)


@given(logs)
def test_each_row_of_the_log_is_read_once(log: list[Entry]) -> None:
    last = last_operations(log)
    assert sorted(all_rows(log)) == sorted(last)
    assert sorted(added_rows(log)) == sorted(row for row, one in last.items() if one == "ADD")


@given(st.lists(some_rows.map(b"".join)))
def test_the_rows_of_one_mask_stand_together(packed: list[bytes]) -> None:
    masks = [run.mask for run in distinct(run for one in packed for run in runs_of(one)).runs]
    assert masks == sorted(masks)


def test_a_chunk_of_rows_with_one_mask_is_not_copied() -> None:
    chunk = b"".join(a_row(email=str(number)) for number in range(9))
    [run] = distinct(runs_of(chunk)).runs
    assert run.packed.obj is chunk


def test_a_chunk_that_ends_within_a_row_is_refused() -> None:
    with pytest.raises(ValueError, match="row"):
        runs_of(ROWS[0] + ROWS[5][:-1])


def test_nothing_is_planned_of_an_empty_log() -> None:
    assert PackedRows(added_rows([]).runs).runs == ()
