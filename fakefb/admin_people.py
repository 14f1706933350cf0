"""Owns the admin routes of the population and of the truth: who is in, who would match."""

import asyncio
from collections.abc import Iterable
from typing import Final

from aiohttp import web

from fakefb.admin_http import AdminRefusal, answer, query_number, read_model
from fakefb.admin_models import Generate, MatchMembers, Member, NewPeople
from fakefb.generator import generate_people
from fakefb.matching import find_people
from fakefb.normalizer.member import hashed_member
from fakefb.people import PEOPLE_MAX, Person
from fakefb.state import FakeState

SLICE: Final = 200
"""People worked on before other calls get their turn."""
LIST_MAX: Final = 10_000
"""People of one answer."""


class PeopleRoutes:
    """Fills the population and answers questions about it."""

    def __init__(self, state: FakeState) -> None:
        self._state = state

    def routes(self) -> list[web.RouteDef]:
        """Return the routes."""
        return [
            web.post("/admin/people", self.add),
            web.post("/admin/people/generate", self.generate),
            web.get("/admin/people", self.list),
            web.get("/admin/audiences/{id}/people", self.audience_people),
            web.post("/admin/match", self.match),
        ]

    async def add(self, request: web.Request) -> web.Response:
        """Append people; they are matched by uploads from now on, not by earlier ones."""
        new = await read_model(request, NewPeople)
        people = [person.person() for person in new.people]
        ids = {person.person_id for person in people}
        if len(ids) < len(people):
            raise AdminRefusal(400, "people: a person_id is repeated")
        if any(person_id in self._state.population for person_id in ids):
            raise AdminRefusal(409, "people: a person_id exists already")
        return await self._take_in(people, len(people), new.default_region)

    async def generate(self, request: web.Request) -> web.Response:
        """Make people up and append them."""
        wish = await read_model(request, Generate)
        people = generate_people(wish.count, wish.seed, first=len(self._state.population))
        return await self._take_in(people, wish.count, "US")

    async def _take_in(self, people: Iterable[Person], count: int, region: str) -> web.Response:
        population, year = self._state.population, self._state.this_year()
        if len(population) + count > PEOPLE_MAX:
            raise AdminRefusal(400, f"a population has at most {PEOPLE_MAX} people")
        for i, person in enumerate(people):
            if person.person_id in population:
                raise AdminRefusal(409, f"person_id {person.person_id} exists already")
            population.add(person, default_region=region, this_year=year)
            if i % SLICE == SLICE - 1:
                await asyncio.sleep(0)
        return answer({"added": count, "population": len(population)}, 201)

    async def list(self, request: web.Request) -> web.Response:
        """Return plain people, in order of arrival."""
        limit = query_number(request, "limit", 100, LIST_MAX)
        offset = query_number(request, "offset", 0, PEOPLE_MAX)
        chosen = self._state.population.people[offset : offset + limit]
        people = [person_record(person) for person in chosen]
        return answer({"people": people, "count": len(self._state.population)})

    async def audience_people(self, request: web.Request) -> web.Response:
        """Return exactly who is in an audience."""
        audience = self._state.audiences.by_id.get(request.match_info["id"])
        if audience is None:
            raise AdminRefusal(404, "no such audience; GET /admin/audiences lists them")
        ids = self._state.population.ids(audience.membership.people())
        return answer({"person_ids": ids, "count": len(ids)})

    async def match(self, request: web.Request) -> web.Response:
        """Return whom plain members match under the present switches."""
        wish = await read_model(request, MatchMembers)
        people: set[int] = set()
        matched_members = 0
        for i, member in enumerate(wish.members):
            found = self._matched(member, wish.default_region)
            people |= found
            matched_members += bool(found)
            if i % SLICE == SLICE - 1:
                await asyncio.sleep(0)
        ids = self._state.population.ids(people)
        return answer({"person_ids": ids, "matched_members": matched_members})

    def _matched(self, member: Member, region: str) -> set[int]:
        hashed = hashed_member(
            member.plain(), default_region=region, this_year=self._state.this_year()
        )
        people: set[int] = set()
        for row in hashed.rows():
            columns = {key: [value] for key, value in row.items()}
            found = find_people(columns, self._state.population, self._state.settings.matching)
            people.update(*found.values())
        return people


def person_record(person: Person) -> dict[str, object]:
    """Return a plain person for the admin port."""
    return {
        "person_id": person.person_id,
        "emails": person.emails,
        "phones": person.phones,
        "mobile_ad_ids": person.mobile_ad_ids,
        **person.single,
    }
