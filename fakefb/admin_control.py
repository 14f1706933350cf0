"""Owns the admin routes that steer the fake: reset, settings, faults, clock, journal, audiences."""

from itertools import islice

from aiohttp import web
from pydantic import ValidationError

from fakefb.admin_accounts import account_record
from fakefb.admin_http import (
    AdminRefusal,
    answer,
    query_number,
    read_json,
    read_model,
    reasons,
)
from fakefb.admin_models import ADVANCE_S_MAX, RULES, Advance
from fakefb.audiences import Audience
from fakefb.journal import ENTRIES_MAX
from fakefb.page import render_page
from fakefb.settings import Settings
from fakefb.state import FakeState


class ControlRoutes:
    """Steers one fake and tells what it did."""

    def __init__(self, state: FakeState) -> None:
        self._state = state

    def routes(self) -> list[web.RouteDef]:
        """Return the routes."""
        return [
            web.get("/", self.page),
            web.post("/admin/reset", self.reset),
            web.get("/admin/state", self.state),
            web.get("/admin/audiences", self.audiences),
            web.get("/admin/settings", self.settings),
            web.put("/admin/settings", self.change_settings),
            web.get("/admin/faults", self.faults),
            web.put("/admin/faults", self.arm_faults),
            web.delete("/admin/faults", self.disarm_faults),
            web.get("/admin/clock", self.clock),
            web.post("/admin/clock", self.advance_clock),
            web.get("/admin/requests", self.requests),
            web.delete("/admin/requests", self.clear_requests),
            web.get("/admin/requests/stats", self.stats),
        ]

    async def page(self, _: web.Request) -> web.Response:
        """Return the page for people."""
        return web.Response(text=render_page(self._state), content_type="text/html")

    async def reset(self, _: web.Request) -> web.Response:
        """Return to a fresh fake."""
        self._state.reset()
        return answer({})

    async def state(self, _: web.Request) -> web.Response:
        """Return a summary."""
        state = self._state
        return answer(
            {
                "ad_accounts": [account_record(a) for a in state.ad_accounts.values()],
                "tokens": len(state.tokens.by_text),
                "people": len(state.population),
                "audiences": [audience_record(a) for a in state.audiences.by_id.values()],
                "settings": state.settings.model_dump(mode="json"),
                "faults": [armed.record() for armed in state.faults.armed],
                "clock": self._clock(),
                "seed": state.seed,
            }
        )

    async def audiences(self, _: web.Request) -> web.Response:
        """Return all audiences, oldest first, with exact sizes."""
        known = self._state.audiences.by_id.values()
        return answer({"audiences": [audience_record(audience) for audience in known]})

    async def settings(self, _: web.Request) -> web.Response:
        """Return the switches."""
        return answer(self._state.settings.model_dump(mode="json"))

    async def change_settings(self, request: web.Request) -> web.Response:
        """Turn the switches that are given; the others stay."""
        value = await read_json(request)
        if not isinstance(value, dict):
            raise AdminRefusal(400, "body: must be an object")
        try:
            present = self._state.settings.model_dump()
            settings = Settings.model_validate(present | value)
        except ValidationError as e:
            raise AdminRefusal(400, reasons(e)) from e
        if settings.removal is not self._state.settings.removal and self._state.audiences.by_id:
            raise AdminRefusal(
                409, "removal: can change only while there is no audience (POST /admin/reset)"
            )
        self._state.settings = settings
        return answer(settings.model_dump(mode="json"))

    async def faults(self, _: web.Request) -> web.Response:
        """Return the armed faults with what they have seen."""
        return answer([armed.record() for armed in self._state.faults.armed])

    async def arm_faults(self, request: web.Request) -> web.Response:
        """Replace all faults."""
        value = await read_json(request)
        try:
            self._state.faults.arm(RULES.validate_python(value))
        except ValidationError as e:
            raise AdminRefusal(400, reasons(e)) from e
        return await self.faults(request)

    async def disarm_faults(self, _: web.Request) -> web.Response:
        """Take all faults away."""
        self._state.faults.arm([])
        return answer([])

    async def clock(self, _: web.Request) -> web.Response:
        """Return the fake's present."""
        return answer(self._clock())

    async def advance_clock(self, request: web.Request) -> web.Response:
        """Move the clock forward."""
        advance_s = (await read_model(request, Advance)).advance_s
        if self._state.clock.advanced_s + advance_s > ADVANCE_S_MAX:
            raise AdminRefusal(400, f"advance_s: the clock goes at most {ADVANCE_S_MAX} s ahead")
        self._state.clock.advance(advance_s)
        return answer(self._clock())

    async def requests(self, request: web.Request) -> web.Response:
        """Return calls from old to new: the last `limit` that match."""
        limit = query_number(request, "limit", 1_000, ENTRIES_MAX)
        chosen = self._state.journal.newest(
            path=request.query.get("path", ""),
            method=request.query.get("method", "").upper(),
            operation=request.query.get("operation", ""),
        )
        newest = [entry.record() for entry in islice(chosen, limit)]
        return answer({"requests": newest[::-1]})

    async def clear_requests(self, _: web.Request) -> web.Response:
        """Forget all calls."""
        self._state.journal.clear()
        return answer({})

    async def stats(self, _: web.Request) -> web.Response:
        """Return sums over all calls since the last clearing."""
        journal = self._state.journal
        return answer(
            {
                "calls": dict(sorted(journal.calls.items())),
                "calls_total": sum(journal.calls.values()),
                "rows_added": journal.rows["add"],
                "rows_removed": journal.rows["remove"],
                "rows_invalid": journal.rows["invalid"],
            }
        )

    def _clock(self) -> dict[str, float]:
        clock = self._state.clock
        return {"now": clock.now(), "advanced_s": clock.advanced_s}


def audience_record(audience: Audience) -> dict[str, object]:
    """Return an audience for the admin port, with its exact size in people."""
    return {
        "custom_audience_id": audience.custom_audience_id,
        "ad_account_id": audience.ad_account_id,
        "name": audience.name,
        "description": audience.description,
        "people": len(audience.membership.people()),
        "upload_kind": audience.upload_kind,
        "rows_added": audience.tally.rows_added,
        "rows_removed": audience.tally.rows_removed,
        "rows_invalid": audience.tally.rows_invalid,
        "calls": audience.tally.calls,
    }
