"""Allowances that fill and drain: of accounts, apps and users, by calls, CPU, time and score."""

from collections.abc import Mapping

import orjson
import pytest

from fakefb.account_score import AccountScore
from fakefb.budgets import Budget, Cost, cost_of
from tests.unit.fakefb.client import ACCOUNT, TOKEN, FakeClient, Reply, sha

LIST = f"{ACCOUNT}/customaudiences"
ACCOUNT_PATH = f"/admin/ad_accounts/{ACCOUNT}"


async def allow(fake: FakeClient, **allowances: object) -> None:
    assert (await fake.admin("PATCH", ACCOUNT_PATH, allowances)).status == 200


def usage(reply: Reply, name: str = "X-Business-Use-Case-Usage") -> Mapping[str, object]:
    value = orjson.loads(reply.headers[name])
    return dict(value["1000000001"][0] if "1000000001" in value else value)


async def test_cpu_and_time_fill_with_rows(fake: FakeClient) -> None:
    await allow(fake, cpu_s_per_hour=1, time_s_per_hour=2)
    audience = await fake.create()
    reply = await fake.add(audience, ["EMAIL"], [[sha("a@x.org")]] * 10_000)
    entry = usage(reply)
    assert (entry["call_count"], entry["total_cputime"], entry["total_time"]) == (0, 22, 30)


@pytest.mark.parametrize("name", ["cpu_s_per_hour", "time_s_per_hour"])
async def test_full_cpu_or_time_is_80003_with_a_wait_in_minutes(
    fake: FakeClient, name: str
) -> None:
    await allow(fake, **{name: 0})
    refused = await fake.graph("GET", LIST)
    assert refused.code == (400, 80003, 2446079)
    assert "Retry-After" not in refused.headers
    await allow(fake, **{name: 1})
    assert (await fake.graph("GET", LIST)).status == 200
    await allow(fake, **{name: None})
    assert usage(await fake.graph("GET", LIST))["estimated_time_to_regain_access"] == 0


async def test_tier_is_told_and_sets_the_allowance(fake: FakeClient) -> None:
    assert usage(await fake.graph("GET", LIST))["ads_api_access_tier"] == "standard_access"
    await allow(fake, tier="development")
    replies = [await fake.graph("GET", LIST) for _ in range(49)]
    entry = usage(replies[-1])
    assert entry["ads_api_access_tier"] == "development_access"
    assert entry["call_count"] == 1  # 50 of 5,000


async def test_app_limit_is_4(fake: FakeClient) -> None:
    await fake.switch(app_calls_per_hour=2)
    replies = [await fake.graph("GET", LIST) for _ in range(3)]
    assert replies[2].code == (400, 4, None)
    assert replies[2].error["is_transient"] is True
    assert usage(replies[0], "X-App-Usage")["call_count"] == 50
    await fake.admin("POST", "/admin/clock", {"advance_s": 3_660})
    assert (await fake.graph("GET", LIST)).status == 200


async def test_user_limit_is_17(fake: FakeClient) -> None:
    await fake.admin("PATCH", f"/admin/tokens/{TOKEN}", {"calls_per_hour": 1})
    assert (await fake.graph("GET", ACCOUNT)).status == 200
    assert (await fake.graph("GET", ACCOUNT)).code == (400, 17, 2446079)
    await fake.admin("PATCH", f"/admin/tokens/{TOKEN}", {"calls_per_hour": None})
    assert (await fake.graph("GET", ACCOUNT)).status == 200


async def test_calls_of_a_minute_are_613(fake: FakeClient) -> None:
    await fake.admin("PUT", "/admin/clock", {"frozen": True})
    await allow(fake, calls_per_minute=1)
    assert (await fake.graph("GET", LIST)).status == 200
    assert (await fake.graph("GET", LIST)).code == (400, 613, None)
    await fake.admin("POST", "/admin/clock", {"advance_s": 60})
    assert (await fake.graph("GET", LIST)).status == 200


async def test_score_blocks_and_drains(fake: FakeClient) -> None:
    await fake.admin("PUT", "/admin/clock", {"frozen": True})
    await allow(fake, tier="development", score_max=2)
    replies = [await fake.graph("GET", ACCOUNT) for _ in range(3)]
    assert usage(replies[0], "X-Ad-Account-Usage") == {
        "acc_id_util_pct": 50.0,
        "reset_time_duration": 150,
        "ads_api_access_tier": "development_access",
    }
    assert replies[2].code == (400, 613, 1487742)
    assert usage(replies[2], "X-Ad-Account-Usage")["reset_time_duration"] == 300
    await fake.admin("POST", "/admin/clock", {"advance_s": 299})
    assert (await fake.graph("GET", ACCOUNT)).code == (400, 613, 1487742)
    await fake.admin("POST", "/admin/clock", {"advance_s": 1})
    assert (await fake.graph("GET", ACCOUNT)).status == 200


async def test_audience_calls_score_by_a_switch_and_writing_costs_three(fake: FakeClient) -> None:
    await fake.admin("PUT", "/admin/clock", {"frozen": True})
    assert "X-Ad-Account-Usage" not in (await fake.graph("GET", LIST)).headers
    await fake.switch(account_score="all_calls")
    await allow(fake, score_max=100)
    await fake.create()
    assert usage(await fake.graph("GET", LIST), "X-Ad-Account-Usage")["acc_id_util_pct"] == 4.0


def test_budget_waits_for_the_figure_that_is_full() -> None:
    budget = Budget()
    budget.charge(0, Cost(1, 500, 10))
    budget.charge(600, Cost(1, 600, 10))
    assert budget.total(601) == Cost(2, 1_100, 20)
    assert budget.wait_minutes(601, Cost(9, 1_000, 99)) == 50
    assert budget.wait_minutes(601, Cost(9, 2_000, 99)) == 0
    assert budget.total(3_600) == Cost(1, 600, 10)
    assert budget.total(4_200) == Cost()
    assert cost_of(10_000) == Cost(1, 210, 550)


def test_score_decays_in_five_minutes() -> None:
    score = AccountScore()
    assert score.charge(0, 60, 60, 300)
    assert score.now(150, 60) == 30
    assert score.charge(150, 30, 60, 300)
    assert not score.charge(150, 1, 60, 300)
    assert score.reset_s(151, 60) == 299
