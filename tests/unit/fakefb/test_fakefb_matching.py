"""Whom rows match and what removals take out, through both ports."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fakefb.generator import generate_people
from fakefb.matching import Matching, find_people
from fakefb.people import Person, Population
from tests.unit.fakefb.client import FakeClient, sha

ANN = {
    "person_id": "ann",
    "emails": ["Ann@Example.com", "ann@work.example.com"],
    "phones": ["(415) 555-0100"],
    "mobile_ad_ids": ["A648A7DD-0683-4EB9-85B6-E6E307D4BEDC"],
    "first_name": "Ann",
    "last_name": "O'Neil",
    "zip": "94105-1234",
    "city": "San Francisco",
    "birth_year": "1980",
    "country": "USA",
}
BEN = {"person_id": "ben", "emails": ["ben@example.com"], "phones": ["+1 415 555 0100"]}
KIM = {"person_id": "kim", "emails": ["kim@example.com", "ann@example.com"]}

ANN_EMAIL = sha("ann@example.com")
BEN_EMAIL = sha("ben@example.com")
SHARED_PHONE = sha("14155550100")
DEVICE = "a648a7dd-0683-4eb9-85b6-e6e307d4bedc"
NAMES = {"FN": sha("ann"), "LN": sha("oneil"), "ZIP": sha("94105"), "CT": sha("sanfrancisco")}


async def test_row_matches_everybody_whom_any_strong_key_knows(fake: FakeClient) -> None:
    await fake.people(ANN, BEN, KIM)
    audience = await fake.create()
    await fake.add(audience, ["EMAIL", "PHONE"], [[ANN_EMAIL, SHARED_PHONE]])
    assert await fake.inside(audience) == ["ann", "ben", "kim"]


async def test_first_strong_key_that_knows_somebody_decides(fake: FakeClient) -> None:
    await fake.switch(matching="first_strong")
    await fake.people(ANN, BEN, KIM)
    audience = await fake.create()
    await fake.add(audience, ["EMAIL", "PHONE"], [[BEN_EMAIL, SHARED_PHONE]])
    assert await fake.inside(audience) == ["ben"]
    await fake.add(audience, ["EMAIL", "PHONE"], [[sha("nobody@x.org"), SHARED_PHONE]])
    assert await fake.inside(audience) == ["ann", "ben"]


async def test_device_is_compared_as_it_is(fake: FakeClient) -> None:
    await fake.people(ANN)
    audience = await fake.create()
    await fake.add(audience, ["MADID"], [[DEVICE.upper()], [sha(DEVICE)]])
    assert await fake.inside(audience) == []
    await fake.add(audience, ["MADID"], [[DEVICE]])
    assert await fake.inside(audience) == ["ann"]


async def test_hash_in_the_wrong_column_matches_nobody(fake: FakeClient) -> None:
    await fake.people(ANN)
    audience = await fake.create()
    reply = await fake.add(audience, ["PHONE"], [[ANN_EMAIL]])
    assert reply.json["num_invalid_entries"] == 0
    assert await fake.inside(audience) == []


async def test_invalid_row_puts_nobody_in(fake: FakeClient) -> None:
    await fake.people(ANN, BEN)
    audience = await fake.create()
    rows = [[ANN_EMAIL, "Ann"], [BEN_EMAIL, ""]]
    reply = await fake.add(audience, ["EMAIL", "FN"], rows)
    assert reply.json["num_invalid_entries"] == 1
    assert await fake.inside(audience) == ["ben"]


@pytest.mark.parametrize(
    ("row", "expected"),
    [
        (NAMES, ["ann"]),
        ({**NAMES, "CT": ""}, ["ann"]),
        ({**NAMES, "CT": "", "ZIP": ""}, []),
        ({**NAMES, "LN": ""}, []),
        ({**NAMES, "CT": sha("austin")}, []),
        ({**NAMES, "DOBY": sha("1981")}, []),
        ({**NAMES, "DOBY": sha("1980"), "GEN": sha("f")}, ["ann"]),
        ({**NAMES, "EMAIL": sha("unknown@x.org")}, ["ann"]),
        ({**NAMES, "EMAIL": BEN_EMAIL}, ["ben"]),
    ],
)
async def test_names_match_only_where_no_strong_key_does(
    fake: FakeClient, row: dict[str, str], expected: list[str]
) -> None:
    await fake.people(ANN, BEN)
    audience = await fake.create()
    reply = await fake.add(audience, list(row), [list(row.values())])
    assert reply.json["num_invalid_entries"] == 0
    assert await fake.inside(audience) == expected


async def test_removal_takes_out_everybody_its_row_matches(fake: FakeClient) -> None:
    await fake.people(ANN, BEN, KIM)
    audience = await fake.create()
    await fake.add(audience, ["EMAIL"], [[ANN_EMAIL], [BEN_EMAIL]])
    await fake.remove(audience, ["PHONE"], [[SHARED_PHONE]])
    assert await fake.inside(audience) == ["kim"]


async def test_removal_by_identifier_leaves_who_is_in_by_another(fake: FakeClient) -> None:
    await fake.switch(removal="identifiers")
    await fake.people(ANN, BEN)
    audience = await fake.create()
    await fake.add(audience, ["EMAIL", "MADID"], [[ANN_EMAIL, DEVICE], [BEN_EMAIL, ""]])
    await fake.remove(audience, ["PHONE"], [[SHARED_PHONE]])
    await fake.remove(audience, ["EMAIL"], [[ANN_EMAIL]])
    assert await fake.inside(audience) == ["ann", "ben"]
    await fake.remove(audience, ["MADID"], [[DEVICE]])
    assert await fake.inside(audience) == ["ben"]


async def test_removal_switch_cannot_turn_while_audiences_remember(fake: FakeClient) -> None:
    await fake.create()
    reply = await fake.admin("PUT", "/admin/settings", {"removal": "identifiers"})
    assert reply.status == 409
    assert "removal" in str(reply.json["error"])


async def test_adding_and_removing_again_changes_nothing(fake: FakeClient) -> None:
    await fake.people(ANN, BEN)
    audience = await fake.create()
    for _ in range(2):
        await fake.add(audience, ["EMAIL"], [[ANN_EMAIL], [BEN_EMAIL]])
    for _ in range(2):
        await fake.remove(audience, ["EMAIL"], [[ANN_EMAIL]])
    assert await fake.inside(audience) == ["ben"]


async def test_match_reads_plain_members_like_uploads(fake: FakeClient) -> None:
    await fake.people(ANN, BEN, KIM)
    members = [
        {"member_id": "1", "emails": ["bad", "nobody@x.org"], "phones": ["415.555.0100x22"]},
        {"member_id": "2", "traits": {"email": " KIM@example.com ", "shoe": "42"}},
        {"member_id": "3", "traits": {"firstName": "ANN", "lastName": "oneil"}},
        {"member_id": "4", "emails": ["nobody@x.org"]},
    ]
    reply = await fake.admin("POST", "/admin/match", {"members": members})
    assert reply.json == {"person_ids": ["ann", "ben", "kim"], "matched_members": 2}


async def test_match_follows_the_switch(fake: FakeClient) -> None:
    await fake.people(ANN, BEN)
    member = {"emails": ["ben@example.com"], "phones": ["4155550100"]}
    everybody = await fake.admin("POST", "/admin/match", {"members": [member]})
    await fake.switch(matching="first_strong")
    first = await fake.admin("POST", "/admin/match", {"members": [member]})
    assert everybody.json["person_ids"] == ["ann", "ben"]
    assert first.json["person_ids"] == ["ben"]


async def test_national_phones_are_completed_by_country_or_default(fake: FakeClient) -> None:
    await fake.people({"person_id": "gb", "phones": ["+44 7911 123456"]})
    by_country = {"phones": ["07911 123456"], "country": "UK"}
    by_default = {"phones": ["07911 123456"]}
    for member, region in ((by_country, "US"), (by_default, "GB")):
        body = {"members": [member], "default_region": region}
        assert (await fake.admin("POST", "/admin/match", body)).json["person_ids"] == ["gb"]


def _population() -> Population:
    population = Population()
    for person in generate_people(40, 7, first=0):
        population.add(person, default_region="US", this_year=2026)
    population.add(Person(person_id="empty"), default_region="US", this_year=2026)
    return population


POPULATION = _population()
EMAILS = ["", sha("x"), *list(POPULATION.by_strong["EMAIL"])[:20]]
PHONES = ["", sha("x"), *list(POPULATION.by_strong["PHONE"])[:20]]


@given(
    rows=st.lists(st.tuples(st.sampled_from(EMAILS), st.sampled_from(PHONES)), max_size=30),
    matching=st.sampled_from(Matching),
)
def test_rows_together_find_whom_they_find_alone(
    rows: list[tuple[str, str]], matching: Matching
) -> None:
    columns = {"EMAIL": [row[0] for row in rows], "PHONE": [row[1] for row in rows]}
    together = set().union(*find_people(columns, POPULATION, matching).values())
    alone: set[int] = set()
    for email, phone in rows:
        by_email = set(POPULATION.by_strong["EMAIL"].get(email, ()))
        by_phone = set(POPULATION.by_strong["PHONE"].get(phone, ()))
        if matching is Matching.ANY_STRONG:
            alone |= by_email | by_phone
        else:
            alone |= by_email or by_phone
    assert together == alone
