"""Why a row or a member matches whom, key by key, and without identifiers unless asked."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fakefb.explanation import Grounds, explain_row
from fakefb.generator import generate_people
from fakefb.matching import Matching, find_people
from fakefb.people import Population
from fakefb.schema_keys import STRONG_KEYS
from tests.unit.fakefb.client import FakeClient, sha

DEVICE = "0f1e2d3c-4b5a-6978-8796-a5b4c3d2e1f0"
ANN = {
    "person_id": "ann",
    "emails": ["ann@example.com"],
    "mobile_ad_ids": [DEVICE],
    "first_name": "Ann",
    "last_name": "Lee",
    "zip": "10001",
    "country": "US",
}
BEN = {"person_id": "ben", "phones": ["+14155550100"]}
TOLD = ("ann@example", "+1415", "14155550100", DEVICE, sha("ann@example.com"))


async def explained(fake: FakeClient, **question: object) -> dict[str, object]:
    reply = await fake.admin("POST", "/admin/explain", question)
    assert reply.status == 200, reply.text
    return reply.json


def only_row(told: dict[str, object]) -> dict[str, object]:
    rows = told["rows"]
    assert isinstance(rows, list)
    assert len(rows) == 1
    assert isinstance(rows[0], dict)
    return rows[0]


def verdicts(row: dict[str, object]) -> dict[str, object]:
    keys = row["keys"]
    assert isinstance(keys, list)
    return {one["key"]: one["verdict"] for one in keys}


async def test_each_key_tells_whom_it_knows(fake: FakeClient) -> None:
    await fake.people(ANN, BEN)
    row = {"EMAIL": sha("ann@example.com"), "PHONE": sha("14155550100"), "MADID": ""}
    told = await explained(fake, row=row)
    assert told["person_ids"] == ["ann", "ben"]
    assert verdicts(only_row(told)) == {"EMAIL": "matched", "PHONE": "matched", "MADID": "blank"}
    await fake.switch(matching="first_strong")
    told = await explained(fake, row=row)
    assert told["person_ids"] == ["ann"]
    assert "passed over" in str(verdicts(only_row(told))["PHONE"])


async def test_audience_tells_who_of_them_is_inside(fake: FakeClient) -> None:
    await fake.people(ANN, BEN)
    audience = await fake.create()
    await fake.add(audience, ["EMAIL"], [[sha("ann@example.com")]])
    member = {"emails": ["Ann@Example.com"], "phones": ["+1 415 555 0100"]}
    told = await explained(fake, member=member, custom_audience_id=audience)
    assert (told["inside"], told["outside"]) == (["ann"], ["ben"])


async def test_one_bad_cell_makes_the_row_match_nobody_unless_lenient(fake: FakeClient) -> None:
    await fake.people(ANN)
    row = {"EMAIL": sha("ann@example.com"), "PHONE": "+14155550100"}
    told = only_row(await explained(fake, row=row))
    assert told["person_ids"] == []
    assert "not a SHA-256" in str(told["invalid_reason"])
    assert "the row is invalid" in str(verdicts(told)["EMAIL"])
    await fake.switch(invalid_hashes="lenient")
    assert only_row(await explained(fake, row=row))["person_ids"] == ["ann"]


@pytest.mark.parametrize(
    ("member", "story"),
    [
        ({"first_name": "Ann", "last_name": "Lee", "zip": "10001"}, "1 of 1"),
        ({"first_name": "Ann", "last_name": "Lee", "zip": "99999"}, "different: ZIP (1)"),
        ({"first_name": "Ann", "last_name": "Lee"}, "neither ZIP nor CT"),
        ({"first_name": "Ann", "last_name": "Lee", "city": "Rome"}, "ZIP or CT, not known"),
        ({"first_name": "Zoe", "last_name": "Lee", "zip": "10001"}, "nobody has this"),
        ({"first_name": "Ann", "zip": "10001"}, "not both there"),
    ],
)
async def test_names_tell_why_they_count_or_not(
    fake: FakeClient, member: dict[str, object], story: str
) -> None:
    await fake.people(ANN)
    told = only_row(await explained(fake, member={"emails": ["no@example.com"], **member}))
    assert story in str(told["names"])
    assert told["person_ids"] == (["ann"] if story == "1 of 1" else [])


async def test_fields_that_cannot_be_read_are_named_by_their_place(fake: FakeClient) -> None:
    member = {
        "emails": ["good@example.com", "no e-mail"],
        "phones": ["12"],
        "mobile_ad_ids": [DEVICE],
        "gender": "?",
    }
    told = await explained(fake, member=member)
    assert told["unreadable"] == ["emails.1", "phones.0", "gender"]


async def test_identifiers_are_told_only_when_asked_for(fake: FakeClient) -> None:
    await fake.people(ANN, BEN)
    member = {"emails": ["ann@example.com"], "phones": ["+14155550100"], "mobile_ad_ids": [DEVICE]}
    for question in ({"member": member}, {"row": {"EMAIL": "ann@example.com"}}):
        reply = await fake.admin("POST", "/admin/explain", question)
        assert [text for text in TOLD if text in reply.text] == []
    reply = await fake.admin("POST", "/admin/explain", {"member": member, "plain": True})
    assert [text for text in TOLD if text not in reply.text] == []


async def test_external_id_is_told_by_the_links_of_the_audiences_account(
    fake: FakeClient,
) -> None:
    await fake.people(ANN)
    audience = await fake.create()
    await fake.add(audience, ["EXTERN_ID", "EMAIL"], [["e1", sha("ann@example.com")]])
    alone = await explained(fake, row={"EXTERN_ID": "e1"}, custom_audience_id=audience)
    assert (alone["inside"], verdicts(only_row(alone))) == (["ann"], {"EXTERN_ID": "matched"})
    row = {"EXTERN_ID": "e1", "EMAIL": sha("ann@example.com")}
    beside = await explained(fake, row=row, custom_audience_id=audience)
    assert "another key" in str(verdicts(only_row(beside))["EXTERN_ID"])
    unknown = await explained(fake, row={"EXTERN_ID": "e1"})
    assert (unknown["person_ids"], "no upload" in str(unknown)) == ([], True)


async def test_user_id_is_the_person(fake: FakeClient) -> None:
    await fake.people(ANN)
    told = await explained(fake, row={"UID": "ann"})
    assert (told["person_ids"], verdicts(only_row(told))) == (["ann"], {"UID": "matched"})


@pytest.mark.parametrize(
    ("question", "status", "reason"),
    [
        ({}, 400, "either member or row"),
        ({"row": {"EMAIL": "x"}, "member": {}}, 400, "either member or row"),
        ({"row": {"SHOE": "x"}}, 400, "none of EMAIL"),
        ({"row": {}}, 400, "row"),
        ({"row": {"EMAIL": "x"}, "custom_audience_id": "7"}, 404, "no such audience"),
    ],
)
async def test_bad_questions_get_a_reason(
    fake: FakeClient, question: dict[str, object], status: int, reason: str
) -> None:
    reply = await fake.admin("POST", "/admin/explain", question)
    assert (reply.status, reason in str(reply.json["error"])) == (status, True)


PEOPLE = Population()
for _person in generate_people(300, 1, first=0):
    PEOPLE.add(_person, default_region="US", this_year=2026)
STRANGERS = {"EMAIL": sha("nobody"), "PHONE": sha("nobody"), "MADID": DEVICE}
VALUES = {key: [*PEOPLE.by_strong[key], "", STRANGERS[key]] for key in STRONG_KEYS}
WEAK = [person for person in PEOPLE.weak if "ZIP" in person]


@given(
    strong=st.fixed_dictionaries({}, optional={k: st.sampled_from(v) for k, v in VALUES.items()}),
    weak=st.sampled_from(WEAK) | st.just({}),
    matching=st.sampled_from(Matching),
)
def test_story_ends_as_an_upload_would(
    strong: dict[str, str], weak: dict[str, str], matching: Matching
) -> None:
    row = strong | dict(weak)
    if not any(row.values()):
        return
    story = explain_row(row, Grounds(population=PEOPLE, matching=matching))
    columns = {key: [value] for key, value in row.items()}
    assert story.numbers == {*()}.union(*find_people(columns, PEOPLE, matching).values())
    by_keys = {i for one in story.keys if one.verdict == "matched" for i in one.person_ids}
    assert by_keys == (set(story.person_ids) if by_keys else set())
    if not by_keys and story.person_ids:
        assert " agree " in story.names
        assert not story.names.startswith("0 of")
