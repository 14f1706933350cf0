import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.graph.answers import OddAnswerError, read_answer
from service.graph.receipts import Receipt, read_receipt, read_samples
from service.identifiers import Key
from tests.unit.graph.builders import (
    AUDIENCE,
    BUSY_USAGE,
    CREDENTIALS,
    a_receipt,
    a_row,
    whole_body,
)

MARY = a_row("mary", Key.EMAIL, Key.FN)
NOAH = a_row("noah", Key.PHONE, Key.MADID)
ROWS = [MARY, NOAH, a_row("olga")]


def echo(row: bytes) -> str:
    """The row's text as Facebook writes it: compact JSON with its blanks."""
    data = json.loads(whole_body(ROWS, 1))["payload"]["data"]
    return json.dumps(data[ROWS.index(row)], separators=(",", ":"))


def cells(row: bytes) -> list[str]:
    found: list[str] = json.loads(echo(row))
    return found


def the_receipt(body: dict[str, object], rows: list[bytes] = ROWS) -> Receipt:
    answer = read_answer(200, BUSY_USAGE, json.dumps(body).encode(), ad_account_number=None)
    return read_receipt(answer, rows, custom_audience_id=AUDIENCE, scrub=CREDENTIALS.scrub)


def test_receipt_tells_counts_samples_session_and_usage() -> None:
    receipt = the_receipt(
        a_receipt(3, num_invalid_entries=2, invalid_entry_samples={echo(NOAH): "bad phone"})
    )
    assert receipt.num_received == 3
    assert receipt.num_invalid == 2
    assert receipt.samples == {NOAH: "bad phone"}
    assert receipt.session_id == "8812"
    assert receipt.usage is not None
    assert receipt.usage.percent == 118
    assert repr(NOAH) not in repr(receipt)


@pytest.mark.parametrize(
    "body",
    [
        a_receipt(2),
        a_receipt(4),
        a_receipt(3, num_received=None),
        a_receipt(3, num_received="many"),
        a_receipt(3, num_received=True),
        a_receipt(3, num_received=3.0),
        a_receipt(3, num_invalid_entries=None),
        a_receipt(3, num_invalid_entries=-1),
        a_receipt(3, audience_id="120000000000000002"),
        a_receipt(3, audience_id="<b>"),
        {"success": True},
        {},
    ],
)
def test_what_does_not_prove_every_row_is_no_receipt(body: dict[str, object]) -> None:
    with pytest.raises(OddAnswerError):
        the_receipt(body)


def test_invalid_count_stays_between_the_samples_and_the_rows() -> None:
    assert the_receipt(a_receipt(3, num_invalid_entries=9)).num_invalid == 3
    sampled = a_receipt(3, invalid_entry_samples={echo(MARY): "x", echo(NOAH): "y"})
    assert the_receipt(sampled).num_invalid == 2


@pytest.mark.parametrize(
    "samples",
    [
        {echo(NOAH): "bad"},
        [{echo(NOAH): "bad"}],
        {json.dumps(cells(NOAH), indent=1): "bad"},
        {json.dumps(cells(NOAH)).upper(): "bad"},
        {json.dumps([cell or None for cell in cells(NOAH)]): "bad"},
    ],
    ids=["map", "list of maps", "with white space", "upper case", "null for a blank"],
)
def test_samples_are_mapped_to_the_rows_sent(samples: object) -> None:
    assert read_samples(samples, ROWS, scrub=str) == {NOAH: "bad"}


@pytest.mark.parametrize("samples", [[echo(NOAH)], [cells(NOAH)]], ids=["texts", "rows"])
def test_listed_samples_have_no_reason(samples: object) -> None:
    assert read_samples(samples, ROWS, scrub=str) == {NOAH: ""}


def test_value_of_a_one_column_row_is_found_without_its_list() -> None:
    row = a_row("olga")
    assert read_samples({row[2:].hex(): "bad"}, [row], scrub=str) == {row: "bad"}


@pytest.mark.parametrize(
    "samples",
    [
        None,
        {},
        [],
        "text",
        7,
        {"[]": "bad", "[": "bad", '["","","",""]': "bad", "[1,2,3,4]": "bad"},
        {'["zz","","",""]': "bad"},
        {json.dumps(["ab" * 32, "", "", ""]): "never sent"},
        {json.dumps([*cells(MARY), ""]): "too wide"},
        [None, [[]], [["ab"]]],
    ],
)
def test_unknown_samples_are_ignored(samples: object) -> None:
    assert read_samples(samples, ROWS, scrub=str) == {}


def test_reasons_are_scrubbed() -> None:
    samples = {echo(NOAH): "not a phone: mary@example.com"}
    found = read_samples(samples, ROWS, scrub=CREDENTIALS.scrub)
    assert found == {NOAH: "not a phone: <identifier>"}


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text() | st.sampled_from([echo(MARY)]),
    lambda inner: st.lists(inner) | st.dictionaries(st.text() | st.just(echo(NOAH)), inner),
    max_leaves=8,
)


@given(json_values)
def test_samples_never_name_a_row_that_was_not_sent(samples: object) -> None:
    assert set(read_samples(samples, ROWS, scrub=str)) <= set(ROWS)
