import pytest
import structlog
from aioresponses import aioresponses

from service.graph import client as client_module
from service.graph.client import GraphClient
from service.graph.credentials import Credentials
from service.graph.failure import GraphFailure
from service.graph.verdicts import Verdict
from tests.unit.graph.builders import (
    AD_ACCOUNT,
    ANY_URL,
    AUDIENCE,
    BUSY_USAGE,
    CREDENTIALS,
    PROOF,
    SECRET,
    TOKEN,
    a_page,
    a_receipt,
    a_row,
    an_error,
    sent_json,
    sent_requests,
    the_request,
)

ROWS = [a_row("mary"), a_row("noah")]


async def test_token_goes_in_a_header_and_the_proof_in_the_query(
    client: GraphClient, facebook: aioresponses
) -> None:
    facebook.post(ANY_URL, payload=a_receipt(2))
    await client.add_users(CREDENTIALS, AUDIENCE, ROWS, session_id=8812)
    method, url, kwargs = the_request(facebook)
    assert (method, url.path) == ("POST", f"/v26.0/{AUDIENCE}/users")
    assert dict(url.query) == {"appsecret_proof": PROOF}
    assert kwargs["headers"]["Authorization"] == f"Bearer {TOKEN}"
    assert kwargs["headers"]["Content-Type"] == "application/json"


async def test_without_an_app_secret_there_is_no_proof(
    client: GraphClient, facebook: aioresponses
) -> None:
    facebook.post(ANY_URL, payload={"success": True})
    alone = Credentials(access_token=TOKEN)
    await client.update_custom_audience(alone, AUDIENCE, name="n", description="d")
    _, url, kwargs = the_request(facebook)
    assert url.query_string == ""
    assert sent_json(kwargs) == {"name": "n", "description": "d"}


async def test_removal_is_a_delete_with_rows_and_session_in_the_body(
    client: GraphClient, facebook: aioresponses
) -> None:
    facebook.delete(ANY_URL, payload=a_receipt(2))
    receipt = await client.remove_users(CREDENTIALS, AUDIENCE, ROWS, session_id=8812)
    _, url, kwargs = the_request(facebook)
    assert dict(url.query) == {"appsecret_proof": PROOF}
    body = sent_json(kwargs)
    assert body["payload"]["data"] == [[row[2:].hex()] for row in ROWS]
    assert body["session"] == {
        "session_id": 8812,
        "batch_seq": 1,
        "last_batch_flag": True,
        "estimated_num_total": 2,
    }
    assert (receipt.num_received, receipt.num_invalid) == (2, 0)


async def test_token_is_inspected_by_its_app(client: GraphClient, facebook: aioresponses) -> None:
    facebook.get(ANY_URL, payload={"data": {"is_valid": True, "scopes": ["ads_management"]}})
    info = await client.debug_token(CREDENTIALS)
    _, url, kwargs = the_request(facebook)
    assert kwargs["headers"]["Authorization"] == f"Bearer 555|{SECRET}"
    assert dict(url.query) == {"input_token": TOKEN}
    assert info.is_valid
    assert info.scopes == {"ads_management"}


async def test_token_without_an_app_inspects_itself(
    client: GraphClient, facebook: aioresponses
) -> None:
    facebook.get(ANY_URL, payload={"data": {"is_valid": True}})
    await client.debug_token(Credentials(access_token=TOKEN))
    _, _, kwargs = the_request(facebook)
    assert kwargs["headers"]["Authorization"] == f"Bearer {TOKEN}"


async def test_token_that_fits_no_header_is_refused_unsent(
    client: GraphClient, facebook: aioresponses
) -> None:
    with pytest.raises(GraphFailure) as caught:
        await client.debug_token(Credentials(access_token="two\r\nlines"))
    assert caught.value.verdict is Verdict.TOKEN
    assert sent_requests(facebook) == []


async def test_account_is_read_with_its_terms(client: GraphClient, facebook: aioresponses) -> None:
    facebook.get(ANY_URL, payload={"id": AD_ACCOUNT, "tos_accepted": {"custom_audience_tos": 1}})
    account = await client.read_ad_account(CREDENTIALS, AD_ACCOUNT)
    _, url, _ = the_request(facebook)
    assert url.path == f"/v26.0/{AD_ACCOUNT}"
    assert "tos_accepted" in url.query["fields"]
    assert account.tos_accepted == {"custom_audience_tos": 1}


async def test_creating_answers_the_new_id(client: GraphClient, facebook: aioresponses) -> None:
    facebook.post(ANY_URL, payload={"id": AUDIENCE})
    created = await client.create_custom_audience(
        CREDENTIALS,
        AD_ACCOUNT,
        name="Käufer",
        description="[marker]",
        customer_file_source="USER_PROVIDED_ONLY",
    )
    assert created == AUDIENCE
    _, url, kwargs = the_request(facebook)
    assert url.path == f"/v26.0/{AD_ACCOUNT}/customaudiences"
    assert sent_json(kwargs) == {
        "name": "Käufer",
        "description": "[marker]",
        "subtype": "CUSTOM",
        "customer_file_source": "USER_PROVIDED_ONLY",
    }


async def test_creation_that_answers_no_id_has_an_unknown_outcome(
    client: GraphClient, facebook: aioresponses
) -> None:
    facebook.post(ANY_URL, payload={"message": "queued"})
    with pytest.raises(GraphFailure) as caught:
        await client.create_custom_audience(
            CREDENTIALS, AD_ACCOUNT, name="n", description="", customer_file_source="x"
        )
    assert caught.value.verdict is Verdict.UNKNOWN_OUTCOME


async def test_deleting_needs_the_word_success(client: GraphClient, facebook: aioresponses) -> None:
    facebook.delete(ANY_URL, payload={"success": True})
    await client.delete_custom_audience(CREDENTIALS, AUDIENCE)
    facebook.delete(ANY_URL, payload={})
    with pytest.raises(GraphFailure) as caught:
        await client.delete_custom_audience(CREDENTIALS, AUDIENCE)
    assert caught.value.verdict is Verdict.UNKNOWN_OUTCOME


@pytest.mark.parametrize("received", [0, 1, 3])
async def test_receipt_for_other_than_the_rows_sent_has_an_unknown_outcome(
    received: int, client: GraphClient, facebook: aioresponses
) -> None:
    facebook.post(ANY_URL, payload=a_receipt(received))
    with pytest.raises(GraphFailure) as caught:
        await client.add_users(CREDENTIALS, AUDIENCE, ROWS, session_id=1)
    assert caught.value.verdict is Verdict.UNKNOWN_OUTCOME
    assert caught.value.http_status == 200


async def test_list_goes_on_behind_an_empty_page(
    client: GraphClient, facebook: aioresponses
) -> None:
    facebook.get(ANY_URL, payload=a_page({"id": "3"}, {"id": "2"}, after="c1"))
    facebook.get(ANY_URL, payload=a_page(after="c2"))
    facebook.get(ANY_URL, payload=a_page({"id": "1"}))
    listed = [
        audience.id async for audience in client.list_custom_audiences(CREDENTIALS, AD_ACCOUNT)
    ]
    assert listed == ["3", "2", "1"]
    requests = sent_requests(facebook)
    assert [url.query.get("after") for _, url, _ in requests] == [None, "c1", "c2"]
    assert {url.host for _, url, _ in requests} == {"graph.test"}
    assert all("access_token" not in url.query for _, url, _ in requests)


async def test_list_without_an_end_is_given_up(
    client: GraphClient, facebook: aioresponses, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(client_module, "PAGES_MAX", 4)
    for page in range(5):
        facebook.get(ANY_URL, payload=a_page(after=f"c{page}"))
    with pytest.raises(GraphFailure) as caught:
        async for _ in client.list_custom_audiences(CREDENTIALS, AD_ACCOUNT):
            pass
    assert caught.value.verdict is Verdict.TRANSIENT
    assert len(sent_requests(facebook)) == 4


async def test_upload_sessions_are_listed_or_narrowed_to_one(
    client: GraphClient, facebook: aioresponses
) -> None:
    page = a_page({"session_id": "1"}, {"session_id": "8812", "stage": "processing"})
    facebook.get(ANY_URL, payload=page, repeat=True)
    found = [session async for session in client.list_sessions(CREDENTIALS, AUDIENCE)]
    assert [session.session_id for session in found] == [1, 8812]
    assert "session_id" not in sent_requests(facebook)[0][1].query
    async for _ in client.list_sessions(CREDENTIALS, AUDIENCE, session_id=8812):
        pass
    assert sent_requests(facebook)[1][1].query["session_id"] == "8812"


async def test_limit_says_how_long_to_wait(client: GraphClient, facebook: aioresponses) -> None:
    facebook.post(ANY_URL, status=400, payload=an_error(80003, 2446079), headers=BUSY_USAGE)
    with pytest.raises(GraphFailure) as caught:
        await client.add_users(CREDENTIALS, AUDIENCE, ROWS, session_id=1)
    assert caught.value.retry_after_s == 240
    assert caught.value.usage is not None
    assert caught.value.usage.percent == 118


async def test_limit_without_a_header_waits_a_minute(
    client: GraphClient, facebook: aioresponses
) -> None:
    facebook.post(ANY_URL, status=400, payload=an_error(17))
    with pytest.raises(GraphFailure) as caught:
        await client.add_users(CREDENTIALS, AUDIENCE, ROWS, session_id=1)
    assert caught.value.retry_after_s == 60


@pytest.mark.parametrize("bad_id", ["", "x", "1/users", "../me", "\u0661", "1\n", "act_7"])
async def test_audience_id_that_is_none_is_refused(bad_id: str, client: GraphClient) -> None:
    with pytest.raises(ValueError, match="custom audience id"):
        await client.read_custom_audience(CREDENTIALS, bad_id)


@pytest.mark.parametrize("bad_id", ["", "7", "act_", "act_7/users"])
async def test_account_id_that_is_none_is_refused(bad_id: str, client: GraphClient) -> None:
    with pytest.raises(ValueError, match="ad account id"):
        await client.read_ad_account(CREDENTIALS, bad_id)


async def test_each_call_writes_one_line(client: GraphClient, facebook: aioresponses) -> None:
    headers = BUSY_USAGE | {"x-fb-trace-id": "Trace1"}
    facebook.post(ANY_URL, payload=a_receipt(2), headers=headers)
    with structlog.testing.capture_logs() as lines:
        await client.add_users(CREDENTIALS, AUDIENCE, ROWS, session_id=1)
    (line,) = lines
    assert line.pop("duration_ms") >= 0
    assert line == {
        "event": "graph call",
        "log_level": "info",
        "endpoint": "add_users",
        "method": "POST",
        "custom_audience_id": AUDIENCE,
        "rows": 2,
        "http_status": 200,
        "verdict": "OK",
        "code": None,
        "subcode": None,
        "facebook_trace_id": "Trace1",
        "usage_percent": 118.0,
        "retry_after_s": None,
    }


async def test_failure_writes_its_verdict_and_codes(
    client: GraphClient, facebook: aioresponses
) -> None:
    facebook.get(ANY_URL, status=400, payload=an_error(190, 463))
    with structlog.testing.capture_logs() as lines, pytest.raises(GraphFailure):
        await client.read_ad_account(CREDENTIALS, AD_ACCOUNT)
    (line,) = lines
    assert line["ad_account_id"] == AD_ACCOUNT
    assert (line["verdict"], line["code"], line["subcode"]) == ("TOKEN", 190, 463)


async def test_other_version_than_asked_is_warned_of_once(
    client: GraphClient, facebook: aioresponses
) -> None:
    headers = {"facebook-api-version": "v25.0"}
    facebook.get(ANY_URL, payload={"id": AUDIENCE}, headers=headers, repeat=True)
    with structlog.testing.capture_logs() as lines:
        await client.read_custom_audience(CREDENTIALS, AUDIENCE)
        await client.read_custom_audience(CREDENTIALS, AUDIENCE)
    warnings = [line for line in lines if line["event"] == "graph version differs"]
    assert [(line["asked"], line["served"]) for line in warnings] == [("v26.0", "v25.0")]


async def test_no_secret_or_hash_reaches_failure_or_log(
    client: GraphClient, facebook: aioresponses
) -> None:
    leaky = f"no row {ROWS[0][2:].hex()} at ?access_token={TOKEN}&p={PROOF} 555|{SECRET}"
    error = an_error(100, message=leaky, fbtrace_id=f"x {TOKEN}")
    facebook.post(ANY_URL, status=400, payload=error)
    with structlog.testing.capture_logs() as lines, pytest.raises(GraphFailure) as caught:
        await client.add_users(CREDENTIALS, AUDIENCE, ROWS, session_id=1)
    written = f"{lines} {caught.value} {caught.value!r} {vars(caught.value)}"
    for secret in (TOKEN, SECRET, PROOF, ROWS[0][2:].hex()):
        assert secret not in written
