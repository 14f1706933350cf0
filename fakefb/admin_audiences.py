"""Owns the admin route that does to an audience what Meta does by itself: flags, states, expiry."""

from aiohttp import web

from fakefb.admin_http import AdminRefusal, answer, read_model
from fakefb.admin_models import AudienceChange
from fakefb.audience_status import operation_status
from fakefb.audiences import Audience
from fakefb.state import FakeState


class AudienceRoutes:
    """Changes audiences from Meta's side."""

    def __init__(self, state: FakeState) -> None:
        self._state = state

    def routes(self) -> list[web.RouteDef]:
        """Return the routes."""
        return [web.patch("/admin/audiences/{id}", self.change)]

    async def change(self, request: web.Request) -> web.Response:
        """Flag an audience, force its state, or let it expire."""
        audience = self._state.audiences.by_id.get(request.match_info["id"])
        if audience is None:
            raise AdminRefusal(404, "no such audience; GET /admin/audiences lists them")
        change = await read_model(request, AudienceChange)
        given = change.model_fields_set
        if "flagged_fields" in given:
            audience.flagged_fields = tuple(dict.fromkeys(change.flagged_fields or ()))
        if "operation_code" in given:
            audience.forced_operation_code = change.operation_code
        if "delete_time" in given:
            audience.delete_time = change.delete_time
        return answer(self._record(audience))

    def _record(self, audience: Audience) -> dict[str, object]:
        return {
            "custom_audience_id": audience.custom_audience_id,
            "flagged_fields": audience.flagged_fields,
            "operation_status": operation_status(audience, self._state.clock.now()),
            "delete_time": audience.delete_time,
        }
