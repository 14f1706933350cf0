"""Batches, and reading many nodes at once."""

from collections.abc import Mapping, Sequence

import orjson
import pytest

from fakefb.json_paths import value_at
from tests.unit.fakefb.client import ACCOUNT, FakeClient, sha

LIST = f"{ACCOUNT}/customaudiences"
ROW = [[sha("a@x.org")]]
PAYLOAD = orjson.dumps({"schema": ["EMAIL"], "data": ROW}).decode()


async def send(
    fake: FakeClient, *items: Mapping[str, object], **form: str
) -> Sequence[Mapping[str, object] | None]:
    batch = orjson.dumps(items).decode()
    reply = await fake.graph("POST", "", form={"batch": batch, **form})
    assert reply.status == 200, reply.text
    value = orjson.loads(reply.text)
    assert isinstance(value, list)
    return value


def body(item: Mapping[str, object] | None) -> Mapping[str, object]:
    assert item is not None
    text = item["body"]
    assert isinstance(text, str)
    return dict(orjson.loads(text))


async def test_items_are_answered_in_order_each_on_its_own(fake: FakeClient) -> None:
    audience = await fake.create()
    replies = await send(
        fake,
        {"method": "GET", "relative_url": f"{audience}/?fields=name"},
        {"method": "GET", "relative_url": "v26.0/1"},
        {"method": "POST", "relative_url": f"{audience}/users", "body": f"payload={PAYLOAD}"},
        {"method": "DELETE", "relative_url": f"{audience}/users", "body": f"payload={PAYLOAD}"},
    )
    assert [item["code"] for item in replies if item] == [200, 400, 200, 200]
    assert body(replies[0])["name"] == "Buyers"
    error = body(replies[1])["error"]
    assert isinstance(error, dict)
    assert (error["code"], error["error_subcode"]) == (100, 33)
    assert body(replies[3])["num_received"] == 1


async def test_headers_are_objects_and_can_be_left_out(fake: FakeClient) -> None:
    audience = await fake.create()
    item = {"method": "GET", "relative_url": audience}
    [with_headers] = await send(fake, item)
    assert with_headers is not None
    headers = with_headers["headers"]
    assert isinstance(headers, list)
    names = [header["name"] for header in headers]
    assert {"Content-Type", "X-Business-Use-Case-Usage", "facebook-api-version"} <= set(names)
    [without] = await send(fake, item, include_headers="false")
    assert without is not None
    assert without.keys() == {"code", "body"}


async def test_lost_answer_is_null_and_its_write_is_done(fake: FakeClient) -> None:
    await fake.people({"person_id": "a", "emails": ["a@x.org"]})
    audience = await fake.create()
    await fake.arm({"lost_answer": True}, operation="add")
    add = {"method": "POST", "relative_url": f"{audience}/users", "body": f"payload={PAYLOAD}"}
    read = {"method": "GET", "relative_url": audience}
    first, second = await send(fake, add, read)
    assert (first, second is None) == (None, False)
    assert await fake.inside(audience) == ["a"]
    assert [e["operation"] for e in await fake.journal()][-3:] == ["batch", "add", "read"]


async def test_fault_on_the_batch_spares_its_items(fake: FakeClient) -> None:
    await fake.arm({"html": {"status": 502}}, operation="batch")
    reply = await fake.graph("POST", "", form={"batch": '[{"method":"GET","relative_url":"me"}]'})
    assert reply.status == 502


async def test_item_uses_what_an_earlier_one_answered(fake: FakeClient) -> None:
    form = "name=New&customer_file_source=USER_PROVIDED_ONLY"
    made, read = await send(
        fake,
        {"method": "POST", "relative_url": LIST, "body": form, "name": "made"},
        {"method": "GET", "relative_url": "{result=made:$.id}?fields=name"},
    )
    assert body(read) == {"name": "New", "id": body(made)["id"]}
    [lost] = await send(fake, {"method": "GET", "relative_url": "{result=none:$.id}"})
    assert lost is not None
    assert lost["code"] == 400


async def test_each_item_costs_a_call_and_the_batch_none(fake: FakeClient) -> None:
    await fake.admin("PATCH", f"/admin/ad_accounts/{ACCOUNT}", {"calls_per_hour": 3})
    item = {"method": "GET", "relative_url": LIST}
    replies = await send(fake, *[item] * 4)
    assert [reply["code"] for reply in replies if reply] == [200, 200, 200, 400]


async def test_item_may_bring_its_own_token(fake: FakeClient) -> None:
    item = {"method": "GET", "relative_url": f"{LIST}?access_token=nobody"}
    [reply] = await send(fake, item)
    assert reply is not None
    assert reply["code"] == 400
    assert (await fake.graph("POST", "", form={"batch": "[{}]"}, token="nobody")).code[1] == 190


@pytest.mark.parametrize(
    "batch",
    [
        [],
        {},
        ["GET me"],
        [{"method": "GET"}],
        [{"method": "PUT", "relative_url": "me"}],
        [{"method": "POST", "relative_url": "me", "body": {"a": 1}}],
        [{"method": "GET", "relative_url": "me"}] * 51,
    ],
)
async def test_unreadable_batches_are_100(fake: FakeClient, batch: object) -> None:
    reply = await fake.graph("POST", "", json={"batch": batch})
    assert reply.code == (400, 100, None)


async def test_a_batch_in_a_batch_is_refused(fake: FakeClient) -> None:
    [reply] = await send(fake, {"method": "POST", "relative_url": "", "body": "batch=[]"})
    assert reply is not None
    assert reply["code"] == 400


async def test_many_nodes_are_read_by_id(fake: FakeClient) -> None:
    audience = await fake.create()
    query = {"ids": f"{audience},{ACCOUNT}", "fields": "name"}
    reply = await fake.graph("GET", "", query=query)
    assert reply.json == {
        audience: {"name": "Buyers", "id": audience},
        ACCOUNT: {"name": "Ready account", "id": ACCOUNT},
    }
    assert (await fake.graph("GET", "", query={"ids": f"{audience},7"})).code == (400, 803, None)
    assert (await fake.graph("GET", "")).code == (400, 100, None)
    many = ",".join(map(str, range(51)))
    assert (await fake.graph("GET", "", query={"ids": many})).code == (400, 100, None)


async def test_each_id_costs_a_call(fake: FakeClient) -> None:
    ids = ",".join([await fake.create(f"List {i}") for i in range(3)])
    await fake.admin("PATCH", f"/admin/ad_accounts/{ACCOUNT}", {"calls_per_hour": 6})
    assert (await fake.graph("GET", "", query={"ids": ids})).status == 200
    assert (await fake.graph("GET", "", query={"ids": ids})).code == (400, 80003, 2446079)


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("$.id", "7"),
        ("$.data[1].id", "2"),
        ("$.data.*.id", "1,2"),
        ("$.data[*].id", "1,2"),
        ("$.data[9].id", None),
        ("$.data", None),
        ("$.none", None),
        ("$..id", None),
    ],
)
def test_paths_into_answers(path: str, value: str | None) -> None:
    assert value_at({"id": "7", "data": [{"id": 1}, {"id": 2}]}, path) == value
