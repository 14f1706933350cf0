"""Owns ad accounts: their fields, their terms and their budget."""

from dataclasses import dataclass, field
from typing import Final

from fakefb.budgets import Budget, default_allowance

TERMS: Final = "custom_audience_tos"


@dataclass(slots=True, kw_only=True)
class AdAccount:
    """One ad account; `calls_per_hour` None = the documented allowance."""

    ad_account_id: str
    name: str = ""
    account_status: int = 1
    tos_accepted: bool = True
    calls_per_hour: int | None = None
    time_created: int = 0
    budget: Budget = field(default_factory=Budget)

    @property
    def number(self) -> str:
        """Return the id without its prefix."""
        return self.ad_account_id.removeprefix("act_")

    def allowance(self, audiences: int) -> int:
        """Return the calls an hour that the account has."""
        return default_allowance(audiences) if self.calls_per_hour is None else self.calls_per_hour

    def usage(self, now: float, audiences: int) -> dict[str, object]:
        """Return the entry of X-Business-Use-Case-Usage; figures in percent, the wait in minutes."""
        allowance = self.allowance(audiences)
        percent = self.budget.used(now) * 100 // max(allowance, 1)
        return {
            "type": "custom_audience",
            "call_count": percent,
            "total_cputime": 0,
            "total_time": 0,
            "estimated_time_to_regain_access": self.budget.wait_minutes(now, allowance),
            "ads_api_access_tier": "standard_access",
        }

    def fields(self) -> dict[str, object]:
        """Return every readable field that this fake fills."""
        terms = {TERMS: 1} if self.tos_accepted else {}
        return {
            "id": self.ad_account_id,
            "account_id": self.number,
            "name": self.name,
            "account_status": self.account_status,
            "currency": "USD",
            "timezone_name": "America/Los_Angeles",
            "created_time": self.time_created,
            "tos_accepted": terms,
            "user_tos_accepted": terms,
        }


EMPTY_FIELDS: Final = frozenset({"business", "owner", "age", "disable_reason", "funding_source"})
"""Fields that exist and are never filled here."""
