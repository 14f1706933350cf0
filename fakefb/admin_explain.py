"""Owns the admin route that explains: whom a row or a member matches, and why."""

from collections.abc import Sequence
from typing import Final

from aiohttp import web

from fakefb.admin_http import AdminRefusal, answer, read_model
from fakefb.admin_models import Explain, Member
from fakefb.admin_people import person_record
from fakefb.audiences import Audience
from fakefb.explanation import Grounds, RowStory, explain_row
from fakefb.normalizer.member import PlainMember, hashed_member
from fakefb.schema_keys import CELL_KINDS
from fakefb.state import FakeState

_WEAK_KEY_OF: Final = {
    "first_name": "FN",
    "last_name": "LN",
    "gender": "GEN",
    "birth_year": "DOBY",
    "birth_month": "DOBM",
    "birth_day": "DOBD",
    "city": "CT",
    "state": "ST",
    "zip": "ZIP",
    "country": "COUNTRY",
}


class ExplainRoutes:
    """Explains matches of one fake."""

    def __init__(self, state: FakeState) -> None:
        self._state = state

    def routes(self) -> list[web.RouteDef]:
        """Return the route."""
        return [web.post("/admin/explain", self.explain)]

    async def explain(self, request: web.Request) -> web.Response:
        """Tell key by key whom a row, or each row of a member, matches."""
        wish = await read_model(request, Explain)
        audience = self._audience(wish.custom_audience_id)
        rows = self._rows(wish)
        grounds = self._grounds(audience)
        stories = [explain_row(row, grounds) for row in rows]
        told = self._told(rows, stories, audience, is_plain=wish.plain)
        if wish.member is not None:
            told["unreadable"] = self._unreadable(wish.member, wish.default_region)
        return answer(told)

    def _audience(self, custom_audience_id: str | None) -> Audience | None:
        if custom_audience_id is None:
            return None
        audience = self._state.audiences.by_id.get(custom_audience_id)
        if audience is None:
            raise AdminRefusal(404, "no such audience; GET /admin/audiences lists them")
        return audience

    def _grounds(self, audience: Audience | None) -> Grounds:
        state = self._state
        account = None if audience is None else state.ad_accounts.get(audience.ad_account_id)
        return Grounds(
            population=state.population,
            matching=state.settings.matching,
            lenient=state.settings.invalid_hashes == "lenient",
            links=None if account is None else account.extern_links,
            now=state.clock.now(),
        )

    def _rows(self, wish: Explain) -> Sequence[dict[str, str]]:
        if wish.row is not None:
            unknown = [key for key in wish.row if key not in CELL_KINDS]
            if unknown:
                raise AdminRefusal(400, f"row: a key is none of {', '.join(CELL_KINDS)}")
            return [wish.row]
        member = wish.member or Member()
        return hashed_member(
            member.plain(),
            default_region=wish.default_region,
            this_year=self._state.this_year(),
        ).rows()

    def _told(
        self,
        rows: Sequence[dict[str, str]],
        stories: Sequence[RowStory],
        audience: Audience | None,
        *,
        is_plain: bool,
    ) -> dict[str, object]:
        population = self._state.population
        people = frozenset[int]().union(*(story.numbers for story in stories))
        told: dict[str, object] = {
            "matching": self._state.settings.matching,
            "person_ids": population.ids(people),
            "rows": [
                _row_record(row, story, is_plain=is_plain)
                for row, story in zip(rows, stories, strict=True)
            ],
        }
        if audience is not None:
            inside = audience.membership.people()
            told["inside"] = population.ids(people & inside)
            told["outside"] = population.ids(people - inside)
        if is_plain:
            told["people"] = [person_record(population.people[i]) for i in sorted(people)]
        return told

    def _unreadable(self, member: Member, region: str) -> list[str]:
        """Return the fields that the normaliser can make nothing of, lists with their place."""
        year, plain = self._state.this_year(), member.plain()
        whole = hashed_member(plain, default_region=region, this_year=year)
        lists = {
            "emails": plain.emails,
            "phones": plain.phones,
            "mobile_ad_ids": member.mobile_ad_ids,
        }
        bad = []
        for name, values in lists.items():
            for i, value in enumerate(values):
                alone = PlainMember(**{name: (value,)}, single=plain.single, traits={})
                hashed = hashed_member(alone, default_region=region, this_year=year)
                if not any(hashed.strong.values()):
                    bad.append(f"{name}.{i}")
        return bad + [name for name in plain.single if _WEAK_KEY_OF[name] not in whole.weak]


def _row_record(row: dict[str, str], story: RowStory, *, is_plain: bool) -> dict[str, object]:
    keys = [
        {"key": one.key, "verdict": one.verdict, "person_ids": one.person_ids}
        | ({"value": row[one.key]} if is_plain else {})
        for one in story.keys
    ]
    return {
        "invalid_reason": story.invalid_reason,
        "person_ids": story.person_ids,
        "keys": keys,
        "names": story.names,
    }
