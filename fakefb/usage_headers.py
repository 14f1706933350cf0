"""Owns the headers that tell how much of an allowance is used up."""

import orjson

from fakefb.ad_accounts import AdAccount
from fakefb.call import Call
from fakefb.tiers import app_allowance
from fakefb.tokens import Token


def usage_headers(call: Call) -> dict[str, str]:
    """Return the usage headers of a call; figures in per cent, waits in minutes or seconds."""
    usage: dict[str, object] = {}
    if call.account is not None:
        entry = business_usage(call.account, _audiences(call, call.account), call.now)
        usage["X-Business-Use-Case-Usage"] = {call.account.number: [entry]}
    if call.caller is not None:
        usage["X-App-Usage"] = _app_usage(call, call.caller)
    if call.scored is not None:
        usage["X-Ad-Account-Usage"] = score_usage(call.scored, call.now)
    return {name: orjson.dumps(value).decode() for name, value in usage.items()}


def business_usage(account: AdAccount, audiences: int, now: float) -> dict[str, object]:
    """Return the account's entry of X-Business-Use-Case-Usage."""
    allowance = account.allowance(audiences)
    calls, cpu, time = account.budget.total(now).percent(allowance)
    return {
        "type": "custom_audience",
        "call_count": calls,
        "total_cputime": cpu,
        "total_time": time,
        "estimated_time_to_regain_access": account.budget.wait_minutes(now, allowance),
        "ads_api_access_tier": f"{account.tier.value}_access",
    }


def score_usage(account: AdAccount, now: float) -> dict[str, object]:
    """Return what X-Ad-Account-Usage says of the account."""
    return {
        "acc_id_util_pct": account.score.percent(now, account.largest_score),
        "reset_time_duration": account.score.reset_s(now, account.largest_score),
        "ads_api_access_tier": f"{account.tier.value}_access",
    }


def _audiences(call: Call, account: AdAccount) -> int:
    return len(call.state.audiences.of(account.ad_account_id))


def _app_usage(call: Call, token: Token) -> dict[str, int]:
    limit = call.state.settings.app_calls_per_hour
    allowance = app_allowance(limit)
    calls, cpu, time = call.state.tokens.app_budget(token.app_id).total(call.now).percent(allowance)
    return {"call_count": calls, "total_cputime": cpu, "total_time": time}
