"""The fake's page in a real browser: what people see, press and hear, on desks and phones."""

import re
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal
from urllib.parse import urlsplit

import aiohttp
import pytest
import pytest_asyncio
from playwright.async_api import (
    Browser,
    BrowserContext,
    Locator,
    Page,
    ViewportSize,
    async_playwright,
    expect,
)

from fakefb.testing import running_fake
from tests.unit.fakefb.client import FakeClient, sha

CHROMIUM = Path("/usr/bin/chromium")
FLAGS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
PHONE: ViewportSize = {"width": 360, "height": 740}
NAME = "Buyers <script>alert(1)</script>"

pytestmark = [
    pytest.mark.skipif(not CHROMIUM.exists(), reason=f"needs {CHROMIUM}: apt-get install chromium"),
    pytest.mark.asyncio(loop_scope="module"),
]


@dataclass
class Visit:
    """A page of a browser on one fake, and everything it should not have done."""

    page: Page
    fake: FakeClient
    audience: str
    complaints: list[str] = field(default_factory=list)

    async def open(self, path: str) -> None:
        response = await self.page.goto(self.fake.admin_url + path)
        assert response is not None
        assert response.ok


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def browser() -> AsyncIterator[Browser]:
    """One for all visits, each of which has a context of its own: it remembers nothing of others."""
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(
            executable_path=CHROMIUM, headless=True, args=FLAGS
        )
        yield browser
        await browser.close()


@pytest_asyncio.fixture(loop_scope="module")
async def visit(browser: Browser) -> AsyncIterator[Visit]:
    """A visit that must end without an error on the console or a request to another host."""
    async with running_fake(seed=7) as running, aiohttp.ClientSession() as session:
        fake = FakeClient(running, session)
        audience = await filled(fake)
        context = await browser.new_context()
        made = Visit(await watched(context, running.admin_url), fake, audience)
        made.complaints = complaints_of(made.page, running.admin_url)
        yield made
        await context.close()
        assert made.complaints == []


async def watched(context: BrowserContext, url: str) -> Page:
    context.set_default_timeout(10_000)
    return await context.new_page()


def complaints_of(page: Page, url: str) -> list[str]:
    complaints: list[str] = []
    host = urlsplit(url).netloc
    page.on("console", lambda m: complaints.append(m.text) if m.type != "log" else None)
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on(
        "request",
        lambda r: complaints.append(r.url) if urlsplit(r.url).netloc != host else None,
    )
    return complaints


async def filled(fake: FakeClient) -> str:
    people = [{"person_id": f"p{n}", "emails": [f"p{n}@example.com"]} for n in range(300)]
    await fake.people(*people)
    audience = await fake.create(NAME)
    for first in (0, 100, 200):
        mails = [sha(f"p{n}@example.com") for n in range(first, first + 100)]
        await fake.add(audience, ["EMAIL"], [[mail] for mail in [*mails, sha("x"), "no hash"]])
        await fake.admin("POST", "/admin/clock", {"advance_s": 60})
    await fake.remove(audience, ["EMAIL"], [[sha("p1@example.com")]])
    return audience


async def test_journal_and_audiences_refresh_themselves(visit: Visit) -> None:
    page = visit.page
    await visit.open("/")
    await expect(page.get_by_role("link", name=NAME)).to_be_visible()
    calls = page.locator("#calls")
    await expect(calls.locator("[aria-live=polite]")).to_contain_text("DELETE")
    audience = await visit.fake.create("Made meanwhile")
    await visit.fake.add(audience, ["EMAIL"], [[sha("p2@example.com")]])
    await expect(calls).to_contain_text(f"{audience}/users")
    await expect(page.get_by_role("link", name="Made meanwhile")).to_be_visible()


async def test_audience_draws_its_history_and_keeps_it_true(visit: Visit) -> None:
    page = visit.page
    await visit.open("/")
    await page.get_by_role("link", name=NAME).click()
    await expect(page.get_by_role("heading", level=1)).to_have_text(NAME)
    chart = page.get_by_role("img", name="People inside")
    await expect(chart.locator("canvas")).to_have_count(2)
    for canvas in await chart.locator("canvas").all():
        assert await is_painted(canvas)
    before = await chart.get_attribute("data-columns")
    await visit.fake.add(visit.audience, ["EMAIL"], [[sha("p1@example.com")]])
    await expect(page.get_by_text("People added, removed").locator("..")).to_contain_text("301, 1")
    assert await chart.get_attribute("data-columns") != before
    await expect(chart.locator("canvas")).to_have_count(2)


async def is_painted(canvas: Locator) -> bool:
    """Whether a canvas has any dot that is not clear."""
    return bool(
        await canvas.evaluate(
            "c => c.getContext('2d').getImageData(0, 0, c.width, c.height).data.some(v => v)"
        )
    )


async def test_fault_is_switched_on_by_a_click_and_fires(visit: Visit) -> None:
    page = visit.page
    await visit.open("/faults")
    switch = page.get_by_role("switch", name="abuse-guard")
    await expect(switch).to_have_attribute("aria-checked", "false")
    await switch.click()
    await expect(switch).to_have_attribute("aria-checked", "true")
    reply = await visit.fake.add(visit.audience, ["EMAIL"], [[sha("x")]])
    assert reply.code == (400, 613, None)
    fired = page.get_by_role("row").filter(has=page.get_by_role("switch", name="abuse-guard"))
    await expect(fired.get_by_role("cell").nth(2)).to_have_text("1")
    await switch.click()
    await expect(switch).to_have_attribute("aria-checked", "false")
    assert (await visit.fake.add(visit.audience, ["EMAIL"], [[sha("x")]])).status == 200


async def test_keys_alone_lead_everywhere_and_focus_survives_refreshing(visit: Visit) -> None:
    page = visit.page
    await visit.open("/")
    await page.keyboard.press("Tab")
    assert await focused(page) == "Skip to the content"
    for _ in range(3):
        await page.keyboard.press("Tab")
    assert await focused(page) == "Faults"
    outline = await page.evaluate("getComputedStyle(document.activeElement).outlineStyle")
    assert outline == "solid"
    await page.keyboard.press("Enter")
    await page.wait_for_url("**/faults")
    switch = page.get_by_role("switch", name="reset-after")
    while await page.evaluate("document.activeElement.ariaLabel") != "reset-after":
        await page.keyboard.press("Tab")
    await page.keyboard.press("Space")
    await expect(switch).to_have_attribute("aria-checked", "true")
    async with page.expect_response("**/parts/faults"):
        pass
    async with page.expect_response("**/parts/faults"):
        pass
    await expect(switch).to_be_focused()


async def focused(page: Page) -> str:
    return str(await page.evaluate("document.activeElement.textContent"))


async def test_refreshing_can_be_stopped(visit: Visit) -> None:
    page = visit.page
    await visit.open("/journal")
    await page.get_by_label("Operation").fill("add")
    await page.get_by_role("button", name="Show").click()
    await expect(page.get_by_role("row")).to_have_count(4)
    await page.get_by_role("link", name="Stop refreshing").click()
    await expect(page.get_by_role("link", name="Refresh again")).to_be_visible()
    assert await page.locator("[hx-get]").count() == 0
    await expect(page.get_by_role("row")).to_have_count(4)


@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_phone_needs_no_scrolling_sideways(
    visit: Visit, scheme: Literal["light", "dark"]
) -> None:
    page = visit.page
    await page.emulate_media(color_scheme=scheme)
    await page.set_viewport_size(PHONE)
    for path in ("/", f"/audiences/{visit.audience}", "/budgets", "/faults", "/journal"):
        await visit.open(path)
        width = await page.evaluate("document.documentElement.scrollWidth")
        assert width <= PHONE["width"], path
        ground = await page.evaluate("getComputedStyle(document.body).backgroundColor")
        assert brightness(ground) > 200 if scheme == "light" else brightness(ground) < 60


def brightness(colour: str) -> float:
    """Mean of red, green and blue, 0 to 255."""
    red, green, blue = (int(part) for part in re.findall(r"\d+", colour)[:3])
    return (red + green + blue) / 3
