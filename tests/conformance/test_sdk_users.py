"""The official SDK changes memberships, in all of its ways."""

import pytest
from facebook_business.adobjects.adaccount import AdAccount
from facebook_business.adobjects.customaudience import CustomAudience
from facebook_business.api import FacebookAdsApi
from facebook_business.exceptions import FacebookRequestError
from requests.exceptions import ConnectionError as Cut

from fakefb.testing import FakeFacebook
from tests.conformance.world import inside, make_list, make_people, sha

Schema = CustomAudience.Schema


def test_add_and_remove_with_several_keys(world: FakeFacebook, account: AdAccount) -> None:
    emails = make_people(world, 5)
    made = make_list(account)
    keys = [Schema.MultiKeySchema.email, Schema.MultiKeySchema.fn]
    rows = [[email.upper(), "Ann"] for email in emails]
    added = made.add_users(keys, rows, is_raw=True).json()
    assert (added["num_received"], added["num_invalid_entries"]) == (5, 0)
    assert added["audience_id"] == made["id"]
    made.remove_users([Schema.MultiKeySchema.email], [[emails[0]]], is_raw=True)
    assert inside(world, made) == ["p1", "p2", "p3", "p4"]


@pytest.mark.parametrize(
    ("schema", "users", "more"),
    [
        (Schema.email_hash, ["p0@example.org"], {}),
        (Schema.phone_hash, ["16505551212"], {}),
        (Schema.mobile_advertiser_id, ["38400000-8cf0-11bd-b23e-10b96e40000d"], {}),
        (Schema.uid, ["p0"], {"app_ids": ["5550001"]}),
    ],
)
def test_single_keys_match(
    world: FakeFacebook, account: AdAccount, schema: str, users: list[str], more: dict[str, object]
) -> None:
    person = {
        "person_id": "p0",
        "emails": ["p0@example.org"],
        "phones": ["+1 650 555 1212"],
        "mobile_ad_ids": ["38400000-8cf0-11bd-b23e-10b96e40000d"],
    }
    world.add_people(person)
    made = make_list(account)
    assert made.add_users(schema, users, **more).json()["num_invalid_entries"] == 0
    assert inside(world, made) == ["p0"]


def test_device_ids_hashed_by_the_mixin_are_invalid(account: AdAccount) -> None:
    made = make_list(account)
    device = "38400000-8cf0-11bd-b23e-10b96e40000d"
    answer = made.add_users(["MADID"], [[device]], is_raw=True).json()
    assert answer["num_invalid_entries"] == 1


def test_generated_calls_and_sessions(world: FakeFacebook, account: AdAccount) -> None:
    emails = make_people(world, 2)
    made = make_list(account)
    rows = [[sha(email)] for email in emails]
    payload = {"schema": ["EMAIL"], "data": rows}
    session = {"session_id": 8812, "batch_seq": 1, "last_batch_flag": True}
    made.create_user(params={"payload": payload, "session": session})
    [told] = made.get_sessions(params={"session_id": 8812})
    assert (told["session_id"], told["num_received"]) == ("8812", "2")
    assert told["num_matched"] == "2"
    made.delete_users(params={"payload": {"schema": ["EMAIL"], "data": rows[:1]}})
    assert inside(world, made) == ["p1"]


def test_replace_puts_new_people_in_the_place_of_the_old(
    world: FakeFacebook, account: AdAccount
) -> None:
    emails = make_people(world, 4)
    made = make_list(account)
    made.add_users(["EMAIL"], [[emails[0]]], is_raw=True)

    def send(batch_seq: int, email: str, *, is_last: bool) -> None:
        session = {"session_id": 5, "batch_seq": batch_seq, "last_batch_flag": is_last}
        payload = {"schema": ["EMAIL"], "data": [[sha(email)]]}
        made.create_users_replace(params={"payload": payload, "session": session})

    send(1, emails[2], is_last=False)
    with pytest.raises(FacebookRequestError) as blocked:
        made.add_users(["EMAIL"], [[emails[1]]], is_raw=True)
    assert (blocked.value.api_error_code(), blocked.value.api_error_subcode()) == (2650, 1870145)
    send(2, emails[3], is_last=True)
    assert inside(world, made) == ["p2", "p3"]
    assert made.api_get(fields=["operation_status"])["operation_status"]["code"] == 200


def test_removals_of_250_rows_pass_and_of_300_are_cut(
    world: FakeFacebook, account: AdAccount
) -> None:
    emails = make_people(world, 300)
    made = make_list(account)
    made.add_users(["EMAIL"], [[email] for email in emails], is_raw=True)
    made.remove_users(["EMAIL"], [[email] for email in emails[:250]], is_raw=True)
    assert len(inside(world, made)) == 50
    with pytest.raises(Cut):
        made.remove_users(["EMAIL"], [[email] for email in emails], is_raw=True)
    assert len(inside(world, made)) == 50


@pytest.mark.parametrize(
    "effect", [{"html": {"status": 502}}, {"json": {"status": 500, "body": {"a": 1}}}]
)
def test_mixin_takes_a_failure_without_an_error_for_success(
    world: FakeFacebook, account: AdAccount, effect: dict[str, object]
) -> None:
    emails = make_people(world, 1)
    made = make_list(account)
    world.arm(effect, operation="add")
    response = made.add_users(["EMAIL"], [[emails[0]]], is_raw=True)
    assert response.is_success()
    assert response.status() >= 500
    assert inside(world, made) == []


def test_generated_call_trips_over_an_html_page(world: FakeFacebook, account: AdAccount) -> None:
    made = make_list(account)
    world.arm({"html": {"status": 400}}, operation="add")
    payload = {"schema": ["EMAIL"], "data": [[sha("a@example.org")]]}
    with pytest.raises(TypeError):
        made.create_user(params={"payload": payload})


@pytest.mark.parametrize("effect", [{"success_false": True}, {"empty": {"status": 500}}])
def test_failures_that_the_mixin_sees(
    world: FakeFacebook, account: AdAccount, effect: dict[str, object]
) -> None:
    made = make_list(account)
    world.arm(effect, operation="add")
    with pytest.raises(FacebookRequestError):
        made.add_users(["EMAIL"], [["a@example.org"]], is_raw=True)


def test_batch_calls_back_for_each_item(world: FakeFacebook, account: AdAccount) -> None:
    emails = make_people(world, 1)
    made = make_list(account)
    seen: list[tuple[str, int]] = []

    def good(response: object) -> None:
        seen.append(("good", response.status()))  # type: ignore[attr-defined]

    def bad(response: object) -> None:
        seen.append(("bad", response.error().api_error_code()))  # type: ignore[attr-defined]

    batch = FacebookAdsApi.get_default_api().new_batch()
    payload = {"schema": ["EMAIL"], "data": [[sha(emails[0])]]}
    made.create_user(params={"payload": payload}, batch=batch, success=good, failure=bad)
    CustomAudience("1").api_get(fields=["name"], batch=batch, success=good, failure=bad)
    made.delete_users(params={"payload": payload}, batch=batch, success=good, failure=bad)
    assert batch.execute() is None
    assert seen == [("good", 200), ("bad", 100), ("good", 200)]
    assert inside(world, made) == []


def test_batch_hands_back_items_that_timed_out(world: FakeFacebook, account: AdAccount) -> None:
    made = make_list(account)
    world.arm({"lost_answer": True}, operation="read")
    batch = FacebookAdsApi.get_default_api().new_batch()
    made.api_get(fields=["name"], batch=batch)
    again = batch.execute()
    assert len(again) == 1
