"""Owns who pays for a call, and what is refused when somebody has called too often."""

from fakefb import graph_errors, limit_errors
from fakefb.account_score import READ_POINTS, WRITE_POINTS
from fakefb.ad_accounts import AdAccount
from fakefb.budgets import cost_of
from fakefb.state import FakeState
from fakefb.tokens import Token


def charge_caller(token: Token, state: FakeState, now: float) -> None:
    """Count a call for the token's app and user.

    Raises: GraphError 4 or 17 when the call does not fit.
    """
    app = state.tokens.app_budget(token.app_id)
    app_full = app.used(now) >= state.settings.app_calls_per_hour
    limit = token.calls_per_hour
    user_full = limit is not None and token.budget.used(now) >= limit
    cost = cost_of(0)
    app.charge(now, cost)
    token.budget.charge(now, cost)
    if app_full:
        raise limit_errors.app_limit()
    if user_full:
        raise limit_errors.user_limit()


def charge_audience_call(account: AdAccount, state: FakeState, now: float, rows: int) -> None:
    """Count a call about custom audiences for its ad account.

    Raises: GraphError 80003 when the hour is used up, 613 when the minute is.
    """
    allowance = account.allowance(len(state.audiences.of(account.ad_account_id)))
    fits = account.budget.total(now).fits(allowance)
    per_minute = account.calls_per_minute
    minute_full = per_minute is not None and account.budget.calls_of_minute(now) >= per_minute
    account.budget.charge(now, cost_of(rows))
    if not fits:
        raise graph_errors.too_many_calls()
    if minute_full:
        raise limit_errors.call_rate_limit()


def charge_score(account: AdAccount, now: float, *, is_read: bool) -> None:
    """Count a call in the score of its ad account.

    Raises: GraphError 613/1487742 when the score is used up.
    """
    points = READ_POINTS if is_read else WRITE_POINTS
    block_s = account.allowances.block_s
    if not account.score.charge(now, points, account.largest_score, block_s):
        raise limit_errors.account_score_limit()
