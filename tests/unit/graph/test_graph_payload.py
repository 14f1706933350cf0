import json
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.graph.payload import (
    BATCH_ROWS_MAX,
    PIECE_BYTES,
    membership_body,
    row_of_cells,
    schema_of,
)
from service.identifiers import EMPTY_ROW, Key, pack_row, unpack_row, wire_value
from tests.unit.graph.builders import a_row, whole_body


def reference_body(rows: Sequence[bytes], session_id: int) -> bytes:
    """The same body by the plainest road: dictionaries and the standard encoder."""
    unpacked = [unpack_row(row) for row in rows]
    schema = [key for key in Key if any(key in values for values in unpacked)]
    data = [
        [wire_value(key, values[key]) if key in values else "" for key in schema]
        for values in unpacked
    ]
    body = {
        "payload": {"schema": [key.name for key in schema], "is_raw": True, "data": data},
        "session": {
            "session_id": session_id,
            "batch_seq": 1,
            "last_batch_flag": True,
            "estimated_num_total": len(rows),
        },
    }
    return json.dumps(body, separators=(",", ":")).encode()


def value_of(key: Key) -> st.SearchStrategy[bytes]:
    size = 16 if key is Key.MADID else 32
    return st.binary(min_size=size, max_size=size)


some_keys = st.lists(st.sampled_from(Key), min_size=1, unique=True)
any_row = some_keys.flatmap(
    lambda keys: st.fixed_dictionaries({key: value_of(key) for key in keys})
).map(pack_row)
alike_rows = some_keys.flatmap(
    lambda keys: st.lists(
        st.fixed_dictionaries({key: value_of(key) for key in keys}).map(pack_row), min_size=1
    )
)


@given(st.lists(any_row, min_size=1, max_size=12), st.integers(1, 2**63 - 1))
def test_body_equals_a_plain_encoder_for_mixed_rows(rows: list[bytes], session_id: int) -> None:
    assert whole_body(rows, session_id) == reference_body(rows, session_id)


@given(alike_rows, st.integers(1, 2**63 - 1))
def test_body_equals_a_plain_encoder_for_alike_rows(rows: list[bytes], session_id: int) -> None:
    assert whole_body(rows, session_id) == reference_body(rows, session_id)


@pytest.mark.parametrize("keys", [(Key.EMAIL,), tuple(Key)], ids=["one key", "all keys"])
def test_a_body_of_ten_thousand_rows_is_never_whole_in_memory(keys: tuple[Key, ...]) -> None:
    rows = [a_row(str(number), *keys) for number in range(BATCH_ROWS_MAX)]

    assert whole_body(rows) == reference_body(rows, 1)
    pieces = membership_body(rows, session_id=1).pieces()
    assert max(map(len, pieces)) <= PIECE_BYTES + 1_000


def test_one_column_is_still_multi_key() -> None:
    body = json.loads(whole_body([a_row("mary")], 8812))
    assert body["payload"]["schema"] == ["EMAIL"]
    assert body["payload"]["is_raw"] is True
    assert [len(row) for row in body["payload"]["data"]] == [1]


def test_device_ids_go_out_plain() -> None:
    body = json.loads(whole_body([a_row("mary", Key.MADID)], 1))
    ((device_id,),) = body["payload"]["data"]
    assert [len(part) for part in device_id.split("-")] == [8, 4, 4, 4, 12]


@pytest.mark.parametrize(
    ("rows", "session_id"),
    [
        ([], 1),
        ([a_row("mary")] * (BATCH_ROWS_MAX + 1), 1),
        ([a_row("mary"), EMPTY_ROW], 1),
        ([a_row("mary")], 0),
        ([a_row("mary")], 2**63),
    ],
    ids=["no rows", "too many rows", "a row without keys", "session 0", "session too large"],
)
def test_batches_that_no_caller_should_make_are_refused(rows: list[bytes], session_id: int) -> None:
    with pytest.raises(ValueError, match=r"row|session"):
        membership_body(rows, session_id=session_id)


@given(st.lists(any_row, min_size=1, max_size=8))
def test_every_sent_row_can_be_read_back_from_its_cells(rows: list[bytes]) -> None:
    data = json.loads(whole_body(rows, 1))["payload"]["data"]
    assert [row_of_cells(schema_of(rows), cells) for cells in data] == rows
