"""A client of the fake for its own tests: plain HTTP, nothing hidden."""

import asyncio
import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import aiohttp
import orjson

from fakefb.server import RunningFake

ACCOUNT = "act_1000000001"
TOKEN = "fake-token"
FILE_SOURCE = {"customer_file_source": "USER_PROVIDED_ONLY"}


def sha(normal: str) -> str:
    return hashlib.sha256(normal.encode()).hexdigest()


@dataclass(frozen=True)
class Reply:
    """Status, headers and decoded JSON of one answer."""

    status: int
    headers: Mapping[str, str]
    text: str

    @property
    def json(self) -> dict[str, object]:
        value = orjson.loads(self.text)
        assert isinstance(value, dict)
        return value

    @property
    def error(self) -> dict[str, object]:
        error = self.json["error"]
        assert isinstance(error, dict)
        return error

    @property
    def code(self) -> tuple[int, object, object]:
        """HTTP status, code and subcode of a refusal."""
        return self.status, self.error["code"], self.error.get("error_subcode")

    @property
    def ids(self) -> list[object]:
        data = self.json["data"]
        assert isinstance(data, list)
        return [item["id"] for item in data]


class FakeClient:
    """Speaks to both ports of one fake."""

    def __init__(self, running: RunningFake, session: aiohttp.ClientSession) -> None:
        self.graph_url = running.graph_url
        self.admin_url = running.admin_url
        self.state = running.state
        self.session = session

    async def graph(
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, str] | None = None,
        token: str | None = TOKEN,
        json: object = None,
        form: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
        version: str = "/v26.0",
    ) -> Reply:
        params = {**({} if token is None else {"access_token": token}), **(query or {})}
        async with self.session.request(
            method,
            f"{self.graph_url}{version}/{path}",
            params=params,
            json=json,
            data=form,
            headers=headers,
        ) as response:
            return Reply(response.status, response.headers, await response.text())

    async def admin(self, method: str, path: str, body: object = None) -> Reply:
        async with self.session.request(method, self.admin_url + path, json=body) as response:
            return Reply(response.status, response.headers, await response.text())

    async def create(self, name: str = "Buyers", **parameters: str) -> str:
        form = {"name": name, **FILE_SOURCE, **parameters}
        reply = await self.graph("POST", f"{ACCOUNT}/customaudiences", form=form)
        assert reply.status == 200, reply.text
        return str(reply.json["id"])

    async def people(self, *people: Mapping[str, object]) -> None:
        reply = await self.admin("POST", "/admin/people", {"people": people})
        assert reply.status == 201, reply.text

    async def add(
        self, audience: str, schema: object, data: Sequence[object], **more: object
    ) -> Reply:
        body = {"payload": {"schema": schema, "data": data}, **more}
        return await self.graph("POST", f"{audience}/users", json=body)

    async def remove(
        self, audience: str, schema: object, data: Sequence[object], **more: object
    ) -> Reply:
        body = {"payload": {"schema": schema, "data": data}, **more}
        return await self.graph("DELETE", f"{audience}/users", json=body)

    async def inside(self, audience: str) -> list[str]:
        reply = await self.admin("GET", f"/admin/audiences/{audience}/people")
        ids = reply.json["person_ids"]
        assert isinstance(ids, list)
        assert reply.json["count"] == len(ids)
        return ids

    async def until_inside(self, audience: str, people: list[str]) -> None:
        async with asyncio.timeout(5):
            while await self.inside(audience) != people:
                pass  # each look is a round trip, so that others get their turn

    async def switch(self, **settings: object) -> None:
        reply = await self.admin("PUT", "/admin/settings", settings)
        assert reply.status == 200, reply.text

    async def arm(self, effect: Mapping[str, object], **match: object) -> None:
        rule = {"name": "the fault", "match": match, "effect": effect}
        reply = await self.admin("PUT", "/admin/faults", [rule])
        assert reply.status == 200, reply.text

    async def journal(self, query: str = "") -> list[dict[str, object]]:
        requests = (await self.admin("GET", f"/admin/requests{query}")).json["requests"]
        assert isinstance(requests, list)
        return requests
