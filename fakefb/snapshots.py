"""Owns snapshots: copies of everything that one fake knows, to return to."""

import copy
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Protocol

from fakefb.ad_accounts import AdAccount
from fakefb.audiences import Audiences
from fakefb.clock import Clock
from fakefb.people import Population

SNAPSHOTS_MAX: Final = 10
"""Snapshots of one fake that are kept; the oldest go first."""

REMEMBERED: Final = (
    "clock",
    "settings",
    "tokens",
    "ad_accounts",
    "audiences",
    "population",
    "faults",
    "random",
)
"""What a snapshot holds. The journal is not among it: calls that were made stay made."""


class Remembering(Protocol):
    """The parts of a fake that are named in `REMEMBERED`, as far as snapshots tell of them."""

    clock: Clock
    ad_accounts: dict[str, AdAccount]
    audiences: Audiences
    population: Population


@dataclass(frozen=True, slots=True)
class Snapshot:
    """One copy, with the fake's time (Unix seconds) at which it was taken."""

    snapshot_id: str
    time: float
    audiences: int
    people: int
    parts: Mapping[str, object]

    def record(self) -> dict[str, object]:
        """Return what the admin port tells of it."""
        return {
            "snapshot_id": self.snapshot_id,
            "time": self.time,
            "audiences": self.audiences,
            "people": self.people,
        }


class Snapshots:
    """The snapshots of one fake by id, oldest first; ids are numbers that never come twice."""

    def __init__(self) -> None:
        self._taken = 0
        self.by_id: dict[str, Snapshot] = {}

    def take(self, state: Remembering) -> Snapshot:
        """Keep a copy of the fake as it is now."""
        self._taken += 1
        snapshot = Snapshot(
            str(self._taken),
            state.clock.now(),
            len(state.audiences.by_id),
            len(state.population),
            # One copy of all parts together, because some of them know each other.
            copy.deepcopy({name: getattr(state, name) for name in REMEMBERED}),
        )
        self.by_id[snapshot.snapshot_id] = snapshot
        if len(self.by_id) > SNAPSHOTS_MAX:
            del self.by_id[next(iter(self.by_id))]
        return snapshot

    def restore(self, state: Remembering, snapshot: Snapshot) -> None:
        """Make the fake what it was; the snapshot can be returned to again."""
        for name, part in copy.deepcopy(dict(snapshot.parts)).items():
            setattr(state, name, part)
