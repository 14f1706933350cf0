"""Owns how long the loop of a service was held, read from the lines of its log."""

import json
from collections.abc import Iterable
from typing import Final

LOGGED_S_MIN: Final = 0.001
"""Seconds of a hold from which on a service under measurement logs it: below, it is none."""
EVENT: Final = "event loop held"


def longest_hold(lines: Iterable[str]) -> tuple[float, float]:
    """Milliseconds of the longest hold that any process logged, and of those the ones it computed."""
    told = (json.loads(line) for line in lines if EVENT in line)
    holds = [(one["milliseconds"], one["computing_milliseconds"]) for one in told]
    return max(holds, default=(LOGGED_S_MIN * 1000, 0.0))
