"""Talks to the admin port of a fake Facebook: puts people in, and asks for the truth."""

import contextlib
import http.client
import json
from collections.abc import Sequence
from typing import Any, Final
from urllib.parse import urlsplit

ADMIN_TIMEOUT_S: Final = 120.0
"""Seconds that an answer is waited for."""


class FakeAdmin:
    """The admin port of a fake Facebook: tells the truth, and takes in people."""

    def __init__(self, admin_url: str) -> None:
        self._address = urlsplit(admin_url).netloc

    def get(self, path: str) -> Any:
        """Answer of `GET /admin/{path}`."""
        return self._ask("GET", path, None)

    def post(self, path: str, body: object) -> Any:
        """Answer of `POST /admin/{path}`."""
        return self._ask("POST", path, body)

    def put(self, path: str, body: object) -> Any:
        """Answer of `PUT /admin/{path}`."""
        return self._ask("PUT", path, body)

    def patch(self, path: str, body: object) -> Any:
        """Answer of `PATCH /admin/{path}`."""
        return self._ask("PATCH", path, body)

    def people_inside(self, custom_audience_id: str) -> set[str]:
        """Ids of the people in a Custom Audience."""
        return set(self.get(f"audiences/{custom_audience_id}/people")["person_ids"])

    def match(self, members: Sequence[object], default_region: str = "US") -> tuple[set[str], int]:
        """Ids of the people whom plain members match, and how many members match somebody."""
        wish = {"members": members, "default_region": default_region}
        answer = self.post("match", wish)
        return set(answer["person_ids"]), int(answer["matched_members"])

    def _ask(self, method: str, path: str, body: object) -> Any:
        connection = http.client.HTTPConnection(self._address, timeout=ADMIN_TIMEOUT_S)
        with contextlib.closing(connection):
            payload = None if body is None else json.dumps(body).encode()
            connection.request(method, f"/admin/{path}", payload)
            response = connection.getresponse()
            answer = json.loads(response.read())
        if response.status >= http.client.BAD_REQUEST:
            raise RuntimeError(f"the fake refuses {method} {path}: {answer['error']}")
        return answer
