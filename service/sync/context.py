"""What every run of this process shares."""

import random
from dataclasses import dataclass
from datetime import timedelta

import asyncpg

from service.clock import Clock
from service.graph import GraphClient
from service.store.sealing import Keyring
from service.sync.account_gate import AccountGates


@dataclass(frozen=True, slots=True, kw_only=True)
class SyncLimits:
    """Bounds of syncs. Units in the names; seconds are `_s`."""

    lease_s: float = 60.0
    call_timeout_s: float = 30.0
    calls_in_flight: int = 8
    window_rows_max: int = 80_000
    recheck_after_s: float = 3600.0
    refresh_interval: timedelta = timedelta(days=30)
    recreate_gone_audiences: bool = False

    @property
    def quiet_s(self) -> float:
        """After an unknown outcome nothing opposite is sent for this long: two call time-outs."""
        return 2 * self.call_timeout_s


@dataclass(frozen=True, slots=True, kw_only=True)
class SyncContext:
    """The database, Facebook, keys, gates, time and chance of this process's syncs."""

    pool: asyncpg.Pool
    graph: GraphClient
    keyring: Keyring
    gates: AccountGates
    clock: Clock
    chance: random.Random
    limits: SyncLimits
