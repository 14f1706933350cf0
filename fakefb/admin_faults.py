"""Owns the admin routes of faults: single rules, and the profile behind them."""

from aiohttp import web
from pydantic import ValidationError

from fakefb.admin_http import AdminRefusal, answer, read_json, read_model, reasons
from fakefb.admin_models import RULES, ProfileChange
from fakefb.faults import Armed
from fakefb.state import FakeState


class FaultRoutes:
    """Lets one fake misbehave, or stop it."""

    def __init__(self, state: FakeState) -> None:
        self._state = state

    def routes(self) -> list[web.RouteDef]:
        """Return the routes."""
        return [
            web.get("/admin/faults", self.faults),
            web.put("/admin/faults", self.arm_faults),
            web.delete("/admin/faults", self.disarm_faults),
            web.get("/admin/profile", self.profile),
            web.put("/admin/profile", self.change_profile),
        ]

    async def faults(self, _: web.Request) -> web.Response:
        """Return the armed faults with what they have seen."""
        return answer(_records(self._state.faults.armed))

    async def arm_faults(self, request: web.Request) -> web.Response:
        """Replace all faults but those of the profile."""
        value = await read_json(request)
        try:
            self._state.faults.arm(RULES.validate_python(value))
        except ValidationError as e:
            raise AdminRefusal(400, reasons(e)) from e
        return await self.faults(request)

    async def disarm_faults(self, _: web.Request) -> web.Response:
        """Take all faults but those of the profile away."""
        self._state.faults.arm([])
        return answer([])

    async def profile(self, _: web.Request) -> web.Response:
        """Return the profile and its faults with what they have seen."""
        faults = self._state.faults
        return answer({"name": faults.profile, "faults": _records(faults.of_profile)})

    async def change_profile(self, request: web.Request) -> web.Response:
        """Be calm or grumpy from now on."""
        self._state.faults.take_profile((await read_model(request, ProfileChange)).name)
        return await self.profile(request)


def _records(armed: list[Armed]) -> list[dict[str, object]]:
    return [one.record() for one in armed]
