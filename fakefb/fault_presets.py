"""Owns the faults that have a name of their own, to be switched on without writing a rule."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Final

from fakefb.fault_rules import FaultRule


@dataclass(frozen=True, slots=True)
class Preset:
    """A rule and what it is good for."""

    rule: FaultRule
    explanation: str


_USERS: Final[Mapping[str, object]] = {"path": "/users$"}

_PRESETS: Final[tuple[tuple[str, str, Mapping[str, object], Mapping[str, object]], ...]] = (
    (
        "budget-used-up",
        "Every call is one too many: 80003, without Retry-After",
        {},
        {"graph_error": {"code": 80003, "subcode": 2446079, "message": "Too many calls"}},
    ),
    (
        "abuse-guard",
        "Uploads are refused with 613",
        _USERS,
        {"graph_error": {"code": 613, "message": "Calls to this api have exceeded the rate limit"}},
    ),
    (
        "lost-answer",
        "Uploads are done, and their answers never come",
        _USERS,
        {"lost_answer": True},
    ),
    ("reset-before", "Uploads end in a TCP reset; nothing is done", _USERS, {"reset": "before"}),
    ("reset-after", "Uploads are done, then end in a TCP reset", _USERS, {"reset": "after"}),
    ("half-a-body", "Uploads are done; half of the answer comes", _USERS, {"truncate_body": True}),
    ("html-502", "An HTML page instead of JSON", {}, {"html": {"status": 502}}),
    (
        "transient",
        "Every second call fails with the transient error 2",
        {"probability": 0.5},
        {"graph_error": {"code": 2, "http_status": 500, "is_transient": True}},
    ),
    (
        "token-expired",
        "The token has expired: 190/463",
        {},
        {"graph_error": {"code": 190, "subcode": 463, "message": "Session has expired"}},
    ),
    (
        "terms-not-accepted",
        "Uploads ask for the terms: 200/1870034",
        _USERS,
        {"graph_error": {"code": 200, "subcode": 1870034, "http_status": 403}},
    ),
    (
        "flagged-audience",
        "Uploads to a flagged audience: 100/1713230",
        _USERS,
        {"graph_error": {"code": 100, "subcode": 1713230}},
    ),
    (
        "not-there-yet",
        "The next three uploads find no audience: 803",
        {**_USERS, "times": 3},
        {"graph_error": {"code": 803}},
    ),
    (
        "too-small-after",
        "Removals would leave too few people: 200/1870047",
        {"operation": "remove"},
        {"graph_error": {"code": 200, "subcode": 1870047}},
    ),
    (
        "short-receipt",
        "The last ten rows of uploads are lost",
        _USERS,
        {"short_received": {"by": 10}},
    ),
    ("slow", "Every answer comes two seconds late", {}, {"delay_ms": 2_000}),
    ("late-write", "Uploads are done three seconds late", _USERS, {"apply_late_ms": 3_000}),
)
"""Name, explanation, match and effect."""


@cache
def presets() -> Mapping[str, Preset]:
    """Return all presets by name, in the order in which they are shown."""
    return {
        name: Preset(
            FaultRule.model_validate({"name": name, "match": match, "effect": effect}), explanation
        )
        for name, explanation, match, effect in _PRESETS
    }
