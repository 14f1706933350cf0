"""The admin port: what it tells, and how it refuses bad input."""

import asyncio
import json
import signal
import sys

import aiohttp
import pytest

from fakefb.server import NotLoopback, serving
from fakefb.testing import running_fake
from tests.unit.fakefb.client import ACCOUNT, TOKEN, FakeClient, sha

PERSON = {"person_id": "ann", "emails": ["ann@example.com"], "phones": ["+14155550100"]}
NESTED: list[object] = []
for _ in range(300):
    NESTED = [NESTED]


@pytest.mark.parametrize(
    ("method", "path", "body", "status", "reason"),
    [
        ("POST", "/admin/people", {"people": [{"emails": []}]}, 400, "people.0.person_id"),
        ("POST", "/admin/people", {"people": [PERSON, PERSON]}, 400, "repeated"),
        ("POST", "/admin/people", {"people": [{**PERSON, "shoe": 1}]}, 400, "shoe"),
        ("POST", "/admin/people", [], 400, "body"),
        ("POST", "/admin/people/generate", {"count": 0}, 400, "count"),
        ("GET", "/admin/people?limit=-1", None, 400, "limit"),
        ("POST", "/admin/match", {"members": "x"}, 400, "members"),
        ("POST", "/admin/match", {"members": [], "default_region": "usa"}, 400, "region"),
        ("GET", "/admin/audiences/7/people", None, 404, "no such audience"),
        ("PUT", "/admin/settings", {"matching": "none"}, 400, "matching"),
        ("PUT", "/admin/settings", {"shoe": 1}, 400, "shoe"),
        ("PUT", "/admin/settings", [], 400, "object"),
        ("PUT", "/admin/faults", {}, 400, "list"),
        ("PUT", "/admin/faults", [{"name": "x", "effect": {}}], 400, "exactly one kind"),
        (
            "PUT",
            "/admin/faults",
            [{"name": "x", "match": {"path": "("}, "effect": {"success_false": True}}],
            400,
            "regular expression",
        ),
        (
            "PUT",
            "/admin/faults",
            [{"name": "x", "effect": {"json": {"status": 200, "body": NESTED}}}],
            400,
            "nested too deeply",
        ),
        ("POST", "/admin/clock", {"advance_s": -1}, 400, "advance_s"),
        ("POST", "/admin/ad_accounts", {"ad_account_id": "7"}, 400, "ad_account_id"),
        ("POST", "/admin/ad_accounts", {"ad_account_id": ACCOUNT}, 409, "exists"),
        ("PATCH", "/admin/ad_accounts/act_7", {}, 404, "no such ad account"),
        ("POST", "/admin/tokens", {"access_token": TOKEN}, 409, "exists"),
        (
            "POST",
            "/admin/tokens",
            {"access_token": "x", "ad_account_ids": ["act_7"]},
            400,
            "does not exist",
        ),
        ("DELETE", "/admin/tokens/x", None, 404, "no such token"),
        ("GET", "/admin/requests?limit=x", None, 400, "limit"),
        ("GET", "/admin/shoes", None, 404, "README"),
        ("PUT", "/admin/reset", None, 405, "POST"),
    ],
)
async def test_bad_input_gets_a_reason(
    fake: FakeClient, method: str, path: str, body: object, status: int, reason: str
) -> None:
    reply = await fake.admin(method, path, body)
    assert reply.status == status
    assert reason in str(reply.json["error"])


async def test_body_that_is_no_json_gets_a_reason(fake: FakeClient) -> None:
    async with fake.session.post(f"{fake.admin_url}/admin/people", data=b"{\xff") as response:
        assert response.status == 400
        assert "JSON" in (await response.json())["error"]


async def test_refused_people_change_nothing_and_reasons_hold_no_identifier(
    fake: FakeClient,
) -> None:
    body = {"people": [PERSON, {"person_id": "ben", "emails": "secret@example.com"}]}
    reply = await fake.admin("POST", "/admin/people", body)
    assert reply.status == 400
    assert "secret" not in reply.text
    assert (await fake.admin("GET", "/admin/people")).json == {"people": [], "count": 0}


async def test_people_come_back_plain_and_in_order(fake: FakeClient) -> None:
    await fake.people(PERSON, {"person_id": "ben"})
    reply = await fake.admin("GET", "/admin/people?limit=1&offset=0")
    assert reply.json == {"people": [{**PERSON, "mobile_ad_ids": []}], "count": 2}


async def test_generated_people_repeat_with_the_seed(fake: FakeClient) -> None:
    texts = []
    for _ in range(2):
        await fake.admin("POST", "/admin/reset")
        reply = await fake.admin("POST", "/admin/people/generate", {"count": 300, "seed": 3})
        assert reply.json == {"added": 300, "population": 300}
        texts.append((await fake.admin("GET", "/admin/people?limit=300")).text)
    assert texts[0] == texts[1]
    people = json.loads(texts[0])["people"]
    emails = [email for person in people for email in person["emails"]]
    assert len({person["country"] for person in people}) >= 12
    assert len(set(emails)) < len(emails)
    for kind in ("emails", "phones", "mobile_ad_ids"):
        assert {len(person[kind]) for person in people} >= {1, 2, 3}


async def test_generated_people_all_have_readable_identifiers(fake: FakeClient) -> None:
    await fake.admin("POST", "/admin/people/generate", {"count": 300, "seed": 3})
    people = (await fake.admin("GET", "/admin/people?limit=300")).json["people"]
    assert isinstance(people, list)
    phones = {phone for person in people for phone in person["phones"]}
    assert len(fake.state.population.by_strong["PHONE"]) == len(phones)


async def test_new_account_and_token_work(fake: FakeClient) -> None:
    account = {"ad_account_id": "act_1", "name": "Mine", "tos_accepted": False}
    await fake.admin("POST", "/admin/ad_accounts", account)
    token = {"access_token": "mine", "ad_account_ids": ["act_1"], "scopes": ["ads_read"]}
    await fake.admin("POST", "/admin/tokens", token)
    reply = await fake.graph("GET", "act_1", token="mine", query={"fields": "name,tos_accepted"})
    assert reply.json == {"name": "Mine", "tos_accepted": {}, "id": "act_1"}
    changed = await fake.admin("PATCH", "/admin/ad_accounts/act_1", {"tos_accepted": True})
    assert changed.json["tos_accepted"] is True
    assert changed.json["name"] == "Mine"


async def test_journal_tells_calls_without_tokens(fake: FakeClient) -> None:
    audience = await fake.create()
    await fake.add(audience, ["EMAIL"], [[sha("a@x.org")], ["bad"]], session={"session_id": 5})
    await fake.graph("GET", audience, token="secret-token")
    added, read = (await fake.journal())[-2:]
    assert added["path"] == f"/v26.0/{audience}/users"
    assert (added["method"], added["operation"], added["rows"]) == ("POST", "add", 2)
    assert (added["custom_audience_id"], added["ad_account_id"]) == (audience, ACCOUNT)
    assert (added["session_id"], added["invalid_rows"], added["applied"]) == ("5", 1, True)
    assert (read["status"], read["error_code"]) == (400, 190)
    assert int(str(added["started"])) < int(str(added["ended"])) < int(str(read["started"]))
    assert "secret-token" not in str(await fake.journal())
    assert TOKEN not in str(await fake.journal())


async def test_journal_is_filtered_summed_and_cleared(fake: FakeClient) -> None:
    audience = await fake.create()
    for _ in range(3):
        await fake.add(audience, ["EMAIL"], [[sha("a@x.org")]])
    await fake.remove(audience, ["EMAIL"], [[sha("a@x.org")]])
    assert len(await fake.journal("?path=/users&method=post&limit=2")) == 2
    assert len(await fake.journal("?path=/users&method=DELETE")) == 1
    assert len(await fake.journal("?operation=create")) == 1
    stats = (await fake.admin("GET", "/admin/requests/stats")).json
    assert (stats["rows_added"], stats["rows_removed"]) == (3, 1)
    assert stats["calls"] == {
        "DELETE {audience}/users": 1,
        "POST {ad_account}/customaudiences": 1,
        "POST {audience}/users": 3,
    }
    await fake.admin("DELETE", "/admin/requests")
    assert await fake.journal() == []
    assert (await fake.admin("GET", "/admin/requests/stats")).json["calls_total"] == 0


async def test_reset_makes_a_fresh_fake_and_never_gives_an_id_twice(fake: FakeClient) -> None:
    first = await fake.create()
    await fake.people(PERSON)
    await fake.switch(matching="first_strong")
    await fake.arm({"empty": {"status": 500}}, operation="nothing")
    await fake.admin("POST", "/admin/clock", {"advance_s": 60})
    await fake.admin("POST", "/admin/reset")
    state = (await fake.admin("GET", "/admin/state")).json
    assert (state["people"], state["audiences"], state["faults"]) == (0, [], [])
    settings, clock = state["settings"], state["clock"]
    assert isinstance(settings, dict)
    assert isinstance(clock, dict)
    assert (settings["matching"], clock["advanced_s"]) == ("any_strong", 0)
    assert await fake.create() != first


async def test_clock_moves_what_is_stamped(fake: FakeClient) -> None:
    before = (await fake.admin("GET", "/admin/clock")).json["now"]
    after = (await fake.admin("POST", "/admin/clock", {"advance_s": 86_400})).json["now"]
    assert float(str(after)) - float(str(before)) >= 86_400
    audience = await fake.create()
    read = await fake.graph("GET", audience, query={"fields": "time_created"})
    assert int(str(read.json["time_created"])) >= int(float(str(before))) + 86_400


async def test_audiences_are_told_with_exact_sizes(fake: FakeClient) -> None:
    await fake.people(PERSON)
    audience = await fake.create("Mine")
    await fake.add(audience, ["EMAIL"], [[sha("ann@example.com")], [sha("x@x.org")]])
    told = (await fake.admin("GET", "/admin/audiences")).json["audiences"]
    assert isinstance(told, list)
    assert (told[0]["custom_audience_id"], told[0]["people"]) == (audience, 1)
    assert (told[0]["rows_added"], told[0]["upload_kind"]) == (2, "MULTI_HASHES")


async def test_page_shows_audiences_and_no_identifier(fake: FakeClient) -> None:
    await fake.people(PERSON)
    audience = await fake.create("<b>Buyers</b>")
    await fake.add(audience, ["EMAIL"], [[sha("ann@example.com")]])
    async with fake.session.get(fake.admin_url) as response:
        page = await response.text()
        assert response.content_type == "text/html"
    assert "&lt;b&gt;Buyers&lt;/b&gt;" in page
    assert audience in page
    assert "ann@example.com" not in page
    assert sha("ann@example.com") not in page


async def test_two_fakes_share_nothing() -> None:
    async with (
        running_fake() as one,
        running_fake() as other,
        aiohttp.ClientSession() as session,
    ):
        first, second = FakeClient(one, session), FakeClient(other, session)
        audience = await first.create()
        assert (await first.graph("GET", audience)).status == 200
        assert (await second.graph("GET", audience)).code == (400, 100, 33)


async def test_other_hosts_are_refused_unless_allowed() -> None:
    with pytest.raises(NotLoopback):
        async with serving(host="0.0.0.0"):  # noqa: S104 - that is the point
            pass
    async with serving(host="0.0.0.0", allow_remote=True) as running:  # noqa: S104
        assert running.graph_url.startswith("http://0.0.0.0:")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_command_says_where_it_is_and_ends_cleanly(number: signal.Signals) -> None:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "fakefb", "--graph-port", "0", "--admin-port", "0"),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    assert process.stdout is not None
    addresses = json.loads(await asyncio.wait_for(process.stdout.readline(), 20))
    async with aiohttp.ClientSession() as session:
        async with session.get(f"{addresses['admin_url']}/admin/state") as response:
            assert response.status == 200
        async with session.get(f"{addresses['graph_url']}/v26.0/me/adaccounts") as response:
            assert response.status == 400
    process.send_signal(number)
    rest, errors = await asyncio.wait_for(process.communicate(), 20)
    assert (process.returncode, rest, errors) == (0, b"", b"")


async def test_command_refuses_other_hosts_in_one_line() -> None:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "fakefb", "--host", "0.0.0.0"),  # noqa: S104
        stderr=asyncio.subprocess.PIPE,
    )
    _, errors = await asyncio.wait_for(process.communicate(), 20)
    assert process.returncode == 1
    assert b"--allow-remote" in errors
    assert errors.count(b"\n") == 1
