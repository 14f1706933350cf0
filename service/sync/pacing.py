"""How many calls an ad account may have in flight. Pure: a state, events, and the next state.

Additive increase while Facebook is content, multiplicative decrease when it throttles, slower from
75 % of the account's allowance, nothing from 95 % until the allowance is regained.
"""

from dataclasses import dataclass, replace
from typing import Final

SLOW_FROM_PERCENT: Final = 75.0
STOP_FROM_PERCENT: Final = 95.0
STOP_S_MIN: Final = 60.0
"""Seconds: Facebook tells the wait in whole minutes, and less than one is not worth trying."""


@dataclass(frozen=True, slots=True)
class Pace:
    """The pace of one ad account.

    Units: `allowance` calls in flight (fractions grow it), `resume_at` seconds of a monotonic clock.
    """

    calls_max: int
    allowance: float
    usage_percent: float = 0.0
    resume_at: float = 0.0

    @classmethod
    def start(cls, calls_max: int) -> "Pace":
        return cls(calls_max=calls_max, allowance=float(max(1, calls_max // 2)))


def on_answer(pace: Pace, *, usage_percent: float, regain_access_s: float, now: float) -> Pace:
    """Facebook answered and told how much of the allowance is used."""
    grown = min(float(pace.calls_max), pace.allowance + 1 / max(1.0, pace.allowance))
    resume_at = pace.resume_at
    if usage_percent >= STOP_FROM_PERCENT:
        resume_at = max(resume_at, now + max(STOP_S_MIN, regain_access_s))
    return replace(pace, allowance=grown, usage_percent=usage_percent, resume_at=resume_at)


def on_throttle(pace: Pace, *, retry_after_s: float, now: float) -> Pace:
    """Facebook refused a call because of its rate limit."""
    resume_at = max(pace.resume_at, now + max(STOP_S_MIN, retry_after_s))
    return replace(pace, allowance=max(1.0, pace.allowance / 2), resume_at=resume_at)


def on_trouble(pace: Pace) -> Pace:
    """A call failed or its outcome is unknown: fewer at once."""
    return replace(pace, allowance=max(1.0, pace.allowance / 2))


def calls_allowed(pace: Pace) -> int:
    """Calls that may be in flight now, at least one (a stop is told by `resume_at`)."""
    share = (STOP_FROM_PERCENT - pace.usage_percent) / (STOP_FROM_PERCENT - SLOW_FROM_PERCENT)
    slowed = pace.allowance * min(1.0, max(0.0, share))
    return max(1, int(slowed))
