"""EXTERN_ID: links that are kept for 90 days, and ids that stand for people."""

from tests.unit.fakefb.client import FakeClient, sha

A, B = {"person_id": "a", "emails": ["a@x.org"]}, {"person_id": "b", "emails": ["b@x.org"]}
DAY_S = 86_400


async def linked(fake: FakeClient) -> str:
    await fake.people(A, B)
    audience = await fake.create()
    await fake.add(audience, ["EXTERN_ID", "EMAIL"], [["u1", sha("a@x.org")]])
    return audience


async def test_linked_id_alone_removes_and_adds(fake: FakeClient) -> None:
    audience = await linked(fake)
    other = await fake.create("Other")
    await fake.add(other, ["EXTERN_ID"], [["u1"], ["u2"], ["U1"]])
    assert await fake.inside(other) == ["a"]
    await fake.remove(audience, ["EXTERN_ID"], [["u1"]])
    assert await fake.inside(audience) == []


async def test_linked_id_removes_where_identifiers_are_kept(fake: FakeClient) -> None:
    await fake.switch(removal="identifiers")
    audience = await linked(fake)
    await fake.remove(audience, ["EXTERN_ID"], [["u1"]])
    assert await fake.inside(audience) == []


async def test_link_is_forgotten_after_ninety_days(fake: FakeClient) -> None:
    audience = await linked(fake)
    await fake.admin("POST", "/admin/clock", {"advance_s": 90 * DAY_S})
    await fake.remove(audience, ["EXTERN_ID"], [["u1"]])
    assert await fake.inside(audience) == ["a"]


async def test_other_keys_come_before_the_link_and_change_it(fake: FakeClient) -> None:
    audience = await linked(fake)
    await fake.add(audience, ["EXTERN_ID", "EMAIL"], [["u1", sha("b@x.org")]])
    await fake.remove(audience, ["EXTERN_ID"], [["u1"]])
    assert await fake.inside(audience) == ["a"]
    await fake.remove(audience, ["EXTERN_ID", "EMAIL"], [["u1", sha("a@x.org")]])
    assert await fake.inside(audience) == []


async def test_removals_teach_no_links(fake: FakeClient) -> None:
    audience = await linked(fake)
    await fake.remove(audience, ["EXTERN_ID", "EMAIL"], [["u1", sha("b@x.org")]])
    await fake.remove(audience, ["EXTERN_ID"], [["u1"]])
    assert await fake.inside(audience) == []


async def test_links_belong_to_one_account(fake: FakeClient) -> None:
    await linked(fake)
    await fake.admin("POST", "/admin/ad_accounts", {"ad_account_id": "act_77"})
    body = {"ad_account_ids": ["act_77"], "access_token": "t77"}
    await fake.admin("POST", "/admin/tokens", body)
    form = {"name": "x", "customer_file_source": "USER_PROVIDED_ONLY"}
    made = await fake.graph("POST", "act_77/customaudiences", token="t77", form=form)
    other = str(made.json["id"])
    rows = {"payload": {"schema": ["EXTERN_ID"], "data": [["u1"]]}}
    await fake.graph("POST", f"{other}/users", token="t77", json=rows)
    assert await fake.inside(other) == []


async def test_blank_extern_id_alone_has_its_reason(fake: FakeClient) -> None:
    audience = await fake.create()
    reply = await fake.add(audience, "EXTERN_ID", ["", "u1"])
    assert reply.json["invalid_entry_samples"] == {'""': "empty external ID"}


async def test_app_scoped_ids_are_the_ids_of_people(fake: FakeClient) -> None:
    await fake.people(A, B)
    audience = await fake.create()
    body = {"payload": {"schema": "UID", "data": ["a", 7], "app_ids": ["5550001"]}}
    assert (await fake.graph("POST", f"{audience}/users", json=body)).json["num_received"] == 2
    assert await fake.inside(audience) == ["a"]


async def test_values_need_a_value_based_list(fake: FakeClient) -> None:
    audience = await fake.create(is_value_based="true")
    rows = [[sha("a@x.org"), 3.5], [sha("b@x.org"), -1], [sha("c@x.org"), "NaN"]]
    reply = await fake.add(audience, ["EMAIL", "LOOKALIKE_VALUE"], rows)
    assert reply.json["num_invalid_entries"] == 2


async def test_erasure_takes_people_out_of_every_list(fake: FakeClient) -> None:
    lists = [await linked(fake)]
    lists.append(await fake.create("Single"))
    await fake.add(lists[1], "EMAIL", [sha("a@x.org"), sha("b@x.org")])
    body = {"payload": {"schema": ["EMAIL"], "data": [[sha("a@x.org")], ["bad"]]}}
    reply = await fake.graph("DELETE", "act_1000000001/usersofanyaudience", json=body)
    assert (reply.json["num_received"], reply.json["num_invalid_entries"]) == (2, 1)
    assert [await fake.inside(audience) for audience in lists] == [[], ["b"]]
    later = await fake.add(lists[1], "EMAIL", [sha("a@x.org")])
    assert later.status == 200
