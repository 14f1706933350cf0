"""Lists of audiences: filters, empty pages, too much data, sharing, delayed counts, terms."""

import orjson
import pytest

from tests.unit.fakefb.client import ACCOUNT, TOKEN, FakeClient, Reply, sha

LIST = f"{ACCOUNT}/customaudiences"


async def filtered(fake: FakeClient, *filters: object, **query: str) -> Reply:
    text = orjson.dumps(filters).decode()
    return await fake.graph("GET", LIST, query={"filtering": text, **query})


async def test_filters_by_state_and_time(fake: FakeClient) -> None:
    empty, filled = await fake.create("empty"), await fake.create("filled")
    await fake.add(filled, ["EMAIL"], [[sha("a@x.org")]])
    await fake.admin("PATCH", f"/admin/audiences/{empty}", {"delete_time": 2_000})
    state = {"field": "operation_status.code", "operator": "IN", "value": [200, 414]}
    assert (await filtered(fake, state)).ids == [filled]
    state["operator"] = "NOT_IN"
    assert (await filtered(fake, state)).ids == [empty]
    expiring = {"field": "delete_time", "operator": "GREATER_THAN", "value": "1999"}
    assert (await filtered(fake, expiring)).ids == [empty]
    assert (await filtered(fake, expiring, {**expiring, "value": 2_000})).json == {"data": []}


async def test_filters_go_along_with_the_next_link(fake: FakeClient) -> None:
    made = [await fake.create(f"List {i}") for i in range(3)]
    state = {"field": "operation_status.code", "operator": "EQUAL", "value": 410}
    page = await filtered(fake, state, limit="2", summary="true")
    paging = page.json["paging"]
    assert isinstance(paging, dict)
    assert "filtering=" in paging["next"]
    assert page.json["summary"] == {"total_count": 3}
    async with fake.session.get(f"{paging['next']}&access_token={TOKEN}") as response:
        body = orjson.loads(await response.read())
    assert [item["id"] for item in body["data"]] == made[:1]
    back = {"before": body["paging"]["cursors"]["before"], "limit": "2"}
    assert (await fake.graph("GET", LIST, query=back)).ids == made[:0:-1]


@pytest.mark.parametrize(
    "filters",
    [
        {"field": "name", "operator": "EQUAL", "value": "x"},
        {"field": "delete_time", "operator": "ABOUT", "value": 1},
        {"field": "delete_time", "operator": "IN", "value": 1},
        {"field": "delete_time", "operator": "EQUAL", "value": True},
        "delete_time",
    ],
)
async def test_bad_filters_are_100(fake: FakeClient, filters: object) -> None:
    assert (await filtered(fake, filters)).code == (400, 100, None)


@pytest.mark.parametrize("where", ["first", "between"])
async def test_empty_pages_have_a_next_one(fake: FakeClient, where: str) -> None:
    made = [await fake.create(f"List {i}") for i in range(4)]
    await fake.switch(empty_pages=where)
    sizes, seen, query = [], [], {"limit": "2"}
    while True:
        page = await fake.graph("GET", LIST, query=query)
        sizes.append(len(page.ids))
        seen += page.ids
        paging = page.json["paging"]
        assert isinstance(paging, dict)
        if "next" not in paging:
            break
        query = {"limit": "2", "after": paging["cursors"]["after"]}
    assert seen == made[::-1]
    assert sizes == ([0, 2, 2] if where == "first" else [2, 0, 2])


async def test_heavy_pages_are_too_much_data(fake: FakeClient) -> None:
    await fake.switch(page_values_max=100)
    query = {"fields": "name", "limit": "51"}
    assert (await fake.graph("GET", LIST, query=query)).code == (500, 1, None)
    assert (await fake.graph("GET", LIST, query=query | {"limit": "50"})).status == 200


async def test_shared_audience_is_read_but_not_changed_by_others(fake: FakeClient) -> None:
    audience = await fake.create()
    await fake.admin("POST", "/admin/ad_accounts", {"ad_account_id": "act_77"})
    body = {"ad_account_ids": ["act_77"], "access_token": "t77"}
    await fake.admin("POST", "/admin/tokens", body)
    assert (await fake.graph("GET", audience, token="t77")).code == (400, 100, 33)
    edge = f"{audience}/adaccounts"
    shared = await fake.graph("POST", edge, json={"adaccounts": ["77"]})
    assert shared.json == {"success": True}
    query = {"fields": "permission_for_actions"}
    node = (await fake.graph("GET", audience, token="t77", query=query)).json
    assert node["permission_for_actions"]["can_edit"] is False  # type: ignore[index]
    assert (await fake.graph("GET", "act_77/customaudiences", token="t77")).ids == [audience]
    change = await fake.graph("POST", audience, token="t77", form={"name": "mine"})
    assert change.code == (400, 200, None)
    assert (await fake.graph("GET", edge)).ids == ["act_77"]
    await fake.graph("DELETE", edge, query={"adaccounts": '["act_77"]'})
    assert (await fake.graph("GET", audience, token="t77")).code == (400, 100, 33)
    assert (await fake.graph("POST", edge, json={"adaccounts": ["88"]})).code == (400, 100, None)
    assert (await fake.graph("POST", edge)).code == (400, 100, None)


async def test_counts_come_late_by_a_switch(fake: FakeClient) -> None:
    await fake.switch(count_delay_minutes=60, count_floor=0)
    await fake.people(*({"person_id": f"p{i}", "emails": [f"{i}@x.org"]} for i in range(20)))
    audience = await fake.create()
    fields = {"fields": "approximate_count_lower_bound,operation_status"}
    seen = []
    for advance_s, numbers in ((0, range(10)), (1_800, range(10, 20)), (1_800, ()), (1_800, ())):
        await fake.admin("POST", "/admin/clock", {"advance_s": advance_s})
        if numbers:
            await fake.add(audience, ["EMAIL"], [[sha(f"{i}@x.org")] for i in numbers])
        node = (await fake.graph("GET", audience, query=fields)).json
        status = node["operation_status"]
        assert isinstance(status, dict)
        seen.append((node["approximate_count_lower_bound"], status["code"]))
    assert seen == [(0, 441), (0, 441), (10, 441), (20, 200)]
    assert len(await fake.inside(audience)) == 20


async def test_only_people_accept_terms(fake: FakeClient) -> None:
    await fake.admin("PATCH", f"/admin/ad_accounts/{ACCOUNT}", {"tos_accepted": False})
    edge = f"{ACCOUNT}/customaudiencestos"
    terms = (await fake.graph("GET", edge)).json["data"]
    assert isinstance(terms, list)
    form = {"tos_id": str(terms[0]["id"])}
    assert (await fake.graph("POST", edge, form=form)).code == (403, 200, None)
    await fake.admin("PATCH", f"/admin/tokens/{TOKEN}", {"kind": "USER"})
    assert (await fake.graph("POST", edge, form=form)).json == {"success": True}
    assert (await fake.graph("POST", edge, form={"tos_id": "1"})).code == (400, 100, None)
    assert (await fake.graph("POST", edge)).code == (400, 100, None)
    node = (await fake.graph("GET", ACCOUNT, query={"fields": "user_tos_accepted"})).json
    assert node["user_tos_accepted"] == {"custom_audience_tos": 1}
    assert await fake.create()


async def test_labels_are_checked_and_kept(fake: FakeClient) -> None:
    audience = await fake.create(audience_labels='["APP_USERS"]')
    query = {"fields": "audience_labels"}
    assert (await fake.graph("GET", audience, query=query)).json["audience_labels"] == ["APP_USERS"]
    bad = await fake.graph("POST", audience, json={"audience_labels": ["SHOES"]})
    assert bad.code == (400, 100, None)
