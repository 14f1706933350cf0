"""Flagged audiences, forced states and audiences that expire: what Meta does by itself."""

import pytest

from tests.unit.fakefb.client import FakeClient, sha
from tests.unit.fakefb.test_fakefb_lookalikes import make_lookalike, make_origin, read

ROW = [[sha("all@x.org")]]


async def flag(fake: FakeClient, audience: str, *fields: str) -> None:
    body = {"flagged_fields": fields}
    assert (await fake.admin("PATCH", f"/admin/audiences/{audience}", body)).status == 200


async def test_flagged_audience_says_so_and_refuses_changes(fake: FakeClient) -> None:
    audience = await make_origin(fake)
    await flag(fake, audience, "name", "description")
    node = await read(
        fake, audience, "operation_status", "delivery_status", "fields_violating_integrity_policy"
    )
    codes = [node[n]["code"] for n in ("operation_status", "delivery_status")]  # type: ignore[index]
    assert codes == [471, 400]
    assert node["fields_violating_integrity_policy"] == ["name", "description"]
    for reply in (
        await fake.add(audience, ["EMAIL"], ROW),
        await fake.remove(audience, ["EMAIL"], ROW),
        await fake.graph("POST", f"{audience}/usersreplace"),
    ):
        assert reply.code == (400, 100, 1713230)
    assert (await make_lookalike(fake, audience)).code == (400, 100, 1713232)
    assert len(await fake.inside(audience)) == 100


async def test_only_an_edit_of_every_flagged_field_cures(fake: FakeClient) -> None:
    audience = await make_origin(fake)
    await flag(fake, audience, "name", "description")
    for form in ({"name": "Better"}, {"opt_out_link": "https://example.org"}):
        assert (await fake.graph("POST", audience, form=form)).code == (400, 100, 1713231)
    cure = {"name": "Better", "description": "plain"}
    assert (await fake.graph("POST", audience, form=cure)).status == 200
    assert (await fake.add(audience, ["EMAIL"], ROW)).status == 200
    assert "fields_violating_integrity_policy" not in await read(
        fake, audience, "fields_violating_integrity_policy"
    )


async def test_lookalike_of_a_flagged_origin_cannot_be_edited(fake: FakeClient) -> None:
    origin = await make_origin(fake)
    lookalike = str((await make_lookalike(fake, origin)).json["id"])
    await flag(fake, origin, "name")
    reply = await fake.graph("POST", lookalike, form={"name": "x"})
    assert reply.code == (400, 100, 1713228)


async def test_expiring_audience_tells_when(fake: FakeClient) -> None:
    audience = await make_origin(fake)
    await fake.admin("PATCH", f"/admin/audiences/{audience}", {"delete_time": 2_000_000_000})
    node = await read(fake, audience, "operation_status", "delete_time")
    assert node["delete_time"] == 2_000_000_000
    assert node["operation_status"] == {"code": 100, "description": "Scheduled to expire."}


@pytest.mark.parametrize(
    "body", [{"operation_code": 7}, {"flagged_fields": ["shoe"]}, {"people": 3}, []]
)
async def test_admin_refuses_what_it_does_not_know(fake: FakeClient, body: object) -> None:
    audience = await fake.create()
    assert (await fake.admin("PATCH", f"/admin/audiences/{audience}", body)).status == 400
    assert (await fake.admin("PATCH", "/admin/audiences/1", {})).status == 404
