"""Owns the two tiers of access to the API, and what an ad account may use on each."""

import enum
from dataclasses import dataclass
from typing import Final

from fakefb.budgets import Cost

CALLS_PER_AUDIENCE: Final = 40
CALLS_PER_HOUR_MAX: Final = 700_000
CPU_MS_PER_CALL_ALLOWED: Final = 150
TIME_MS_PER_CALL_ALLOWED: Final = 400
"""CPU and wall time an hour for each allowed call; a guess, there is no figure."""


class Tier(enum.StrEnum):
    """Access of an app to an account; Meta's new names are Limited and Full."""

    DEVELOPMENT = "development"
    STANDARD = "standard"


@dataclass(frozen=True, slots=True, kw_only=True)
class Allowances:
    """What a tier allows: calls an hour, and the account score (points, seconds)."""

    calls_per_hour: int
    score_max: int
    block_s: int


ALLOWANCES: Final = {
    Tier.DEVELOPMENT: Allowances(calls_per_hour=5_000, score_max=60, block_s=300),
    Tier.STANDARD: Allowances(calls_per_hour=190_000, score_max=9_000, block_s=60),
}


def hourly_allowance(
    tier: Tier,
    audiences: int,
    *,
    calls_per_hour: int | None,
    cpu_s_per_hour: int | None,
    time_s_per_hour: int | None,
) -> Cost:
    """Return what an account may use of an hour; None = as documented, or as guessed from it."""
    documented = ALLOWANCES[tier].calls_per_hour + CALLS_PER_AUDIENCE * audiences
    documented = min(documented, CALLS_PER_HOUR_MAX)
    cpu_ms, time_ms = documented * CPU_MS_PER_CALL_ALLOWED, documented * TIME_MS_PER_CALL_ALLOWED
    return Cost(
        documented if calls_per_hour is None else calls_per_hour,
        cpu_ms if cpu_s_per_hour is None else cpu_s_per_hour * 1_000,
        time_ms if time_s_per_hour is None else time_s_per_hour * 1_000,
    )


def app_allowance(calls_per_hour: int) -> Cost:
    """Return what an app may use of an hour."""
    return Cost(
        calls_per_hour,
        calls_per_hour * CPU_MS_PER_CALL_ALLOWED,
        calls_per_hour * TIME_MS_PER_CALL_ALLOWED,
    )
