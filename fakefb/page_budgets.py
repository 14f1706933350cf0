"""Owns the view of budgets: what each ad account has used of its hour, and of its score."""

from typing import Final

from fakefb.ad_accounts import AdAccount
from fakefb.budgets import Cost
from fakefb.page_html import Html, bar, table, tag
from fakefb.state import FakeState

_HEAD: Final = ("Ad account", "Name", "Calls", "CPU time", "Wall time", "Score", "Wait")


def render_budgets(state: FakeState) -> Html:
    """Return the bars of each ad account; calls and times are those of the last hour."""
    rows = [_row(state, account) for account in state.ad_accounts.values()]
    return table("Budgets of the last hour by ad account", _HEAD, rows, "There is no ad account.")


def _row(state: FakeState, account: AdAccount) -> tuple[object, ...]:
    now = state.clock.now()
    used = account.budget.total(now)
    allowed = account.allowance(len(state.audiences.of(account.ad_account_id)))
    wait = account.budget.wait_minutes(now, allowed)
    score = account.score.percent(now, account.largest_score)
    return (
        tag("code", account.ad_account_id),
        account.name,
        *_bars(account, used, allowed),
        _bar(f"score of {account.ad_account_id}", score, 100, f"{score:,.0f} of 100 %"),
        f"{wait} min" if wait else "none",
    )


def _bars(account: AdAccount, used: Cost, allowed: Cost) -> list[Html]:
    calls = f"{used.calls:,} of {allowed.calls:,}"
    return [
        _bar(f"calls of {account.ad_account_id}", used.calls, allowed.calls, calls),
        _time_bar(f"CPU time of {account.ad_account_id}", used.cpu_ms, allowed.cpu_ms),
        _time_bar(f"wall time of {account.ad_account_id}", used.time_ms, allowed.time_ms),
    ]


def _time_bar(label: str, used_ms: int, allowed_ms: int) -> Html:
    shown = f"{used_ms / 1_000:,.1f} of {allowed_ms / 1_000:,.0f} s"
    return _bar(label, used_ms, allowed_ms, shown)


def _bar(label: str, used: float, allowed: float, shown: str) -> Html:
    gauge = bar(used, allowed, label, full_is_bad=True)
    return tag("div", gauge, tag("small", shown), class_="gauge")
