"""Everything that is refused, with Meta's code, subcode, status and headers."""

import aiohttp
import pytest

from tests.unit.fakefb.client import ACCOUNT, FILE_SOURCE, FakeClient, sha

LIST = f"{ACCOUNT}/customaudiences"
ROW = [[sha("a@example.com")]]


@pytest.mark.parametrize(
    "form",
    [
        {"name": "x"},
        {**FILE_SOURCE},
        {"name": "x", "customer_file_source": "SOMEWHERE"},
        {"name": "x", **FILE_SOURCE, "retention_days": "181"},
        {"name": "x", **FILE_SOURCE, "subtype": "WEBSITE"},
        {"name": "x", **FILE_SOURCE, "is_value_based": "perhaps"},
    ],
)
async def test_create_refuses_bad_parameters(fake: FakeClient, form: dict[str, str]) -> None:
    assert (await fake.graph("POST", LIST, form=form)).code == (400, 100, None)
    assert (await fake.graph("GET", LIST)).json == {"data": []}


async def test_missing_file_source_is_named(fake: FakeClient) -> None:
    reply = await fake.graph("POST", LIST, form={"name": "x", "subtype": "CUSTOM"})
    assert reply.error["message"] == "(#100) Missing parameter(s): customer_file_source"


async def test_nothing_is_written_before_the_terms_are_accepted(fake: FakeClient) -> None:
    audience = await fake.create()
    await fake.admin("PATCH", f"/admin/ad_accounts/{ACCOUNT}", {"tos_accepted": False})
    created = await fake.graph("POST", LIST, form={"name": "x", **FILE_SOURCE})
    assert created.code == (403, 200, 1870034)
    assert "tos/?act=1000000001" in str(created.error["error_user_msg"])
    assert (await fake.add(audience, ["EMAIL"], ROW)).code == (403, 200, 1870034)
    account = await fake.graph("GET", ACCOUNT, query={"fields": "tos_accepted"})
    assert account.json["tos_accepted"] == {}


async def test_unknown_and_malformed_fields(fake: FakeClient) -> None:
    audience = await fake.create()
    unknown = await fake.graph("GET", audience, query={"fields": "id,shoe_size"})
    assert unknown.code == (400, 100, None)
    assert "nonexisting field (shoe_size)" in str(unknown.error["message"])
    assert (await fake.graph("GET", audience, query={"fields": "a b"})).code == (400, 2500, None)
    known_but_empty = await fake.graph("GET", audience, query={"fields": "delete_time"})
    assert known_but_empty.json == {"id": audience}


@pytest.mark.parametrize("version", ["/v23.0", "/v99.0"])
async def test_dead_and_unknown_versions_are_2635(fake: FakeClient, version: str) -> None:
    assert (await fake.graph("GET", ACCOUNT, version=version)).code == (400, 2635, None)


@pytest.mark.parametrize(
    "payload",
    [
        {"schema": ["EMAIL"], "data": []},
        {"schema": ["EMAIL"]},
        {"data": ROW},
        {"schema": [], "data": ROW},
        {"schema": ["EMAIL", "PHONE"], "data": ROW},
        {"schema": ["SHOE"], "data": ROW},
        {"schema": ["EMAIL", "EMAIL"], "data": [[*ROW[0], *ROW[0]]]},
        {"schema": "SHOE", "data": ROW[0]},
        {"schema": ["EMAIL"], "data": ROW[0]},
        {"schema": ["LOOKALIKE_VALUE"], "data": [[1]]},
        {"schema": ["PAGEUID"], "data": [["1"]]},
        [],
        "no JSON at all {",
    ],
)
async def test_payloads_of_a_wrong_shape_are_100(fake: FakeClient, payload: object) -> None:
    audience = await fake.create()
    reply = await fake.graph("POST", f"{audience}/users", json={"payload": payload})
    assert reply.code == (400, 100, None)


async def test_missing_payload_and_bad_session(fake: FakeClient) -> None:
    audience = await fake.create()
    reply = await fake.graph("POST", f"{audience}/users")
    assert reply.error["message"] == "(#100) Missing required parameter: payload"
    for session in ({}, {"session_id": 0}, {"session_id": 2**63}, {"session_id": "x"}, 7):
        refused = await fake.add(audience, ["EMAIL"], ROW, session=session)
        assert refused.code == (400, 100, None), session


async def test_blank_extern_id_is_invalid_and_not_refused(fake: FakeClient) -> None:
    audience = await fake.create()
    reply = await fake.add(audience, ["EXTERN_ID", "EMAIL"], [["", ROW[0][0]], ["u1", ""]])
    assert reply.json["num_invalid_entries"] == 1
    assert reply.json["invalid_entry_samples"] == {f'["","{ROW[0][0]}"]': "empty external ID"}


@pytest.mark.parametrize(("switch", "code"), [("105", (400, 105, None)), ("1_99", (500, 1, 99))])
async def test_more_than_ten_thousand_rows(
    fake: FakeClient, switch: str, code: tuple[int, int, object]
) -> None:
    await fake.switch(over_limit=switch)
    audience = await fake.create()
    assert (await fake.add(audience, ["EMAIL"], ROW * 10_001)).code == code


async def test_too_many_rows_can_give_an_html_page(fake: FakeClient) -> None:
    await fake.switch(over_limit="html")
    audience = await fake.create()
    reply = await fake.add(audience, ["EMAIL"], ROW * 10_001)
    assert (reply.status, reply.text[:9]) == (400, "<!DOCTYPE")
    assert reply.headers["Content-Type"].startswith("text/html")


async def test_single_key_and_multi_key_uploads_do_not_mix(fake: FakeClient) -> None:
    audience = await fake.create()
    await fake.add(audience, "EMAIL_SHA256", ROW[0])
    for reply in (
        await fake.add(audience, ["EMAIL"], ROW),
        await fake.remove(audience, ["EMAIL"], ROW),
    ):
        assert reply.code == (400, 2650, None)
        assert "FILE_IMPORTED.HASHES_OR_USER_IDS" in str(reply.error["message"])
    read = await fake.graph("GET", audience, query={"fields": "data_source"})
    assert read.json["data_source"] == {
        "type": "FILE_IMPORTED",
        "sub_type": "HASHES_OR_USER_IDS",
        "creation_params": "[]",
    }


async def test_removal_floor_refuses_and_changes_nothing(fake: FakeClient) -> None:
    await fake.switch(removal_floor=100)
    audience = await fake.create()
    await fake.people(*({"person_id": f"p{i}", "emails": [f"{i}@x.org"]} for i in range(101)))
    rows = [[sha(f"{i}@x.org")] for i in range(101)]
    await fake.add(audience, ["EMAIL"], rows)
    assert (await fake.remove(audience, ["EMAIL"], rows[:2])).code == (400, 200, 1870047)
    assert len(await fake.inside(audience)) == 101
    assert (await fake.remove(audience, ["EMAIL"], rows[:1])).status == 200


async def test_new_audience_is_not_there_for_its_first_calls(fake: FakeClient) -> None:
    await fake.switch(new_audience_lag_calls=2)
    audience = await fake.create()
    replies = [await fake.add(audience, ["EMAIL"], ROW) for _ in range(3)]
    assert [reply.status for reply in replies] == [400, 400, 200]
    assert replies[0].code == (400, 803, None)


async def test_account_has_at_most_500_lists(fake: FakeClient) -> None:
    for i in range(500):
        await fake.create(f"List {i}")
    reply = await fake.graph("POST", LIST, form={"name": "one more", **FILE_SOURCE})
    assert reply.code == (400, 2654, None)


async def test_url_is_cut_between_250_and_300_rows(fake: FakeClient) -> None:
    audience = await fake.create()

    async def remove(rows: int) -> int:
        cells = ",".join(f'["{sha(str(i))}"]' for i in range(rows))
        payload = f'{{"data":[{cells}],"is_raw":true,"schema":["EMAIL"]}}'
        path = f"{audience}/users"
        return (await fake.graph("DELETE", path, query={"payload": payload})).status

    assert await remove(250) == 200
    with pytest.raises((aiohttp.ClientOSError, aiohttp.ServerDisconnectedError)):
        await remove(300)


async def test_budget_fills_refuses_and_drains(fake: FakeClient) -> None:
    await fake.admin("PATCH", f"/admin/ad_accounts/{ACCOUNT}", {"calls_per_hour": 4})
    replies = [await fake.graph("GET", LIST) for _ in range(5)]
    assert [reply.status for reply in replies] == [200, 200, 200, 200, 400]
    assert replies[-1].code == (400, 80003, 2446079)
    usage = replies[1].headers["X-Business-Use-Case-Usage"]
    assert '"1000000001":[{"type":"custom_audience","call_count":50' in usage
    assert "Retry-After" not in replies[-1].headers
    await fake.admin("POST", "/admin/clock", {"advance_s": 3700})
    assert (await fake.graph("GET", LIST)).status == 200


async def test_wait_is_told_in_minutes_and_is_enough(fake: FakeClient) -> None:
    await fake.admin("PATCH", f"/admin/ad_accounts/{ACCOUNT}", {"calls_per_hour": 1})
    await fake.graph("GET", LIST)
    refused = await fake.graph("GET", LIST)
    usage = refused.headers["X-Business-Use-Case-Usage"]
    minutes = int(usage.split('"estimated_time_to_regain_access":')[1].split(",")[0])
    assert 58 <= minutes <= 60
    await fake.admin("POST", "/admin/clock", {"advance_s": minutes * 60})
    assert (await fake.graph("GET", LIST)).status == 200


async def test_unknown_edges_are_2500(fake: FakeClient) -> None:
    audience = await fake.create()
    assert (await fake.graph("GET", f"{audience}/shoes")).code == (400, 2500, None)
