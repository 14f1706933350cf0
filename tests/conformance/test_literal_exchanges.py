"""The contract's requests and answers, byte for byte where it gives them."""

import pytest
import requests

from fakefb.testing import FakeFacebook
from tests.conformance.exchanges import EXCHANGES, HASH, JSON, TOKEN, Exchange

LIST = "/v26.0/act_1000000001/customaudiences"


def post(world: FakeFacebook, path: str, body: str) -> str:
    url = f"{world.graph_url}{path}?{TOKEN}"
    headers = {"Content-Type": JSON}
    response = requests.post(url, data=body.encode(), headers=headers, timeout=10)
    assert response.status_code == 200, response.text
    return str(response.json().get("id"))


@pytest.fixture
def ids(world: FakeFacebook) -> dict[str, str]:
    """A list that a lookalike is built on, one without people, and the lookalike."""
    mary = [{"person_id": f"p{i}", "emails": ["mary@example.com"]} for i in range(100)]
    world.add_people(*mary)
    source = '"customer_file_source":"USER_PROVIDED_ONLY"'
    filled = post(world, LIST, f'{{"name":"Buyers",{source}}}')
    empty = post(world, LIST, f'{{"name":"Empty",{source}}}')
    payload = f'{{"schema":["EMAIL"],"data":[["{HASH}"]]}}'
    session = '{"session_id":7700,"batch_seq":1}'
    post(world, f"/v26.0/{filled}/users", f'{{"payload":{payload},"session":{session}}}')
    spec = '{"ratio":0.01,"country":"DE"}'
    body = f'{{"name":"L","subtype":"LOOKALIKE","origin_audience_id":"{filled}"'
    lookalike = post(world, LIST, f'{body},"lookalike_spec":{spec}}}')
    return {"{list}": filled, "{empty}": empty, "{lookalike}": lookalike}


@pytest.mark.parametrize("exchange", EXCHANGES, ids=lambda e: f"{e.section} {e.mark}: {e.name}")
def test_exchange(world: FakeFacebook, ids: dict[str, str], exchange: Exchange) -> None:
    response = requests.request(
        exchange.method,
        world.graph_url + filled_in(exchange.target, ids),
        data=filled_in(exchange.body, ids).encode(),
        headers={"Content-Type": exchange.content_type},
        timeout=10,
    )
    assert response.status_code == exchange.status, response.text
    assert_like(response.json(), exchange.answer, ids)
    if exchange.status != 200:
        trace_id = response.json()["error"]["fbtrace_id"]
        assert response.headers["x-fb-request-id"] == trace_id
        assert response.headers["WWW-Authenticate"].startswith('OAuth "Facebook Platform" ')


def test_every_mark_and_name_is_usable() -> None:
    assert {exchange.mark for exchange in EXCHANGES} <= set("DRPWI")
    assert len({exchange.name for exchange in EXCHANGES}) == len(EXCHANGES)


def filled_in(text: str, ids: dict[str, str]) -> str:
    for name, value in ids.items():
        text = text.replace(name, value)
    return text


def assert_like(got: object, expected: object, ids: dict[str, str]) -> None:
    if expected is ...:
        return
    if isinstance(expected, dict):
        assert isinstance(got, dict)
        wanted = {filled_in(name, ids): value for name, value in expected.items()}
        assert got.keys() == wanted.keys()
        for name, value in wanted.items():
            assert_like(got[name], value, ids)
    elif isinstance(expected, list):
        assert isinstance(got, list)
        assert len(got) == len(expected)
        for one, value in zip(got, expected, strict=True):
            assert_like(one, value, ids)
    else:
        wanted_text = filled_in(expected, ids) if isinstance(expected, str) else expected
        assert got == wanted_text
