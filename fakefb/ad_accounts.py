"""Owns ad accounts: their fields, their terms, and what is left of their allowances."""

from dataclasses import dataclass, field
from typing import Final

from fakefb.account_score import AccountScore
from fakefb.budgets import Budget, Cost
from fakefb.extern_links import ExternLinks
from fakefb.tiers import ALLOWANCES, Allowances, Tier, hourly_allowance

TERMS: Final = "custom_audience_tos"
VALUE_TERMS: Final = "value_based_custom_audience_tos"


@dataclass(slots=True, kw_only=True)
class AdAccount:
    """One ad account; an allowance None = the documented one, or none where there is no figure."""

    ad_account_id: str
    name: str = ""
    account_status: int = 1
    tos_accepted: bool = True
    value_tos_accepted: bool = False
    tier: Tier = Tier.STANDARD
    calls_per_hour: int | None = None
    cpu_s_per_hour: int | None = None
    time_s_per_hour: int | None = None
    calls_per_minute: int | None = None
    score_max: int | None = None
    time_created: int = 0
    budget: Budget = field(default_factory=Budget)
    score: AccountScore = field(default_factory=AccountScore)
    extern_links: ExternLinks = field(default_factory=ExternLinks)

    @property
    def number(self) -> str:
        """Return the id without its prefix."""
        return self.ad_account_id.removeprefix("act_")

    @property
    def allowances(self) -> Allowances:
        """Return what the account's tier allows."""
        return ALLOWANCES[self.tier]

    @property
    def largest_score(self) -> int:
        """Return the points from which on the account is blocked."""
        return self.allowances.score_max if self.score_max is None else self.score_max

    def allowance(self, audiences: int) -> Cost:
        """Return what the account may use of an hour."""
        return hourly_allowance(
            self.tier,
            audiences,
            calls_per_hour=self.calls_per_hour,
            cpu_s_per_hour=self.cpu_s_per_hour,
            time_s_per_hour=self.time_s_per_hour,
        )

    def accepted_terms(self) -> dict[str, int]:
        """Return the names of the accepted terms, each with a 1."""
        accepted = {TERMS: self.tos_accepted, VALUE_TERMS: self.value_tos_accepted}
        return {name: 1 for name, is_accepted in accepted.items() if is_accepted}

    def fields(self) -> dict[str, object]:
        """Return every readable field that this fake fills."""
        terms = self.accepted_terms()
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
