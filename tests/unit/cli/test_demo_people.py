"""The made-up people: the same for a seed, messy, and one only where the lists show it."""

from collections import Counter

import pytest

from service.cli.demo_people import Customer, DemoPeople, make_people
from service.identifiers import DropReason, Key, MemberRows, RawMember, rows_of_member


@pytest.fixture(scope="module")
def people() -> DemoPeople:
    return make_people(2_000, seed=1)


def rows(customer: Customer) -> MemberRows:
    raw = RawMember(
        emails=customer["emails"],
        phones=customer["phones"],
        mobile_ad_ids=customer["mobile_ad_ids"],
        traits=customer["traits"],
    )
    return rows_of_member(raw, default_region="US", this_year=2026)


def test_everything_follows_from_the_seed(people: DemoPeople) -> None:
    assert make_people(2_000, seed=1) == people
    assert make_people(2_000, seed=2) != people


def test_there_are_as_many_members_as_asked_for(people: DemoPeople) -> None:
    assert len({one["member_id"] for one in people.first_day}) == 2_000
    assert len(make_people(1, seed=1).first_day) == 1


def test_the_second_day_has_leavers_entrants_changes_and_people_who_come_back(
    people: DemoPeople,
) -> None:
    first = {one["member_id"] for one in people.first_day}
    entered = {one["member_id"] for one in people.entered}
    assert set(people.left) <= first
    assert entered & set(people.left), "somebody comes back"
    assert entered - first, "somebody is new"
    assert {one["member_id"] for one in people.changed} <= first - set(people.left)
    assert {one["member_id"] for one in people.second_day()} == (first - set(people.left)) | entered


def test_junk_is_dropped_for_many_reasons_and_no_trait_is_unknown(people: DemoPeople) -> None:
    read = [rows(one) for one in people.first_day]
    reasons = {dropped for one in read for dropped in one.dropped}
    assert {
        (Key.EMAIL, DropReason.NOT_AN_EMAIL),
        (Key.PHONE, DropReason.ALL_ZEROS),
        (Key.PHONE, DropReason.UNREADABLE),
        (Key.MADID, DropReason.NOT_A_UUID),
        (Key.GEN, DropReason.UNKNOWN_VALUE),
        (Key.DOBD, DropReason.NO_SUCH_DATE),
    } <= reasons
    assert sum(one.unknown_traits for one in read) == 0


def test_some_members_have_several_rows_some_none_and_some_share_an_email(
    people: DemoPeople,
) -> None:
    sizes = Counter(len(rows(one).rows) for one in people.first_day)
    assert sizes[0]
    assert sizes[1]
    assert sizes[2]
    emails = Counter(e.strip().lower() for one in people.first_day for e in set(one["emails"]))
    assert any(count == 2 for email, count in emails.items() if email.count("@") == 1)


def test_names_are_unique_in_a_country_and_numbers_everywhere() -> None:
    population = make_people(20_000, seed=3).population
    names = Counter((p["country"], p["first_name"], p["last_name"]) for p in population)
    phones = Counter(phone for person in population for phone in person["phones"])
    assert names.most_common(1)[0][1] == 1
    assert phones.most_common(1)[0][1] == 1


def test_only_a_part_of_the_members_is_on_facebook_and_facebook_has_others_too(
    people: DemoPeople,
) -> None:
    members = {int(one["member_id"].removeprefix("customer-")) for one in people.first_day}
    known = {int(one["person_id"].removeprefix("fb-")) for one in people.population}
    assert len(members & known) < 0.9 * len(members)
    assert known - members
