"""Replace sessions: how they open, go on and end, and what is blocked meanwhile."""

import pytest

from tests.unit.fakefb.client import FakeClient, Reply, sha

OK = (200, None, None)
IN_PROGRESS, BAD_BATCH, FAILED = 1870145, 1870147, 1870148
TIMED_OUT, FINISHED = 1870158, 1870159


async def people(fake: FakeClient, count: int = 5) -> None:
    await fake.people(*({"person_id": f"p{i}", "emails": [f"{i}@x.org"]} for i in range(count)))


def rows(*numbers: int) -> list[list[str]]:
    return [[sha(f"{i}@x.org")] for i in numbers]


async def replace(
    fake: FakeClient,
    audience: str,
    *numbers: int,
    session_id: int = 7,
    batch_seq: int | None = 1,
    is_last: bool = False,
    schema: tuple[str, ...] = ("EMAIL",),
) -> Reply:
    session = {"session_id": session_id, "last_batch_flag": is_last}
    session |= {} if batch_seq is None else {"batch_seq": batch_seq}
    data = [row * len(schema) for row in rows(*numbers)]
    body = {"payload": {"schema": schema, "data": data}, "session": session}
    return await fake.graph("POST", f"{audience}/usersreplace", json=body)


async def state_of(fake: FakeClient, audience: str) -> object:
    reply = await fake.graph("GET", audience, query={"fields": "operation_status"})
    status = reply.json["operation_status"]
    assert isinstance(status, dict)
    return status["code"]


@pytest.fixture
async def audience(fake: FakeClient) -> str:
    await people(fake)
    audience = await fake.create()
    await fake.add(audience, ["EMAIL"], rows(0, 1))
    return audience


async def test_rows_of_the_session_become_the_membership(fake: FakeClient, audience: str) -> None:
    first = await replace(fake, audience, 2)
    assert first.json["audience_id"] == audience
    assert first.json["session_id"] == "7"
    assert await state_of(fake, audience) == 414
    await replace(fake, audience, 3, batch_seq=9)
    await replace(fake, audience, 3, batch_seq=9)
    await replace(fake, audience, 4, batch_seq=2, is_last=True)
    assert await fake.inside(audience) == ["p2", "p3", "p4"]
    assert await state_of(fake, audience) == 200
    assert (await fake.add(audience, ["EMAIL"], rows(0))).status == 200


async def test_other_writers_wait_while_a_session_is_open(fake: FakeClient, audience: str) -> None:
    await replace(fake, audience, 2)
    for reply in (
        await fake.add(audience, ["EMAIL"], rows(3)),
        await fake.remove(audience, ["EMAIL"], rows(2)),
        await replace(fake, audience, 3, session_id=8),
        await replace(fake, audience, 3),
    ):
        assert reply.code == (400, 2650, IN_PROGRESS)
    assert await fake.inside(audience) == ["p2"]


async def test_later_batch_without_a_first_one(fake: FakeClient, audience: str) -> None:
    reply = await replace(fake, audience, 2, batch_seq=2)
    assert reply.code == (400, 2650, BAD_BATCH)
    assert await fake.inside(audience) == ["p0", "p1"]


async def test_finished_session_takes_no_more(fake: FakeClient, audience: str) -> None:
    await replace(fake, audience, 2, is_last=True)
    assert (await replace(fake, audience, 3, batch_seq=2)).code == (400, 2650, FINISHED)
    assert (await replace(fake, audience, 3)).code == (400, 2650, FINISHED)
    await replace(fake, audience, 3, session_id=8, is_last=True)
    assert (await replace(fake, audience, 3)).code == (400, 2650, FINISHED)


async def test_session_ends_after_ninety_minutes(fake: FakeClient, audience: str) -> None:
    await replace(fake, audience, 2)
    await fake.admin("POST", "/admin/clock", {"advance_s": 5_390})
    assert (await replace(fake, audience, 3, batch_seq=2)).status == 200
    await fake.admin("POST", "/admin/clock", {"advance_s": 11})
    assert await state_of(fake, audience) == 415
    assert (await replace(fake, audience, 4, batch_seq=3)).code == (400, 2650, TIMED_OUT)
    assert await fake.inside(audience) == ["p2", "p3"]
    assert (await fake.add(audience, ["EMAIL"], rows(0))).status == 200
    assert (await replace(fake, audience, 4, session_id=8, is_last=True)).status == 200
    assert await state_of(fake, audience) == 200


async def test_another_schema_fails_the_session(fake: FakeClient, audience: str) -> None:
    await replace(fake, audience, 2)
    other = await replace(fake, audience, 3, batch_seq=2, schema=("EMAIL", "FN"))
    assert other.code == (400, 2650, FAILED)
    assert await state_of(fake, audience) == 415
    assert (await replace(fake, audience, 3, batch_seq=3)).code == (400, 2650, FAILED)


async def test_session_and_its_batch_number_are_compulsory(fake: FakeClient, audience: str) -> None:
    body = {"payload": {"schema": ["EMAIL"], "data": rows(2)}}
    none = await fake.graph("POST", f"{audience}/usersreplace", json=body)
    assert none.error["message"] == "(#100) Missing required parameter: session"
    assert (await replace(fake, audience, 2, batch_seq=None)).code == (400, 100, None)


async def test_empty_data_does_not_empty_the_list(fake: FakeClient, audience: str) -> None:
    assert (await replace(fake, audience)).code == (400, 100, None)
    assert await fake.inside(audience) == ["p0", "p1"]


async def test_value_based_and_plain_lists_cannot_be_swapped(fake: FakeClient) -> None:
    audience = await fake.create(is_value_based="true")
    assert (await replace(fake, audience, 2)).code == (400, 2650, FAILED)


async def test_only_a_normal_state_may_be_replaced(fake: FakeClient, audience: str) -> None:
    await fake.admin("PATCH", f"/admin/audiences/{audience}", {"operation_code": 500})
    assert (await replace(fake, audience, 2)).code == (400, 2650, FAILED)
    await fake.admin("PATCH", f"/admin/audiences/{audience}", {"operation_code": None})
    assert (await replace(fake, audience, 2)).status == 200


async def test_too_large_and_mode(fake: FakeClient, audience: str) -> None:
    await fake.switch(replace_people_max=2)
    assert (await replace(fake, audience, 2)).code == (400, 2650, 1870144)
    single = {"schema": "EMAIL", "data": rows(1)[0]}
    body = {"payload": single, "session": {"session_id": 1, "batch_seq": 1}}
    reply = await fake.graph("POST", f"{audience}/usersreplace", json=body)
    assert reply.code == (400, 2650, None)
