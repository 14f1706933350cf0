"""Paths, parameters, fields, paging and the life of an audience over real HTTP."""

import orjson
import pytest

from tests.unit.fakefb.client import ACCOUNT, FILE_SOURCE, TOKEN, FakeClient, sha


async def test_created_audience_is_read_with_the_fields_asked_for(fake: FakeClient) -> None:
    audience = await fake.create("Übung", description="nightly")
    fields = "name,description,subtype,customer_file_source,operation_status,data_source"
    reply = await fake.graph("GET", f"{audience}/", query={"fields": fields})
    assert reply.json == {
        "name": "Übung",
        "description": "nightly",
        "subtype": "CUSTOM",
        "customer_file_source": "USER_PROVIDED_ONLY",
        "operation_status": {"code": 410, "description": "Nothing has been uploaded yet."},
        "data_source": {"type": "UNKNOWN", "sub_type": "ANYTHING", "creation_params": "[]"},
        "id": audience,
    }
    assert len(audience) == 18
    assert audience.isdigit()


async def test_every_answer_says_its_version_and_that_it_is_fake(fake: FakeClient) -> None:
    reply = await fake.graph("GET", ACCOUNT, version="/v25.0")
    assert reply.headers["facebook-api-version"] == "v25.0"
    assert reply.headers["X-Fake-Facebook"] == "1"
    unversioned = await fake.graph("GET", ACCOUNT, version="")
    assert unversioned.headers["facebook-api-version"] == "v26.0"


async def test_read_without_fields_gives_the_id_alone(fake: FakeClient) -> None:
    audience = await fake.create()
    assert (await fake.graph("GET", audience)).json == {"id": audience}
    assert (await fake.graph("GET", ACCOUNT)).json == {"id": ACCOUNT}


async def test_account_tells_its_terms(fake: FakeClient) -> None:
    query = {"fields": "name,account_status,tos_accepted"}
    reply = await fake.graph("GET", ACCOUNT, query=query)
    assert reply.json["tos_accepted"] == {"custom_audience_tos": 1}
    assert reply.json["account_status"] == 1
    mine = await fake.graph("GET", "me/adaccounts", query={"fields": "account_id"})
    assert mine.json["data"] == [{"account_id": "1000000001", "id": ACCOUNT}]


async def test_update_changes_only_what_is_given(fake: FakeClient) -> None:
    audience = await fake.create("Old", description="kept")
    reply = await fake.graph("POST", f"{audience}/", form={"name": "New"})
    assert reply.json == {"success": True}
    read = await fake.graph("GET", audience, query={"fields": "name,description"})
    assert (read.json["name"], read.json["description"]) == ("New", "kept")


async def test_deleted_audience_is_gone(fake: FakeClient) -> None:
    audience = await fake.create()
    assert (await fake.graph("DELETE", f"{audience}/")).json == {"success": True}
    assert (await fake.graph("GET", audience)).code == (400, 100, 33)
    assert (await fake.graph("GET", f"{ACCOUNT}/customaudiences")).json == {"data": []}


async def test_post_with_method_override_deletes(fake: FakeClient) -> None:
    audience = await fake.create()
    reply = await fake.graph("POST", audience, form={"method": "delete"})
    assert reply.json == {"success": True}


async def test_list_is_newest_first_and_the_last_page_has_no_next(fake: FakeClient) -> None:
    made = [await fake.create(f"List {i}") for i in range(5)]
    seen: list[object] = []
    after: dict[str, str] = {}
    for expected_next in (True, True, False):
        query = {"limit": "2", **after}
        page = await fake.graph("GET", f"{ACCOUNT}/customaudiences", query=query)
        seen += page.ids
        paging = page.json["paging"]
        assert isinstance(paging, dict)
        assert ("next" in paging) is expected_next
        after = {"after": paging["cursors"]["after"]}
    assert seen == made[::-1]


async def test_next_link_leads_to_the_next_page(fake: FakeClient) -> None:
    made = [await fake.create(f"List {i}") for i in range(3)]
    page = await fake.graph("GET", f"{ACCOUNT}/customaudiences", query={"limit": "2"})
    paging = page.json["paging"]
    assert isinstance(paging, dict)
    async with fake.session.get(f"{paging['next']}&access_token={TOKEN}") as response:
        body = orjson.loads(await response.read())
    assert [item["id"] for item in body["data"]] == made[:1]


async def test_token_is_taken_from_query_form_json_and_bearer(fake: FakeClient) -> None:
    path = f"{ACCOUNT}/customaudiences"
    body = {"name": "x", **FILE_SOURCE, "access_token": TOKEN}
    for reply in (
        await fake.graph("POST", path, token=None, form=body),
        await fake.graph("POST", path, token=None, json=body),
        await fake.graph("GET", path, token=None, headers={"Authorization": f"Bearer {TOKEN}"}),
    ):
        assert reply.status == 200, reply.text


async def test_payload_is_read_from_query_form_and_both_kinds_of_json(fake: FakeClient) -> None:
    audience = await fake.create()
    payload = {"schema": ["EMAIL"], "data": [[sha("a@example.com")]]}
    text = orjson.dumps(payload).decode()
    path = f"{audience}/users"
    for method in ("POST", "DELETE"):
        for reply in (
            await fake.graph(method, path, query={"payload": text}),
            await fake.graph(method, path, form={"payload": text}),
            await fake.graph(method, path, json={"payload": payload}),
            await fake.graph(method, path, json={"payload": text}),
        ):
            assert reply.json["num_received"] == 1, reply.text


async def test_session_id_comes_back_as_text_and_on_the_sessions_edge(fake: FakeClient) -> None:
    audience = await fake.create()
    session = {"session_id": 2**63 - 1, "batch_seq": 1, "last_batch_flag": True}
    rows = [[sha("a@example.com")], ["no hash"]]
    reply = await fake.add(audience, ["EMAIL"], rows, session=session)
    assert reply.json["session_id"] == str(2**63 - 1)
    query = {"session_id": str(2**63 - 1)}
    sessions = await fake.graph("GET", f"{audience}/sessions", query=query)
    data = sessions.json["data"]
    assert isinstance(data, list)
    assert data[0]["num_received"] == "2"
    assert data[0]["num_invalid_entries"] == "1"
    assert data[0]["stage"] == "done"
    assert data[0]["num_matched"] == "0"
    none = await fake.graph("GET", f"{audience}/sessions", query={"session_id": "7"})
    assert none.json == {"data": []}


async def test_calls_without_a_session_get_one_for_schema_and_verb(fake: FakeClient) -> None:
    audience = await fake.create()
    rows = [[sha("a@example.com")]]
    first, second = [(await fake.add(audience, ["EMAIL"], rows)).json for _ in range(2)]
    removal = (await fake.remove(audience, ["EMAIL"], rows)).json
    assert first["session_id"] == second["session_id"] != removal["session_id"]


async def test_receipt_counts_invalid_rows_and_shows_them_as_compact_json(
    fake: FakeClient,
) -> None:
    audience = await fake.create()
    good, upper = sha("a@example.com"), sha("b@example.com").upper()
    rows = [[good, ""], [upper, ""], ["", ""], ["", "not-a-device"], [None, ""]]
    reply = await fake.add(audience, ["EMAIL", "MADID"], rows)
    assert reply.status == 200
    assert reply.json["audience_id"] == audience
    assert reply.json["num_received"] == 5
    assert reply.json["num_invalid_entries"] == 4
    samples = reply.json["invalid_entry_samples"]
    assert isinstance(samples, dict)
    assert set(samples) == {
        f'["{upper}",""]',
        '["",""]',
        '["","not-a-device"]',
        '[null,""]',
    }


@pytest.mark.parametrize("bad", [sha("b@x.org").upper(), f"{sha('b@x.org')[:62]}  ", "é" * 64])
async def test_one_bad_hash_among_good_ones_is_found(fake: FakeClient, bad: str) -> None:
    audience = await fake.create()
    rows = [[sha("a@x.org")], [bad], [sha("c@x.org")]]
    reply = await fake.add(audience, ["EMAIL"], rows)
    assert reply.json["num_invalid_entries"] == 1
    assert bad in str(reply.json["invalid_entry_samples"])


async def test_samples_end_at_a_hundred(fake: FakeClient) -> None:
    audience = await fake.create()
    reply = await fake.add(audience, ["EMAIL"], [[f"bad {i}"] for i in range(150)])
    samples = reply.json["invalid_entry_samples"]
    assert isinstance(samples, dict)
    assert (reply.json["num_invalid_entries"], len(samples)) == (150, 100)


async def test_lenient_hashes_are_counted_nowhere(fake: FakeClient) -> None:
    await fake.switch(invalid_hashes="lenient")
    audience = await fake.create()
    reply = await fake.add(audience, ["EMAIL"], [["plain@example.com"], [""]])
    assert reply.json["num_invalid_entries"] == 1


async def test_ten_thousand_rows_pass(fake: FakeClient) -> None:
    audience = await fake.create()
    await fake.people(*({"person_id": f"p{i}", "emails": [f"{i}@x.org"]} for i in range(300)))
    rows = [[sha(f"{i}@x.org")] for i in range(10_000)]
    reply = await fake.add(audience, ["EMAIL"], rows)
    assert (reply.json["num_received"], reply.json["num_invalid_entries"]) == (10_000, 0)
    assert len(await fake.inside(audience)) == 300


async def test_counts_are_rounded_and_have_a_floor(fake: FakeClient) -> None:
    audience = await fake.create()
    await fake.people(*({"person_id": f"p{i}", "emails": [f"{i}@x.org"]} for i in range(1234)))
    fields = {
        "fields": "approximate_count_lower_bound,approximate_count_upper_bound,delivery_status"
    }
    before = (await fake.graph("GET", audience, query=fields)).json
    await fake.add(audience, ["EMAIL"], [[sha(f"{i}@x.org")] for i in range(1234)])
    after = (await fake.graph("GET", audience, query=fields)).json
    bounds = [
        (node["approximate_count_lower_bound"], node["approximate_count_upper_bound"])
        for node in (before, after)
    ]
    assert bounds == [(1000, 1000), (1200, 1300)]
    statuses = [node["delivery_status"] for node in (before, after)]
    assert [s["code"] for s in statuses if isinstance(s, dict)] == [300, 200]
