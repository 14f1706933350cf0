"""Looks after the database by a connection of its own, so that a busy pool is not taken for a lost one."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Final, Protocol, TypeVar

import structlog

from service.clock import Clock
from service.monitor.readiness import Readiness
from service.store.connection import Connection
from service.store.errors import SchemaMismatch, StoreUnavailable, map_unavailable
from service.store.migrations import MIGRATIONS_DIR, check_schema, read_migrations
from service.store.monitoring import (
    AdAccountSample,
    AudienceSample,
    sample_ad_accounts,
    sample_audiences,
)
from service.store.pool import open_connection

T = TypeVar("T")

LOOK_S: Final = 5.0
"""Seconds between two looks whether the database answers and has our schema."""
ASK_S_MAX: Final = 4.0
"""Seconds that it has to answer: a scrape is given up by Prometheus after ten."""
AWAY_S_MAX: Final = 15.0
"""Seconds for which the database may be away before callers are sent elsewhere by gRPC health.

A restart or failover within it costs callers some UNAVAILABLE; were all replicas to say NOT_SERVING at
once for each, they would find none at all, and come back late.
"""
SAMPLE_S_MIN: Final = 1.0
"""Seconds for which a sample is good, however many scrape."""
NAMED_MAX: Final = 100
"""Audiences, those furthest behind, and ad accounts, the oldest, that have labels of their own."""
USAGE_FADES_S: Final = 300.0
"""Seconds after which what Facebook told of an account's usage counts no more, as in `sync.pacing`."""

log = structlog.get_logger(__name__)


class SaysServing(Protocol):
    """Tells gRPC health."""

    async def __call__(self, *, serving: bool) -> None: ...


@dataclass(frozen=True, slots=True)
class Sample:
    """What the database knew at one moment."""

    audiences: list[AudienceSample]
    ad_accounts: list[AdAccountSample]


@dataclass(slots=True)
class DatabaseWatch:
    """Keeps `readiness` true, and tells `say_serving` when callers should be sent elsewhere, or back."""

    dsn: str
    clock: Clock
    readiness: Readiness
    say_serving: SaysServing
    _connection: Connection | None = field(default=None, init=False)
    _asking: asyncio.Lock = field(default_factory=asyncio.Lock, init=False)
    _sampling: asyncio.Lock = field(default_factory=asyncio.Lock, init=False)
    _sample: Sample | None = field(default=None, init=False)
    _sampled_at: float | None = field(default=None, init=False)
    _away_since: float | None = field(default=None, init=False)
    _said_serving: bool = field(default=True, init=False)

    async def keep_looking(self) -> None:
        """Until cancelled; whatever the database does, it is looked at again."""
        while True:
            try:
                await self.look()
            except Exception:
                log.exception("looking after the database failed")
            await self.clock.sleep(LOOK_S)

    async def look(self) -> None:
        """See whether the database answers and has our schema."""
        problem = await self._problem()
        if problem != self.readiness.database_problem:
            log.warning("database problem", problem=problem or "none any more")
        self.readiness.database_problem = problem
        now = self.clock.monotonic()
        if not problem:
            self._away_since = None
        elif self._away_since is None:
            self._away_since = now
        is_away = self._away_since is not None and now - self._away_since >= AWAY_S_MAX
        if is_away == self._said_serving:
            self._said_serving = not is_away
            await self.say_serving(serving=not is_away)

    async def sample(self) -> Sample | None:
        """What the database knows, a second old at most; None when it does not answer."""
        async with self._sampling:
            now = self.clock.monotonic()
            if self._sampled_at is None or now - self._sampled_at >= SAMPLE_S_MIN:
                self._sample = await self._sample_now()
                self._sampled_at = self.clock.monotonic()
            return self._sample

    def close(self) -> None:
        """Give the connection up. Harmless when repeated."""
        if self._connection is not None:
            self._connection.terminate()
            self._connection = None

    async def _problem(self) -> str:
        try:
            await self._ask(_check)
        except StoreUnavailable:
            return "the database does not answer"
        except SchemaMismatch as error:
            return str(error)
        return ""

    async def _sample_now(self) -> Sample | None:
        try:
            return await self._ask(_take_sample)
        except StoreUnavailable as error:
            log.info("no sample for the metrics", error=str(error))
        except Exception:
            log.exception("no sample for the metrics")
        return None

    async def _ask(self, work: Callable[[Connection], Awaitable[T]]) -> T:
        """Raises StoreUnavailable, and what `work` raises."""
        async with self._asking:
            try:
                with map_unavailable():
                    async with asyncio.timeout(ASK_S_MAX):
                        if self._connection is None:
                            self._connection = await open_connection(self.dsn)
                        return await work(self._connection)
            except BaseException:
                self.close()  # at once: nothing is waited for on a connection that may be dead
                raise


async def _check(connection: Connection) -> None:
    await check_schema(connection, _KNOWN)


async def _take_sample(connection: Connection) -> Sample:
    return Sample(
        await sample_audiences(connection, named_max=NAMED_MAX),
        await sample_ad_accounts(connection, named_max=NAMED_MAX, usage_fades_s=USAGE_FADES_S),
    )


_KNOWN: Final = read_migrations(MIGRATIONS_DIR)
