"""The official SDK makes, reads, lists, changes and deletes audiences."""

import pytest
from facebook_business.adobjects.adaccount import AdAccount
from facebook_business.adobjects.customaudience import CustomAudience
from facebook_business.adobjects.user import User
from facebook_business.exceptions import FacebookRequestError

from fakefb.testing import FakeFacebook
from tests.conformance.world import ACCOUNT_PATH, TOKEN_PATH, inside, make_list, make_people, sha


def test_create_then_read(account: AdAccount) -> None:
    made = make_list(account, "Käufer & Co", description="nightly")
    fields = ["name", "description", "subtype", "operation_status", "delivery_status"]
    read = CustomAudience(made["id"]).api_get(fields=fields)
    assert (read["name"], read["description"], read["subtype"]) == (
        "Käufer & Co",
        "nightly",
        "CUSTOM",
    )
    assert read["operation_status"]["code"] == 410
    assert read["delivery_status"]["code"] == 300


def test_list_follows_pages_newest_first(account: AdAccount) -> None:
    made = [make_list(account, f"List {i}")["id"] for i in range(7)]
    cursor = account.get_custom_audiences(fields=["name"], params={"limit": 3})
    assert cursor.total() == 7
    assert [audience["id"] for audience in cursor] == made[::-1]


def test_list_can_be_filtered(account: AdAccount) -> None:
    filled, empty = make_list(account, "filled"), make_list(account, "empty")
    filled.add_users(CustomAudience.Schema.email_hash, ["a@example.org"])
    wanted = [{"field": "operation_status.code", "operator": "IN", "value": [410]}]
    found = account.get_custom_audiences(params={"filtering": wanted})
    assert [audience["id"] for audience in found] == [empty["id"]]


def test_an_empty_page_that_has_a_next_one_stops_the_sdk(
    world: FakeFacebook, account: AdAccount
) -> None:
    made = [make_list(account, f"List {i}")["id"] for i in range(4)]
    world.settings(empty_pages="between")
    found = account.get_custom_audiences(params={"limit": 2})
    assert [audience["id"] for audience in found] == made[:1:-1]


def test_update_and_delete(account: AdAccount) -> None:
    made = make_list(account, "Old")
    made.api_update(params={"name": "New"})
    assert made.api_get(fields=["name"])["name"] == "New"
    made.api_delete()
    with pytest.raises(FacebookRequestError) as gone:
        made.api_get(fields=["name"])
    assert (gone.value.api_error_code(), gone.value.api_error_subcode()) == (100, 33)


def test_lookalike_blocks_the_deletion_of_its_origin(
    world: FakeFacebook, account: AdAccount
) -> None:
    emails = make_people(world, 120)
    origin = make_list(account)
    origin.add_users(["EMAIL"], [[email] for email in emails], is_raw=True)
    lookalike = account.create_custom_audience(
        params={
            "name": "Buyers 1 %",
            "subtype": "LOOKALIKE",
            "origin_audience_id": origin["id"],
            "lookalike_spec": '{"type":"similarity","country":"DE"}',
        }
    )
    read = CustomAudience(origin["id"]).api_get(fields=["lookalike_audience_ids"])
    assert read["lookalike_audience_ids"] == [lookalike["id"]]
    with pytest.raises(FacebookRequestError) as refused:
        origin.api_delete()
    assert refused.value.api_error_code() == 2656


def test_accounts_and_terms(world: FakeFacebook, account: AdAccount) -> None:
    mine = list(User("me").get_ad_accounts(fields=["account_id", "account_status"]))
    assert [(a["id"], a["account_status"]) for a in mine] == [("act_1000000001", 1)]
    world.admin("PATCH", ACCOUNT_PATH, {"tos_accepted": False})
    world.admin("PATCH", TOKEN_PATH, {"kind": "USER"})
    with pytest.raises(FacebookRequestError) as refused:
        make_list(account)
    assert refused.value.api_error_subcode() == 1870034
    terms = list(account.get_custom_audiences_tos(fields=["id", "type"]))
    first = next(t for t in terms if t["type"] == "custom_audience_tos")
    account.create_custom_audiences_to(params={"tos_id": first["id"]})
    read = account.api_get(fields=["tos_accepted"])
    assert read["tos_accepted"] == {"custom_audience_tos": 1}


def test_sharing(world: FakeFacebook, account: AdAccount) -> None:
    world.admin("POST", "/admin/ad_accounts", {"ad_account_id": "act_77"})
    made = make_list(account)
    made.share_audience(["77"])
    assert [a["id"] for a in made.get_ad_accounts()] == ["act_77"]
    made.unshare_audience(["77"])
    assert list(made.get_ad_accounts()) == []


def test_erasure_reaches_every_list(world: FakeFacebook, account: AdAccount) -> None:
    emails = make_people(world, 3)
    lists = [make_list(account, f"List {i}") for i in range(2)]
    for made in lists:
        made.add_users(["EMAIL"], [[email] for email in emails], is_raw=True)
    payload = {"schema": ["EMAIL"], "data": [[sha(emails[0])]]}
    account.delete_users_of_any_audience(params={"payload": payload})
    assert [inside(world, made) for made in lists] == [["p1", "p2"]] * 2
