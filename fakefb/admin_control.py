"""Owns the admin routes that steer the fake: reset, settings, audiences, the page."""

from aiohttp import web
from pydantic import ValidationError

from fakefb.admin_accounts import account_record
from fakefb.admin_http import AdminRefusal, answer, read_json, reasons
from fakefb.admin_time import clock_record
from fakefb.audiences import Audience
from fakefb.settings import Settings
from fakefb.state import FakeState


class ControlRoutes:
    """Steers one fake and tells how it is."""

    def __init__(self, state: FakeState) -> None:
        self._state = state

    def routes(self) -> list[web.RouteDef]:
        """Return the routes."""
        return [
            web.post("/admin/reset", self.reset),
            web.get("/admin/state", self.state),
            web.get("/admin/audiences", self.audiences),
            web.get("/admin/settings", self.settings),
            web.put("/admin/settings", self.change_settings),
        ]

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
                "profile": state.faults.profile,
                "clock": clock_record(state.clock),
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
