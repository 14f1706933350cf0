"""Reads how much of its allowance an ad account has used from an answer's headers."""

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

import orjson

REGAIN_SECONDS_MAX: Final = 86_400.0
"""Longest wait believed of a header, in seconds; allowances roll over within the hour."""

_FULL: Final = 100
_USE_CASE: Final = "custom_audience"
_PERCENTS: Final = ("call_count", "total_cputime", "total_time")


@dataclass(frozen=True, slots=True, kw_only=True)
class Usage:
    """How full the fullest budget is, in percent (it may pass 100), and when calls are let in again.

    `regain_access_s` is 0 while Facebook lets calls through.
    """

    percent: float
    regain_access_s: float = 0.0
    tier: str | None = None


def parse_usage(headers: Mapping[str, str], ad_account_number: str | None) -> Usage | None:
    """Fold the three usage headers into one figure; None when none of them can be read.

    Without an account number (or when the header does not name it), every entry counts that is
    about custom audiences: an answer about an audience speaks of the account that owns it.
    Source: graph-contract §8.1 (minutes in the first header, seconds in the last).
    """
    lowered = {name.lower(): value for name, value in headers.items()}
    found = [
        *_use_case_usage(lowered.get("x-business-use-case-usage", ""), ad_account_number),
        *_app_usage(lowered.get("x-app-usage", "")),
        *_account_usage(lowered.get("x-ad-account-usage", "")),
    ]
    if not found:
        return None
    return Usage(
        percent=max(usage.percent for usage in found),
        regain_access_s=min(max(usage.regain_access_s for usage in found), REGAIN_SECONDS_MAX),
        tier=next((usage.tier for usage in found if usage.tier), None),
    )


def _use_case_usage(header: str, ad_account_number: str | None) -> Iterator[Usage]:
    by_owner = _object(header)
    owners = [ad_account_number] if ad_account_number in by_owner else list(by_owner)
    for owner in owners:
        entries = by_owner.get(str(owner))
        for entry in entries if isinstance(entries, list) else ():
            if isinstance(entry, dict) and entry.get("type") == _USE_CASE:
                minutes = _number(entry.get("estimated_time_to_regain_access"))
                yield from _entry_usage(entry, regain_access_s=minutes * 60)


def _app_usage(header: str) -> Iterator[Usage]:
    yield from _entry_usage(_object(header), regain_access_s=0)


def _account_usage(header: str) -> Iterator[Usage]:
    entry = _object(header)
    if "acc_id_util_pct" in entry:
        percent = _number(entry["acc_id_util_pct"])
        reset_s = _number(entry.get("reset_time_duration"))
        yield Usage(
            percent=percent, regain_access_s=reset_s if percent >= _FULL else 0, tier=_tier(entry)
        )


def _entry_usage(entry: Mapping[str, object], *, regain_access_s: float) -> Iterator[Usage]:
    percents = [_number(entry[name]) for name in _PERCENTS if name in entry]
    if percents or regain_access_s:
        yield Usage(
            percent=max(percents, default=0.0), regain_access_s=regain_access_s, tier=_tier(entry)
        )


def _tier(entry: Mapping[str, object]) -> str | None:
    tier = entry.get("ads_api_access_tier")
    return tier if isinstance(tier, str) else None


def _object(header: str) -> dict[str, object]:
    try:
        value = orjson.loads(header)
    except ValueError:
        return {}
    return value if isinstance(value, dict) else {}


def _number(value: object) -> float:
    """A finite number of at least 0; 0 for anything else."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return 0.0
    try:
        number = float(value)
    except ValueError:
        return 0.0
    return number if math.isfinite(number) and number > 0 else 0.0
