"""Owns the profiles of behaviour: calm, and grumpy with a few per cent of everything."""

import enum
from collections.abc import Mapping
from functools import cache
from typing import Final

from fakefb.fault_rules import FaultRule


class Profile(enum.StrEnum):
    """How the fake behaves when nobody has armed anything."""

    CALM = "calm"
    """Nothing goes wrong."""
    GRUMPY = "grumpy"
    """A few per cent of everything goes wrong, always so that a careful client gets over it."""


_WRITES: Final[Mapping[str, object]] = {"path": "/users$"}

_GRUMPY: Final[tuple[tuple[str, float, Mapping[str, object], Mapping[str, object]], ...]] = (
    # Refusals that pass: nothing is done.
    ("transient-2", 0.01, {}, {"graph_error": {"code": 2, "is_transient": True}}),
    ("unknown-1", 0.005, {}, {"graph_error": {"code": 1, "http_status": 500}}),
    ("html-502", 0.005, {}, {"html": {"status": 502}}),
    ("html-400", 0.005, _WRITES, {"html": {"status": 400}}),
    ("empty-500", 0.005, {}, {"empty": {"status": 500}}),
    ("json-500", 0.005, {}, {"json": {"status": 500, "body": {"status": "try later"}}}),
    ("success-false", 0.005, {"method": "POST"}, {"success_false": True}),
    ("reset-before", 0.005, {}, {"reset": "before"}),
    # The caller cannot know whether it was done; it was.
    ("reset-after", 0.005, {}, {"reset": "after"}),
    ("half-a-body", 0.005, {}, {"truncate_body": True}),
    # It is done, but not as was hoped.
    ("short-receipt", 0.005, _WRITES, {"short_received": {"by": 1}}),
    ("few-samples", 0.05, _WRITES, {"invalid_samples_limit": {"n": 1}}),
    ("late-write", 0.01, _WRITES, {"apply_late_ms": 400}),
    ("reordered-write", 0.01, _WRITES, {"reorder_ms": 200}),
    ("slow-answer", 0.02, {}, {"delay_ms": 150}),
)
"""Name, probability, match and effect.

Left out is what a careful client does not get over, or only in minutes: used-up budgets, refused
tokens, lost permissions, rows called invalid, lost answers, and writes that land after a reset.
"""


@cache
def rules_of(profile: Profile) -> tuple[FaultRule, ...]:
    """Return the rules of a profile, in order."""
    match profile:
        case Profile.CALM:
            return ()
        case Profile.GRUMPY:
            return tuple(
                FaultRule.model_validate(
                    {
                        "name": f"grumpy:{name}",
                        "match": {**match, "probability": probability},
                        "effect": effect,
                    }
                )
                for name, probability, match, effect in _GRUMPY
            )
