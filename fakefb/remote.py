"""Owns the fake as tests of other projects hold it: addresses, and calls of the admin port."""

import http.client
import json
from collections.abc import Mapping, Sequence
from typing import Any, Final
from urllib.parse import quote, urlencode, urlsplit

from fakefb.state import READY_ACCOUNT, READY_APP_ID, READY_APP_SECRET, READY_TOKEN

CALL_TIMEOUT_S: Final = 60.0
"""Seconds that one call of the admin port may take, its own waiting not counted."""

Json = dict[str, Any]
"""An object as README.md shows it for the path in question."""


class FakeRefused(Exception):
    """The admin port said no; `status` is HTTP's, the text is the fake's reason."""

    def __init__(self, status: int, reason: str) -> None:
        super().__init__(f"{status}: {reason}")
        self.status = status
        self.reason = reason


class FakeFacebook:
    """A running fake, steered by plain blocking calls.

    Every method raises FakeRefused when the admin port refuses, with the reason. In an async test
    the calls are short enough to be made directly, except `wait`, which belongs into
    `asyncio.to_thread` when the awaited calls are made by the same event loop.
    """

    ad_account_id: Final = READY_ACCOUNT
    access_token: Final = READY_TOKEN
    app_id: Final = READY_APP_ID
    app_secret: Final = READY_APP_SECRET

    def __init__(self, graph_url: str, admin_url: str) -> None:
        self.graph_url = graph_url
        """Address without version and without a slash at its end."""
        self.admin_url = admin_url
        """Address of the admin port; the page for people is its root."""

    def admin(self, method: str, path: str, body: object = None) -> Any:
        """Call any path of the admin port, such as `/admin/state`, and return its JSON."""
        return self._call(method, path, body, CALL_TIMEOUT_S)

    def reset(self) -> None:
        """Return to a fresh fake; snapshots stay."""
        self.admin("POST", "/admin/reset")

    def snapshot(self) -> str:
        """Remember everything but the journal; return the id to restore it by."""
        return str(self.admin("POST", "/admin/snapshots")["snapshot_id"])

    def restore(self, snapshot_id: str) -> None:
        """Make the fake what it was."""
        self.admin("POST", f"/admin/snapshots/{quote(snapshot_id, safe='')}/restore")

    def settings(self, **changes: object) -> Json:
        """Turn switches, or none, and return all."""
        return _object(self.admin("PUT", "/admin/settings", changes))

    # People and audiences

    def add_people(self, *people: Mapping[str, object], default_region: str = "US") -> None:
        """Append plain people: `person_id`, `emails`, `phones`, `mobile_ad_ids`, names, places."""
        self.admin("POST", "/admin/people", {"people": people, "default_region": default_region})

    def generate_people(self, count: int, *, seed: int = 0) -> list[Json]:
        """Make up people of many countries, append them, and return them plain."""
        before = self.admin("POST", "/admin/people/generate", {"count": count, "seed": seed})
        return self.people(limit=count, offset=before["population"] - count)

    def people(self, *, limit: int = 10_000, offset: int = 0) -> list[Json]:
        """Return plain people in order of arrival."""
        people: list[Json] = []
        while len(people) < limit:
            window = {"limit": min(limit - len(people), 10_000), "offset": offset + len(people)}
            page = self.admin("GET", f"/admin/people?{urlencode(window)}")["people"]
            if not page:
                break
            people += page
        return people

    def audiences(self) -> list[Json]:
        """Return all audiences with exact sizes, oldest first."""
        return _objects(self.admin("GET", "/admin/audiences")["audiences"])

    def audience_people(self, custom_audience_id: str) -> set[str]:
        """Return the ids of exactly the people who are inside."""
        path = f"/admin/audiences/{quote(custom_audience_id, safe='')}/people"
        return set(self.admin("GET", path)["person_ids"])

    def match(self, *members: Mapping[str, object], default_region: str = "US") -> set[str]:
        """Return the ids of the people whom plain members match: what a right upload gives."""
        body = {"members": members, "default_region": default_region}
        return set(self.admin("POST", "/admin/match", body)["person_ids"])

    def explain(self, **question: object) -> Json:
        """Tell why a `row` or a `member` matches whom; see README.md."""
        return _object(self.admin("POST", "/admin/explain", question))

    # Faults and time

    def arm(self, effect: Mapping[str, object], *, name: str = "fault", **match: object) -> None:
        """Arm one fault instead of all others: `arm({"reset": "after"}, operation="add", nth=2)`."""
        self.arm_all([{"name": name, "match": match, "effect": effect}])

    def arm_all(self, rules: Sequence[Mapping[str, object]]) -> None:
        """Replace all faults; none = disarm."""
        self.admin("PUT", "/admin/faults", rules)

    def faults(self) -> list[Json]:
        """Return the armed faults with how often they have been seen and have fired."""
        return _objects(self.admin("GET", "/admin/faults"))

    def profile(self, name: str) -> None:
        """Be "grumpy" or "calm" from now on."""
        self.admin("PUT", "/admin/profile", {"name": name})

    def now(self) -> float:
        """Return the fake's present in Unix seconds."""
        return float(self.admin("GET", "/admin/clock")["now"])

    def advance(self, seconds: float) -> None:
        """Move the clock forward."""
        self.admin("POST", "/admin/clock", {"advance_s": seconds})

    def freeze(self, *, frozen: bool = True) -> None:
        """Let the clock stand, or run on."""
        self.admin("PUT", "/admin/clock", {"frozen": frozen})

    # Journal

    def requests(self, **filters: str | int) -> list[Json]:
        """Return Graph calls from old to new; filters as in `GET /admin/requests`."""
        return _objects(self.admin("GET", f"/admin/requests?{urlencode(filters)}")["requests"])

    def clear_requests(self) -> None:
        """Forget all calls."""
        self.admin("DELETE", "/admin/requests")

    def wait(self, *, count: int = 1, timeout_s: int = 10, **filters: str) -> list[Json]:
        """Wait until so many matching Graph calls have ended, and return the last of them.

        Raises: FakeRefused 408 when fewer did within `timeout_s`.
        """
        query = urlencode({"count": count, "timeout_s": timeout_s, **filters})
        path = f"/admin/requests/wait?{query}"
        return _objects(self._call("GET", path, None, timeout_s + CALL_TIMEOUT_S)["requests"])

    def _call(self, method: str, path: str, body: object, timeout_s: float) -> Any:
        connection = http.client.HTTPConnection(urlsplit(self.admin_url).netloc, timeout=timeout_s)
        try:
            content = None if body is None else json.dumps(body).encode()
            connection.request(method, path, content, {"Content-Type": "application/json"})
            response = connection.getresponse()
            answer = json.loads(response.read())
        finally:
            connection.close()
        if response.status >= http.HTTPStatus.BAD_REQUEST:
            raise FakeRefused(response.status, str(answer.get("error", "")))
        return answer


def _object(value: Any) -> Json:
    return dict(value)


def _objects(value: Any) -> list[Json]:
    return list(value)
