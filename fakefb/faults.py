"""Owns the faults that are armed: counting matching calls and choosing the one that fires."""

import random
import re
from collections.abc import Sequence
from dataclasses import dataclass

from fakefb.fault_rules import FaultRule


@dataclass(slots=True)
class Armed:
    """One rule with what it has seen."""

    rule: FaultRule
    seen: int = 0
    fired: int = 0

    def record(self) -> dict[str, object]:
        """Return the rule and its counts for the admin port."""
        given = self.rule.model_dump(mode="json", by_alias=True, exclude_none=True)
        return given | {"seen": self.seen, "fired": self.fired}


class Faults:
    """The armed rules in order; the first that fires wins. Chance comes from the seed alone."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)
        self.armed: list[Armed] = []

    def arm(self, rules: Sequence[FaultRule]) -> None:
        """Replace all rules; their counts start at zero."""
        self.armed = [Armed(rule) for rule in rules]

    def pick(self, *, method: str, path: str, operation: str | None) -> FaultRule | None:
        """Return the rule that fires for this call, or None."""
        chosen: FaultRule | None = None
        for armed in self.armed:
            if _is_for(armed.rule, method, path, operation):
                armed.seen += 1
                if chosen is None and self._fires(armed):
                    armed.fired += 1
                    chosen = armed.rule
        return chosen

    def _fires(self, armed: Armed) -> bool:
        match = armed.rule.match
        times = match.times or (1 if match.nth else None)
        if times is not None and armed.fired >= times:
            return False
        if match.nth is not None and armed.seen < match.nth:
            return False
        return match.probability >= 1.0 or self._random.random() < match.probability


def _is_for(rule: FaultRule, method: str, path: str, operation: str | None) -> bool:
    match = rule.match
    return (
        match.method in (None, method)
        and match.operation in (None, operation)
        and (match.path is None or re.search(match.path, path) is not None)
    )
