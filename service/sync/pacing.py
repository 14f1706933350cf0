"""How many calls an ad account may have in flight. Pure: a state, events, and the next state.

Additive increase while Facebook is content; multiplicative decrease, once a round trip, when it
throttles, fails or answers far slower than it uses to; slower from 75 % of the account's allowance of
calls, nothing from 95 % until that is regained. The state is the account's: all replicas share it.

Times are seconds of the database's clock, since all replicas must mean the same.
"""

from dataclasses import dataclass, replace
from typing import Final, TypeAlias

SLOW_FROM_PERCENT: Final = 75.0
STOP_FROM_PERCENT: Final = 95.0
STOP_S_MIN: Final = 60.0
"""Seconds: Facebook tells the wait in whole minutes, and less than one is not worth trying."""
USAGE_FADES_S: Final = 300.0
"""Seconds after which a usage counts no more: not every answer tells one."""
SLOW_CALL_FACTOR: Final = 3.0
"""A call that takes so many times what calls usually take is a sign of congestion."""
SLOW_CALL_S_MIN: Final = 5.0
"""Seconds below which no call counts as slow, however quick they usually are."""
USUAL_WEIGHT: Final = 0.125
"""What one call counts in the usual duration, a moving average."""


@dataclass(frozen=True, slots=True)
class Pace:
    """The pace of one ad account.

    Units: `allowance` calls in flight (fractions grow it); `usual_s` seconds that a call takes, None
    before the first; `cut_at` when the allowance was last decreased.
    """

    calls_max: int
    allowance: float
    usage_percent: float = 0.0
    usage_at: float = 0.0
    usual_s: float | None = None
    cut_at: float = 0.0

    @classmethod
    def start(cls, calls_max: int) -> "Pace":
        return cls(calls_max=calls_max, allowance=float(max(1, calls_max // 2)))


@dataclass(frozen=True, slots=True)
class Answered:
    """Facebook did what a call asked for, in `took_s` seconds."""

    at: float
    took_s: float


@dataclass(frozen=True, slots=True)
class Told:
    """An answer, good or bad, told how much of the account's allowance of calls is used."""

    at: float
    usage_percent: float
    regain_access_s: float


@dataclass(frozen=True, slots=True)
class Throttled:
    """Facebook refused a call, begun at `began_at`, because of its rate limit."""

    at: float
    began_at: float
    retry_after_s: float


@dataclass(frozen=True, slots=True)
class Troubled:
    """A call failed in passing, or its outcome is unknown."""

    at: float
    began_at: float


Event: TypeAlias = Answered | Told | Throttled | Troubled


def on_event(pace: Pace, event: Event) -> Pace:
    """The pace after an event; what it means for a stop is told by `stop_until`."""
    match event:
        case Answered():
            return _on_answer(pace, event)
        case Told():
            if event.at < pace.usage_at:
                return pace
            return replace(pace, usage_percent=event.usage_percent, usage_at=event.at)
        case Throttled() | Troubled():
            return _cut(pace, began_at=event.began_at, now=event.at)


def stop_until(event: Event) -> float | None:
    """Until when no call may be made because of an event, None if it stops nothing."""
    match event:
        case Told() if event.usage_percent >= STOP_FROM_PERCENT:
            return event.at + max(STOP_S_MIN, event.regain_access_s)
        case Throttled():
            return event.at + max(STOP_S_MIN, event.retry_after_s)
        case _:
            return None


def is_slow(pace: Pace, took_s: float) -> bool:
    """Whether a call took so long that it is a sign of congestion."""
    if pace.usual_s is None:
        return False
    return took_s > max(SLOW_CALL_S_MIN, SLOW_CALL_FACTOR * pace.usual_s)


def calls_allowed(pace: Pace, now: float) -> int:
    """Calls that may be in flight now, at least one (a stop is told apart)."""
    usage = pace.usage_percent if now - pace.usage_at < USAGE_FADES_S else 0.0
    share = (STOP_FROM_PERCENT - usage) / (STOP_FROM_PERCENT - SLOW_FROM_PERCENT)
    slowed = pace.allowance * min(1.0, max(0.0, share))
    return min(pace.calls_max, max(1, int(slowed)))


def _on_answer(pace: Pace, event: Answered) -> Pace:
    if pace.usual_s is None:
        pace = replace(pace, usual_s=event.took_s)
    usual_s = pace.usual_s or 0.0
    slow = is_slow(pace, event.took_s)
    # A slow call counts as the slowest usual one: one alone moves little, but when all calls stay
    # slow that becomes the usual, and the allowance grows again.
    most_s = max(SLOW_CALL_S_MIN, SLOW_CALL_FACTOR * usual_s)
    learnt_s = usual_s + USUAL_WEIGHT * (min(event.took_s, most_s) - usual_s)
    if slow:
        pace = _cut(pace, began_at=event.at - event.took_s, now=event.at)
    else:
        pace = replace(pace, allowance=_grown(pace))
    return replace(pace, usual_s=learnt_s)


def _grown(pace: Pace) -> float:
    """One more after a round of as many answers as are allowed in flight."""
    return max(1.0, min(float(pace.calls_max), pace.allowance + 1 / max(1.0, pace.allowance)))


def _cut(pace: Pace, *, began_at: float, now: float) -> Pace:
    """Half as many; but calls that were under way at the last cut say nothing new."""
    if began_at < pace.cut_at:
        return pace
    return replace(pace, allowance=max(1.0, pace.allowance / 2), cut_at=max(now, pace.cut_at))
