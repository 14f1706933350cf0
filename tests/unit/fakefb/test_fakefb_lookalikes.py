"""Lookalikes: their rules, what depends on them, how they age."""

from collections.abc import Mapping

import pytest

from tests.unit.fakefb.client import ACCOUNT, FILE_SOURCE, FakeClient, Reply, sha

LIST = f"{ACCOUNT}/customaudiences"
SPEC = {"type": "similarity", "country": "DE"}
BOUNDS = ("approximate_count_lower_bound", "approximate_count_upper_bound")


async def make_origin(fake: FakeClient, people: int = 100) -> str:
    made = ({"person_id": f"p{i}", "emails": ["all@x.org"]} for i in range(people))
    await fake.people(*made)
    origin = await fake.create()
    await fake.add(origin, ["EMAIL"], [[sha("all@x.org")]])
    return origin


async def make_lookalike(
    fake: FakeClient, origin: str, spec: object = SPEC, **more: object
) -> Reply:
    body = {"name": "L", "subtype": "LOOKALIKE", "origin_audience_id": origin, **more}
    return await fake.graph("POST", LIST, json={**body, "lookalike_spec": spec})


async def read(fake: FakeClient, audience: str, *fields: str) -> Mapping[str, object]:
    return (await fake.graph("GET", audience, query={"fields": ",".join(fields)})).json


async def test_lookalike_names_its_origin_and_blocks_its_deletion(fake: FakeClient) -> None:
    origin = await make_origin(fake)
    lookalike = str((await make_lookalike(fake, origin)).json["id"])
    node = await read(fake, lookalike, "subtype", "lookalike_spec")
    assert node["subtype"] == "LOOKALIKE"
    assert node["lookalike_spec"] == {"origin": [{"id": origin}], **SPEC}
    known = await read(fake, origin, "lookalike_audience_ids")
    assert known["lookalike_audience_ids"] == [lookalike]
    assert (await fake.graph("DELETE", origin)).code == (400, 2656, None)
    await fake.graph("DELETE", lookalike)
    assert (await fake.graph("DELETE", origin)).json == {"success": True}


@pytest.mark.parametrize(
    "spec",
    [
        {},
        {"type": "similarity"},
        {"country": "DE"},
        {"type": "magic", "country": "DE"},
        {"ratio": 0.21, "country": "DE"},
        {"ratio": 0.005, "country": "DE"},
        {"ratio": "much", "country": "DE"},
        {"ratio": 0.02, "starting_ratio": 0.02, "country": "DE"},
        {"starting_ratio": 0.01, "type": "reach", "country": "DE"},
        {"ratio": 0.02, "country": "Germany"},
        [],
        "no JSON",
    ],
)
async def test_bad_specs_are_100(fake: FakeClient, spec: object) -> None:
    origin = await make_origin(fake)
    assert (await make_lookalike(fake, origin, spec)).code == (400, 100, None)


async def test_origin_must_be_named_seen_and_large(fake: FakeClient) -> None:
    small = await make_origin(fake, people=99)
    assert (await make_lookalike(fake, small)).code == (400, 100, None)
    assert (await make_lookalike(fake, "77")).code == (400, 100, 33)
    body = {"name": "L", "subtype": "LOOKALIKE", **FILE_SOURCE}
    assert (await fake.graph("POST", LIST, json=body)).code == (400, 100, None)


async def test_people_cannot_be_put_into_a_lookalike(fake: FakeClient) -> None:
    origin = await make_origin(fake)
    lookalike = str((await make_lookalike(fake, origin)).json["id"])
    reply = await fake.add(lookalike, ["EMAIL"], [[sha("all@x.org")]])
    assert reply.code == (400, 2650, None)


async def test_lookalike_populates_and_grows_old(fake: FakeClient) -> None:
    origin = await make_origin(fake)
    spec = {"ratio": 0.05, "starting_ratio": 0.02, "country": "DE"}
    lookalike = str((await make_lookalike(fake, origin, spec)).json["id"])
    seen = []
    for advance_s in (0, 3_600, 90 * 86_400):
        await fake.admin("POST", "/admin/clock", {"advance_s": advance_s})
        node = await read(fake, lookalike, *BOUNDS, "operation_status")
        status = node["operation_status"]
        assert isinstance(status, dict)
        seen.append((status["code"], *(node[name] for name in BOUNDS)))
    assert seen == [(441, 1000, 1000), (200, 300_000, 300_000), (450, -1, -1)]


async def test_updating_the_spec(fake: FakeClient) -> None:
    origin = await make_origin(fake)
    lookalike = str((await make_lookalike(fake, origin)).json["id"])
    new = {"lookalike_spec": {"ratio": 0.1, "country": "FR"}}
    assert (await fake.graph("POST", lookalike, json=new)).json == {"success": True}
    assert (await fake.graph("POST", origin, json=new)).code == (400, 100, None)
