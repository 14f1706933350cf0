"""Owns the paths of the page for people: views, the parts that refresh, switches, its files."""

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Final

from aiohttp import web

from fakefb.audiences import Audience
from fakefb.page_audience import render_audience
from fakefb.page_audiences import render_audiences
from fakefb.page_budgets import render_budgets
from fakefb.page_faults import render_faults, switch_fault
from fakefb.page_frame import HEADERS, document, live, section
from fakefb.page_html import Html, tag
from fakefb.page_journal import SEARCHED, Wanted, render_journal, render_journal_view
from fakefb.profiles import Profile
from fakefb.state import FakeState

STATIC: Final = Path(__file__).parent / "static"


class PageRoutes:
    """Shows one fake to people and lets them switch faults."""

    def __init__(self, state: FakeState) -> None:
        self._state = state

    def routes(self) -> list[web.AbstractRouteDef]:
        """Return the routes."""
        return [
            web.get("/", self.audiences),
            web.get("/audiences/{id}", self.audience),
            web.get("/budgets", self.budgets),
            web.get("/faults", self.faults),
            web.post("/faults/switch", self.switch_fault),
            web.post("/faults/profile", self.take_profile),
            web.get("/journal", self.journal),
            web.get("/parts/audiences", self._part(lambda: render_audiences(self._state))),
            web.get("/parts/audiences/{id}", self.audience_part),
            web.get("/parts/budgets", self._part(lambda: render_budgets(self._state))),
            web.get("/parts/faults", self._part(lambda: render_faults(self._state.faults))),
            web.get("/parts/journal", self.journal_part),
            web.static("/static", STATIC),
        ]

    async def audiences(self, _: web.Request) -> web.Response:
        """Return the view of all audiences, with budgets and the last calls below."""
        state = self._state
        budgets, calls = render_budgets(state), render_journal(state.journal, {})
        body = (
            live("/parts/audiences", render_audiences(state)),
            section("Budgets", live("/parts/budgets", budgets)),
            section("Last calls", live("/parts/journal", calls, id="calls")),
        )
        return _html(document("Audiences", "/", *body))

    async def audience(self, request: web.Request) -> web.Response:
        """Return the view of one audience."""
        audience = self._audience(request)
        if audience is None:
            gone = tag("p", "There is no such audience; it may have been deleted.")
            return _html(document("No such audience", "/", gone), 404)
        path = f"/parts/audiences/{audience.custom_audience_id}"
        content = live(path, render_audience(self._state, audience))
        return _html(document(audience.name or "(no name)", "/", content))

    async def audience_part(self, request: web.Request) -> web.Response:
        """Return what changes in the view of one audience."""
        audience = self._audience(request)
        if audience is None:
            return _html(tag("p", "This audience has been deleted."))
        return _html(render_audience(self._state, audience))

    async def budgets(self, _: web.Request) -> web.Response:
        """Return the view of budgets."""
        content = live("/parts/budgets", render_budgets(self._state))
        return _html(document("Budgets", "/budgets", content))

    async def faults(self, _: web.Request) -> web.Response:
        """Return the view of faults."""
        content = live("/parts/faults", render_faults(self._state.faults), id="faults")
        return _html(document("Faults", "/faults", content))

    async def switch_fault(self, request: web.Request) -> web.Response:
        """Switch one fault on or off."""
        _refuse_other_sites(request)
        form = await request.post()
        name, on = str(form.get("name", "")), bool(form.get("on"))
        if not switch_fault(self._state.faults, name, on=on):
            raise web.HTTPBadRequest(text="there is no fault of this name\n")
        return self._switched(request)

    async def take_profile(self, request: web.Request) -> web.Response:
        """Turn grumpy or calm."""
        _refuse_other_sites(request)
        wanted = str((await request.post()).get("profile", ""))
        if wanted not in list(Profile):
            raise web.HTTPBadRequest(text="there is no profile of this name\n")
        self._state.faults.take_profile(Profile(wanted))
        return self._switched(request)

    async def journal(self, request: web.Request) -> web.Response:
        """Return the view of the journal."""
        is_live = request.query.get("live") != "off"
        view = render_journal_view(self._state.journal, _wanted(request), is_live=is_live)
        return _html(document("Journal", "/journal", view))

    async def journal_part(self, request: web.Request) -> web.Response:
        """Return the last calls."""
        return _html(render_journal(self._state.journal, _wanted(request)))

    def _part(self, render: Callable[[], Html]) -> Callable[[web.Request], Awaitable[web.Response]]:
        async def handle(_: web.Request) -> web.Response:
            return _html(render())

        return handle

    def _audience(self, request: web.Request) -> Audience | None:
        return self._state.audiences.by_id.get(request.match_info["id"])

    def _switched(self, request: web.Request) -> web.Response:
        if request.headers.get("HX-Request"):
            return _html(render_faults(self._state.faults))
        return web.Response(status=303, headers={"Location": "/faults", **HEADERS})


def _wanted(request: web.Request) -> Wanted:
    return {name: request.query.get(name, "") for name in SEARCHED}


def _refuse_other_sites(request: web.Request) -> None:
    """Let no page from elsewhere press our buttons: browsers say where a request comes from."""
    if request.headers.get("Sec-Fetch-Site", "none") not in ("same-origin", "none"):
        raise web.HTTPForbidden(text="only this page may do that\n")


def _html(text: str, status: int = 200) -> web.Response:
    return web.Response(text=text, status=status, content_type="text/html", headers=HEADERS)
