"""Owns the faults that are armed: counting matching calls and choosing the one that fires."""

import random
import re
from collections.abc import Sequence
from dataclasses import dataclass

from fakefb.clock import Clock
from fakefb.fault_rules import FaultRule
from fakefb.profiles import Profile, rules_of


@dataclass(slots=True)
class Armed:
    """One rule with what it has seen and its own chance."""

    rule: FaultRule
    chance: random.Random
    armed_at: float
    """Wall clock, Unix seconds."""
    seen: int = 0
    fired: int = 0
    is_on: bool = True
    """A rule that is switched off sees nothing."""

    def record(self) -> dict[str, object]:
        """Return the rule and its counts for the admin port."""
        given = self.rule.model_dump(mode="json", by_alias=True, exclude_none=True)
        return given | {"seen": self.seen, "fired": self.fired, "on": self.is_on}


class Faults:
    """The armed rules in order, then those of the profile; the first that fires wins.

    Each rule draws its chance from the seed and its place alone, so that what one rule does
    repeats whatever other rules are armed.
    """

    def __init__(self, seed: int, clock: Clock, profile: Profile = Profile.CALM) -> None:
        self._seed = seed
        self._clock = clock
        self.armed: list[Armed] = []
        self.take_profile(profile)

    def arm(self, rules: Sequence[FaultRule]) -> None:
        """Replace all rules but those of the profile; their counts start at zero."""
        self.armed = self._armed("own", rules)

    def add(self, rule: FaultRule) -> None:
        """Arm one more rule, behind the other own ones."""
        place = len(self.armed)
        chance = random.Random(f"{self._seed} own {place}")
        self.armed.append(Armed(rule, chance, self._clock.real()))

    def switch(self, name: str, *, on: bool) -> bool:
        """Let the rules of a name rest, or begin anew; tell whether there are any."""
        named = [a for a in (*self.armed, *self.of_profile) if a.rule.name == name]
        for armed in named:
            if on and not armed.is_on:
                armed.seen, armed.fired, armed.armed_at = 0, 0, self._clock.real()
            armed.is_on = on
        return bool(named)

    def take_profile(self, profile: Profile) -> None:
        """Put the rules of the profile behind the others; their counts start at zero."""
        self.profile = profile
        self.of_profile = self._armed(profile, rules_of(profile))

    def pick(
        self,
        *,
        method: str,
        path: str,
        operation: str | None,
        custom_audience_id: str | None = None,
    ) -> FaultRule | None:
        """Return the rule that fires for this call, or None."""
        chosen: FaultRule | None = None
        for armed in (*self.armed, *self.of_profile):
            match = armed.rule.match
            if (
                armed.is_on
                and match.method in (None, method)
                and match.operation in (None, operation)
                and match.custom_audience_id in (None, custom_audience_id)
                and (match.path is None or re.search(match.path, path) is not None)
            ):
                armed.seen += 1
                if self._fires(armed) and chosen is None:
                    armed.fired += 1
                    chosen = armed.rule
        return chosen

    def _fires(self, armed: Armed) -> bool:
        match = armed.rule.match
        by_chance = match.probability >= 1.0 or armed.chance.random() < match.probability
        times = match.times or (1 if match.nth else None)
        if times is not None and armed.fired >= times:
            return False
        if match.nth is not None and armed.seen < match.nth:
            return False
        return by_chance and not self._rests(armed)

    def _rests(self, armed: Armed) -> bool:
        match = armed.rule.match
        if match.until is not None and self._clock.now() >= match.until:
            return True
        return match.for_s is not None and self._clock.real() >= armed.armed_at + match.for_s

    def _armed(self, kind: str, rules: Sequence[FaultRule]) -> list[Armed]:
        return [
            Armed(rule, random.Random(f"{self._seed} {kind} {i}"), self._clock.real())
            for i, rule in enumerate(rules)
        ]
