"""The page for people, as HTML: what it shows, what it never shows, and what its buttons do."""

import hashlib
import html
import re
from collections.abc import Mapping
from html.parser import HTMLParser
from pathlib import Path

import pytest

from fakefb.fault_presets import presets
from fakefb.page_html import bar, tag
from fakefb.page_journal import PATH_SHOWN
from tests.unit.fakefb.client import ACCOUNT, FakeClient, sha

PERSON = {"person_id": "ann", "emails": ["ann@example.com"], "phones": ["+14155550100"]}
STATIC = Path(__file__).parents[3] / "fakefb" / "static"

VENDORED = {
    "htmx-4.0.1.min.js": "a0abb04f2f45a1f89d1d4844023245537e5e6014c87b144553e0607b4cc32130",
    "htmx-LICENSE.txt": "d3d2456f76414f2456104660ebd65aff1c04cd7966b942bdabd63f3cdb316a38",
    "uplot-1.6.32.min.css": "df630c6a8d6f8eeaff264b50f73ce5b114f646ffd9a0bb74f049b0a00135fa04",
    "uplot-1.6.32.min.js": "19c8d4c6ad88929a79f4ae49d6f7161566dfd0ba3d15cc495e974f787eb78f1f",
    "uplot-LICENSE.txt": "8f989229699b4fe2f1a0432d0e9edc338a8a911e250e2d1b01ecd770a5f5b1bd",
}
OWN = {"icon.svg", "page.css", "page.js"}
VIEWS = ("/", "/budgets", "/faults", "/journal")


class Outline(HTMLParser):
    """Collects what a test asks about: elements with their attributes, and all text."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, Mapping[str, str | None]]] = []
        self.words: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.words.append(data)

    def all(self, name: str) -> list[Mapping[str, str | None]]:
        return [attributes for tag_name, attributes in self.elements if tag_name == name]

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.words).split())


async def view(fake: FakeClient, path: str) -> Outline:
    reply = await fake.admin("GET", path)
    assert reply.status == 200, reply.text
    return Outline(reply.text)


async def press(
    fake: FakeClient, path: str, form: Mapping[str, str], **headers: str
) -> tuple[int, str]:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    async with fake.session.post(
        fake.admin_url + path, data=form, headers=named, allow_redirects=False
    ) as response:
        return response.status, await response.text()


async def filled(fake: FakeClient) -> str:
    """An audience with one upload: Ann, a stranger and a row that is no hash."""
    await fake.people(PERSON)
    audience = await fake.create("Buyers")
    rows = [[sha("ann@example.com")], [sha("x@x.org")], ["ann@example.com"]]
    reply = await fake.add(audience, ["EMAIL"], rows, session={"session_id": 77})
    assert reply.json["num_invalid_entries"] == 1
    return audience


def test_vendored_files_are_what_their_makers_published() -> None:
    found = {path.name: path for path in STATIC.iterdir()}
    assert found.keys() == VENDORED.keys() | OWN
    sums = {name: hashlib.sha256(found[name].read_bytes()).hexdigest() for name in VENDORED}
    assert sums == VENDORED


def test_text_is_escaped_in_children_and_attributes() -> None:
    written = tag("p", "<b>&", title='"><script>', data_x=None, hidden=True)
    assert written == '<p title="&quot;&gt;&lt;script&gt;" hidden>&lt;b&gt;&amp;</p>'


def test_bar_never_runs_over_its_end() -> None:
    written = bar(15, 10, "Budget", full_is_bad=True)
    assert 'max="10"' in written
    assert 'value="10"' in written
    assert ">150.0%<" in written


@pytest.mark.parametrize("path", VIEWS)
async def test_views_load_nothing_from_elsewhere(fake: FakeClient, path: str) -> None:
    reply = await fake.admin("GET", path)
    policy = reply.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    outline = Outline(reply.text)
    links = [a.get("src") or a.get("href") for a in (*outline.all("script"), *outline.all("link"))]
    assert links
    for link in links:
        assert link is not None
        assert link.startswith("/static/")
        async with fake.session.get(fake.admin_url + link) as response:
            assert response.status == 200, link
    assert not outline.all("style")
    assert not [a for _, a in outline.elements if "style" in a or any(k[:2] == "on" for k in a)]


@pytest.mark.parametrize("path", VIEWS)
async def test_views_tell_where_one_is_and_name_their_table_heads(
    fake: FakeClient, path: str
) -> None:
    await filled(fake)
    outline = await view(fake, path)
    assert [a.get("href") for a in outline.all("a") if a.get("aria-current")] == [path]
    assert len(outline.all("h1")) == 1
    assert outline.all("th")
    assert all(a.get("scope") in ("col", "row") for a in outline.all("th"))
    assert len(outline.all("caption")) == len(outline.all("table"))


async def test_names_are_text_wherever_they_stand(fake: FakeClient) -> None:
    name = "<script>alert(1)</script>\"'&"
    audience = await fake.create(name, description=name)
    for path in ("/", f"/audiences/{audience}"):
        reply = await fake.admin("GET", path)
        assert "<script>alert" not in reply.text
        assert html.escape(name) in reply.text


async def test_path_of_a_call_is_text(fake: FakeClient) -> None:
    await fake.graph("GET", "<img src=x>")
    reply = await fake.admin("GET", "/journal")
    assert "<img" not in reply.text
    assert "&lt;img src=x&gt;" in reply.text


async def test_long_path_is_cut(fake: FakeClient) -> None:
    await fake.graph("GET", "a" * 5_000)
    reply = await fake.admin("GET", "/journal")
    assert "a" * 100 in reply.text
    assert "a" * PATH_SHOWN not in reply.text


async def test_audiences_have_the_columns_of_ads_manager(fake: FakeClient) -> None:
    audience = await filled(fake)
    outline = await view(fake, "/")
    for column in ("Name", "Type", "Size shown", "Availability", "Date created", "Audience ID"):
        assert column in outline.text
    for value in ("Buyers", "Customer list", "Below 1,000", "Too small", audience, ACCOUNT):
        assert value in outline.text
    assert f"/audiences/{audience}" in [a.get("href") for a in outline.all("a")]


async def test_an_audience_shows_history_sessions_reasons_and_match_rate(fake: FakeClient) -> None:
    audience = await filled(fake)
    await fake.remove(audience, ["EMAIL"], [[sha("ann@example.com")]])
    text = (await view(fake, f"/audiences/{audience}")).text
    assert "People added, removed 1, 1" in text
    assert "Rows added, removed 3, 1" in text
    # Key, values that are good, known to somebody, rate: two added and one removed, two of them Ann's.
    assert "EMAIL 3 2 66.7%" in text
    assert "not a SHA-256 hash in lower-case hexadecimal 1" in text
    assert "77 uploading" in text


async def test_chart_has_the_figures_of_the_history(fake: FakeClient) -> None:
    audience = await filled(fake)
    outline = await view(fake, f"/audiences/{audience}")
    charts = [a for a in outline.all("div") if a.get("data-columns")]
    assert len(charts) == 1
    assert '"added":[0,1]' in str(charts[0]["data-columns"])
    assert '"people":[0,1]' in str(charts[0]["data-columns"])


async def test_unknown_audience_is_told_in_html(fake: FakeClient) -> None:
    reply = await fake.admin("GET", "/audiences/7")
    assert reply.status == 404
    assert "no such audience" in reply.text
    assert (await fake.admin("GET", "/parts/audiences/7")).status == 200


async def test_no_view_shows_an_identifier_or_a_token(fake: FakeClient) -> None:
    audience = await filled(fake)
    for path in (*VIEWS, f"/audiences/{audience}"):
        text = (await fake.admin("GET", path)).text
        for secret in ("ann@example.com", sha("ann@example.com"), "4155550100", "fake-token"):
            assert secret not in text


async def test_budget_shows_what_is_used_and_what_is_allowed(fake: FakeClient) -> None:
    allowed = {"calls_per_hour": 4, "cpu_s_per_hour": 7}
    await fake.admin("PATCH", f"/admin/ad_accounts/{ACCOUNT}", allowed)
    audience = await fake.create()
    await fake.add(audience, ["EMAIL"], [[sha("x")]])
    outline = await view(fake, "/budgets")
    assert f"{ACCOUNT} Ready account 50.0% 2 of 4" in outline.text
    assert "of 7 s" in outline.text
    calls = next(a for a in outline.all("meter") if a["aria-label"] == f"calls of {ACCOUNT}")
    assert (calls["value"], calls["max"]) == ("2", "4")


async def test_journal_can_be_searched_and_stands_still_when_told(fake: FakeClient) -> None:
    audience = await filled(fake)
    every = await fake.admin("GET", "/journal")
    assert 'hx-get="/parts/journal?' in every.text
    assert "customaudiences" in every.text
    some = await fake.admin("GET", f"/journal?operation=add&live=off&path={audience}")
    assert "hx-get" not in some.text
    assert f"{audience}/users" in some.text
    assert "customaudiences" not in some.text


async def test_newest_call_is_said_politely(fake: FakeClient) -> None:
    await fake.graph("GET", "me/adaccounts")
    outline = await view(fake, "/parts/journal")
    assert [a.get("aria-live") for a in outline.all("p") if a.get("role") == "status"] == ["polite"]
    assert "The newest: GET /v26.0/me/adaccounts, status 200." in outline.text


async def test_preset_is_switched_on_fires_and_is_switched_off(fake: FakeClient) -> None:
    audience = await fake.create()
    status, _ = await press(fake, "/faults/switch", {"name": "abuse-guard", "on": "1"})
    assert status == 303
    reply = await fake.add(audience, ["EMAIL"], [[sha("x")]])
    assert reply.code == (400, 613, None)
    status, part = await press(
        fake, "/faults/switch", {"name": "abuse-guard", "on": ""}, HX_Request="true"
    )
    assert status == 200
    assert re.search(r'aria-checked="false" aria-label="abuse-guard"', part)
    assert (await fake.add(audience, ["EMAIL"], [[sha("x")]])).status == 200


async def test_switching_on_twice_arms_once(fake: FakeClient) -> None:
    for _ in range(2):
        await press(fake, "/faults/switch", {"name": "slow", "on": "1"})
    assert len(fake.state.faults.armed) == 1


async def test_switched_on_again_a_fault_begins_anew(fake: FakeClient) -> None:
    await fake.arm({"html": {"status": 502}}, times=1)
    for on, status in (("1", 502), ("1", 200), ("", 200), ("1", 502)):
        await press(fake, "/faults/switch", {"name": "the fault", "on": on})
        assert (await fake.graph("GET", "me/adaccounts")).status == status


async def test_any_armed_fault_can_rest_and_wake(fake: FakeClient) -> None:
    await fake.arm({"html": {"status": 502}})
    for on, status in (("", 200), ("1", 502)):
        await press(fake, "/faults/switch", {"name": "the fault", "on": on})
        assert (await fake.graph("GET", "me/adaccounts")).status == status


async def test_profile_is_switched(fake: FakeClient) -> None:
    await press(fake, "/faults/profile", {"profile": "grumpy"})
    assert fake.state.faults.of_profile
    assert "grumpy:html-502" in (await view(fake, "/faults")).text
    await press(fake, "/faults/profile", {"profile": "calm"})
    assert not fake.state.faults.of_profile


@pytest.mark.parametrize(
    ("path", "form"),
    [
        ("/faults/switch", {"name": "shoe", "on": "1"}),
        ("/faults/switch", {}),
        ("/faults/profile", {"profile": "shoe"}),
    ],
)
async def test_unknown_switches_are_refused(
    fake: FakeClient, path: str, form: Mapping[str, str]
) -> None:
    status, text = await press(fake, path, form)
    assert (status, "there is no" in text) == (400, True)


async def test_other_sites_cannot_press_the_buttons(fake: FakeClient) -> None:
    form = {"name": "slow", "on": "1"}
    status, _ = await press(fake, "/faults/switch", form, Sec_Fetch_Site="cross-site")
    assert status == 403
    assert fake.state.faults.armed == []


@pytest.mark.parametrize("name", presets())
def test_presets_are_rules_of_their_name(name: str) -> None:
    assert presets()[name].rule.name == name
    assert presets()[name].explanation
