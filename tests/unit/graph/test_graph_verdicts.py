import json
from dataclasses import dataclass

import pytest
from aioresponses import aioresponses
from hypothesis import given
from hypothesis import strategies as st

from service.graph.answers import read_answer
from service.graph.client import GraphClient
from service.graph.failure import GraphFailure
from service.graph.verdicts import TABLE, Verdict, judge
from tests.unit.graph.builders import (
    ANY_URL,
    AUDIENCE,
    CREDENTIALS,
    HTML,
    a_row,
    an_error,
)

MODE_MESSAGE = (
    "(#2650) Failed to update the custom audience: This audience was created from data source "
    "FILE_IMPORTED.HASHES_OR_USER_IDS, which does not support data source "
    "FILE_IMPORTED.MULTI_HASHES."
)


@dataclass(frozen=True, slots=True)
class Case:
    verdict: Verdict
    code: int
    subcode: int | None = None
    http_status: int = 400
    is_transient: bool = False
    message: str = "Something is wrong"

    @property
    def payload(self) -> dict[str, object]:
        return an_error(
            self.code, self.subcode, message=self.message, is_transient=self.is_transient
        )


CASES = [
    *[Case(Verdict.LIMITED, code) for code in (4, 17, 32, 613, *range(80000, 80007), 80008)],
    Case(Verdict.LIMITED, 80003, 2446079),
    Case(Verdict.LIMITED, 613, 1487742),
    Case(Verdict.LIMITED, 4, is_transient=True),
    Case(Verdict.LIMITED, 80003, http_status=429),
    Case(Verdict.LIMITED, 123456, http_status=429),
    *[Case(Verdict.TRANSIENT, code, http_status=500) for code in (1, 2, 341, 960, 5000)],
    *[Case(Verdict.TRANSIENT, code) for code in (1, 2, 341, 960, 5000)],
    Case(Verdict.TRANSIENT, 123456, is_transient=True),
    Case(Verdict.TRANSIENT, 190, is_transient=True),
    Case(Verdict.TRANSIENT, 123456, http_status=503),
    Case(Verdict.POLICY, 368),
    Case(Verdict.POLICY, 368, is_transient=True),
    Case(Verdict.POLICY, 1404078),
    Case(Verdict.POLICY, 1404163),
    Case(Verdict.TOO_SMALL, 200, 1870047),
    *[
        Case(Verdict.BUSY, 2650, subcode)
        for subcode in (1870145, 1870147, 1870148, 1870158, 1870159)
    ],
    Case(Verdict.MODE_LOCKED, 2650, message=MODE_MESSAGE),
    Case(Verdict.REJECTED, 2650, 1870144),
    Case(Verdict.REJECTED, 2650),
    Case(Verdict.NOT_READY, 803),
    Case(Verdict.NOT_READY, 803, http_status=404),
    Case(Verdict.GONE, 100, 33),
    *[Case(Verdict.TOKEN, 190, subcode) for subcode in (None, 458, 459, 460, 463, 464, 467, 492)],
    Case(Verdict.TOKEN, 102),
    Case(Verdict.TOKEN, 104),
    Case(Verdict.TOKEN, 100, message="Invalid appsecret_proof provided in the API argument"),
    Case(
        Verdict.TOKEN,
        100,
        message="API calls from the server require an appsecret_proof argument",
    ),
    Case(Verdict.TOKEN, 2500, message="An active access token must be used to query information"),
    Case(Verdict.REJECTED, 2500, message="Syntax error at character 3"),
    *[Case(Verdict.PERMISSION, code) for code in (3, 10, 200, 270, 294, 299)],
    Case(Verdict.PERMISSION, 200, http_status=403),
    Case(Verdict.PERMISSION, 2654, 1713092),
    Case(Verdict.PERMISSION, 2635),
    Case(Verdict.REJECTED, 2654),
    *[Case(Verdict.TERMS, 200, subcode) for subcode in (1870034, 1870050, 1870090, 1870092)],
    *[Case(Verdict.TERMS, code) for code in (2655, 2663, 2664)],
    *[
        Case(Verdict.FLAGGED, 100, subcode)
        for subcode in (1713098, 1713228, 1713229, 1713230, 1713231, 1713232)
    ],
    Case(Verdict.TOO_LARGE, 105),
    Case(Verdict.TOO_LARGE, 1, 99, http_status=500),
    Case(Verdict.TOO_LARGE, 1, 99, is_transient=True),
    Case(Verdict.TOO_LARGE, 100, http_status=413),
    Case(Verdict.REJECTED, 100),
    Case(Verdict.REJECTED, 194),
    Case(Verdict.REJECTED, 506),
    Case(Verdict.REJECTED, 2656),
    Case(Verdict.REJECTED, 1870088),
    Case(Verdict.REJECTED, 123456),
    Case(Verdict.REJECTED, 100, http_status=200),
]


@dataclass(frozen=True, slots=True)
class OddCase:
    """An answer that is none; `of_write` and `of_read` are the verdicts."""

    of_write: Verdict
    of_read: Verdict
    http_status: int
    body: bytes
    content_type: str = "application/json; charset=UTF-8"


def an_odd(http_status: int, body: bytes, content_type: str = "application/json") -> OddCase:
    return OddCase(Verdict.UNKNOWN_OUTCOME, Verdict.TRANSIENT, http_status, body, content_type)


ODD_CASES = {
    "html 200": an_odd(200, HTML, "text/html"),
    "html 400": an_odd(400, HTML, "text/html; charset=utf-8"),
    "html 502": an_odd(502, HTML, "text/html"),
    "html that says json": an_odd(400, HTML),
    "json in a page": an_odd(200, b'{"num_received":1,"num_invalid_entries":0}', "text/html"),
    "service unavailable": an_odd(503, b"Service Unavailable", "text/plain"),
    "empty 500": an_odd(500, b""),
    "empty 200": an_odd(200, b""),
    "null 200": an_odd(200, b"null"),
    "list 200": an_odd(200, b"[]"),
    "cut json": an_odd(200, b'{"num_received":1,"num_inv'),
    "json 500 without error": an_odd(500, b'{"a":1}'),
    "receipt with 500": an_odd(500, b'{"num_received":1,"num_invalid_entries":0}'),
    "receipt with 201": an_odd(201, b'{"num_received":1,"num_invalid_entries":0}'),
    "redirect": an_odd(302, b""),
    "success false": an_odd(200, b'{"success":false}'),
    "error that is a text": an_odd(400, b'{"error":"no"}'),
    "error without code": an_odd(400, b'{"error":{"message":"no"}}'),
    "error that is null": an_odd(200, b'{"error":null}'),
    "html 413": OddCase(Verdict.TOO_LARGE, Verdict.TOO_LARGE, 413, HTML, "text/html"),
    "html 414": OddCase(Verdict.TOO_LARGE, Verdict.TOO_LARGE, 414, HTML, "text/html"),
    "html 429": OddCase(Verdict.LIMITED, Verdict.LIMITED, 429, HTML, "text/html"),
}


def name_of(case: Case) -> str:
    return f"{case.http_status} {case.code} {case.subcode} {case.is_transient}"


@pytest.mark.parametrize("case", CASES, ids=name_of)
async def test_graph_error_is_judged_by_its_codes(
    case: Case, client: GraphClient, facebook: aioresponses
) -> None:
    facebook.post(ANY_URL, status=case.http_status, payload=case.payload)
    with pytest.raises(GraphFailure) as caught:
        await client.add_users(CREDENTIALS, AUDIENCE, [a_row()], session_id=1)
    failure = caught.value
    assert (failure.verdict, failure.code, failure.subcode, failure.http_status) == (
        case.verdict,
        case.code,
        case.subcode,
        case.http_status,
    )
    assert failure.trace_id == "AbC_trace-1"
    assert (failure.retry_after_s is not None) == (case.verdict is Verdict.LIMITED)


@pytest.mark.parametrize("case", ODD_CASES.values(), ids=ODD_CASES)
async def test_write_without_an_answer_has_an_unknown_outcome(
    case: OddCase, client: GraphClient, facebook: aioresponses
) -> None:
    facebook.delete(
        ANY_URL, status=case.http_status, body=case.body, content_type=case.content_type
    )
    with pytest.raises(GraphFailure) as caught:
        await client.remove_users(CREDENTIALS, AUDIENCE, [a_row()], session_id=1)
    assert caught.value.verdict is case.of_write
    assert caught.value.http_status == case.http_status


@pytest.mark.parametrize("case", ODD_CASES.values(), ids=ODD_CASES)
async def test_read_without_an_answer_is_transient(
    case: OddCase, client: GraphClient, facebook: aioresponses
) -> None:
    facebook.get(ANY_URL, status=case.http_status, body=case.body, content_type=case.content_type)
    with pytest.raises(GraphFailure) as caught:
        await client.read_custom_audience(CREDENTIALS, AUDIENCE)
    assert caught.value.verdict is case.of_read


def test_every_row_of_the_table_decides_some_case() -> None:
    answers = [
        (read_answer(case.http_status, {}, _json(case.payload), ad_account_number=None), True)
        for case in CASES
    ]
    for odd in ODD_CASES.values():
        headers = {"Content-Type": odd.content_type}
        answer = read_answer(odd.http_status, headers, odd.body, ad_account_number=None)
        answers += [(answer, True), (answer, False)]
    deciding = {
        next(index for index, rule in enumerate(TABLE) if rule.holds(answer, is_write=is_write))
        for answer, is_write in answers
        if not answer.is_success
    }
    assert deciding == set(range(len(TABLE)))


def test_every_verdict_but_the_unsent_one_is_in_the_table() -> None:
    assert {rule.verdict for rule in TABLE} == set(Verdict) - {Verdict.NOT_SENT}


def test_every_row_names_its_source() -> None:
    assert all(rule.source.startswith("§") for rule in TABLE)


def _json(value: object) -> bytes:
    return json.dumps(value).encode("utf-8", "replace")


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=8,
)
envelopes = st.fixed_dictionaries(
    {},
    optional={
        name: json_values | st.integers(0, 3000)
        for name in ("code", "error_subcode", "is_transient", "message", "fbtrace_id")
    },
)
bodies = (
    st.binary()
    | json_values.map(_json)
    | st.fixed_dictionaries({"error": json_values | envelopes}).map(_json)
)


@given(st.integers(100, 599), st.sampled_from(["text/html", "application/json", ""]), bodies)
def test_every_answer_gets_a_judgement(http_status: int, content_type: str, body: bytes) -> None:
    headers = {"Content-Type": content_type}
    answer = read_answer(http_status, headers, body, ad_account_number=None)
    for is_write in (True, False):
        verdict = judge(answer, is_write=is_write)
        assert (verdict is None) == answer.is_success
