"""Owns the admin routes of time: the clock, and snapshots to go back to."""

from aiohttp import web

from fakefb.admin_http import AdminRefusal, answer, read_model
from fakefb.admin_models import ADVANCE_S_MAX, Advance, ClockChange
from fakefb.clock import Clock
from fakefb.snapshots import SNAPSHOTS_MAX, Snapshot
from fakefb.state import FakeState


class TimeRoutes:
    """Freezes, moves and turns back one fake."""

    def __init__(self, state: FakeState) -> None:
        self._state = state

    def routes(self) -> list[web.RouteDef]:
        """Return the routes."""
        return [
            web.get("/admin/clock", self.clock),
            web.put("/admin/clock", self.change_clock),
            web.post("/admin/clock", self.advance_clock),
            web.get("/admin/snapshots", self.snapshots),
            web.post("/admin/snapshots", self.take_snapshot),
            web.post("/admin/snapshots/{id}/restore", self.restore_snapshot),
            web.delete("/admin/snapshots/{id}", self.drop_snapshot),
        ]

    async def clock(self, _: web.Request) -> web.Response:
        """Return the fake's present."""
        return answer(clock_record(self._state.clock))

    async def change_clock(self, request: web.Request) -> web.Response:
        """Let the clock stand, or run on from where it stands."""
        clock = self._state.clock
        if (await read_model(request, ClockChange)).frozen:
            clock.freeze()
        else:
            clock.thaw()
        return answer(clock_record(clock))

    async def advance_clock(self, request: web.Request) -> web.Response:
        """Move the clock forward."""
        advance_s = (await read_model(request, Advance)).advance_s
        if self._state.clock.advanced_s + advance_s > ADVANCE_S_MAX:
            raise AdminRefusal(400, f"advance_s: the clock goes at most {ADVANCE_S_MAX} s ahead")
        self._state.clock.advance(advance_s)
        return answer(clock_record(self._state.clock))

    async def snapshots(self, _: web.Request) -> web.Response:
        """Return the snapshots that are kept, oldest first."""
        kept = self._state.snapshots.by_id.values()
        return answer({"snapshots": [snapshot.record() for snapshot in kept]})

    async def take_snapshot(self, _: web.Request) -> web.Response:
        """Keep a copy of everything but the journal."""
        return answer(self._state.snapshots.take(self._state).record(), 201)

    async def restore_snapshot(self, request: web.Request) -> web.Response:
        """Make the fake what it was."""
        snapshot = self._snapshot(request)
        self._state.snapshots.restore(self._state, snapshot)
        return answer(snapshot.record())

    async def drop_snapshot(self, request: web.Request) -> web.Response:
        """Forget a snapshot."""
        del self._state.snapshots.by_id[self._snapshot(request).snapshot_id]
        return answer({})

    def _snapshot(self, request: web.Request) -> Snapshot:
        snapshot = self._state.snapshots.by_id.get(request.match_info["id"])
        if snapshot is None:
            raise AdminRefusal(
                404, f"no such snapshot; GET /admin/snapshots lists the last {SNAPSHOTS_MAX}"
            )
        return snapshot


def clock_record(clock: Clock) -> dict[str, object]:
    """Return the clock for the admin port."""
    return {"now": clock.now(), "advanced_s": clock.advanced_s, "frozen": clock.is_frozen}
