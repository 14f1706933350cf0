"""Owns the admin routes of the journal: what was called, waiting for calls, sums."""

from itertools import islice
from typing import Final

from aiohttp import web

from fakefb.admin_http import AdminRefusal, answer, query_number
from fakefb.journal import ENTRIES_MAX, Entry, Filter, Watch
from fakefb.state import FakeState

WAIT_S_MAX: Final = 300
"""Longest time, in seconds, that one request waits for calls."""
_FILTERS: Final = ("path", "method", "operation", "custom_audience_id", "fault")


class RequestRoutes:
    """Tells of the Graph calls of one fake."""

    def __init__(self, state: FakeState) -> None:
        self._state = state

    def routes(self) -> list[web.RouteDef]:
        """Return the routes."""
        return [
            web.get("/admin/requests", self.requests),
            web.delete("/admin/requests", self.clear),
            web.get("/admin/requests/stats", self.stats),
            web.get("/admin/requests/wait", self.wait),
        ]

    async def requests(self, request: web.Request) -> web.Response:
        """Return calls from old to new: the last `limit` that match."""
        limit = query_number(request, "limit", 1_000, ENTRIES_MAX)
        chosen = self._state.journal.newest(_wanted(request, "limit"))
        newest = [entry.record() for entry in islice(chosen, limit)]
        return answer({"requests": newest[::-1]})

    async def wait(self, request: web.Request) -> web.Response:
        """Answer once `count` matching calls have ended since the journal was cleared."""
        count = query_number(request, "count", 1, ENTRIES_MAX) or 1
        timeout_s = query_number(request, "timeout_s", 10, WAIT_S_MAX)
        wanted, journal = _wanted(request, "count", "timeout_s"), self._state.journal
        with journal.watching(Watch(wanted.takes, count)) as watch:
            reached = await watch.wait(timeout_s)
        if not reached:
            reason = f"{count - watch.missing} of {count} calls ended within {timeout_s} s"
            raise AdminRefusal(408, f"{reason}; GET /admin/requests shows what came")
        ended = (entry for entry in journal.newest(wanted) if entry.ended is not None)
        newest: list[Entry] = list(islice(ended, count))
        return answer({"requests": [entry.record() for entry in newest[::-1]]})

    async def clear(self, _: web.Request) -> web.Response:
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


def _wanted(request: web.Request, *numbers: str) -> Filter:
    known = (*_FILTERS, *numbers)
    if any(name not in known for name in request.query):
        raise AdminRefusal(400, f"unknown filter; this path takes {', '.join(known)}")
    wanted = {name: request.query[name] for name in _FILTERS if name in request.query}
    if "method" in wanted:
        wanted["method"] = wanted["method"].upper()
    return Filter(**wanted)
