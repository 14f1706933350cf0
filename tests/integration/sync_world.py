"""The sync engine on a real database against a real fake Facebook, one run at a time."""

import asyncio
import random
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from fakefb.fault_rules import FaultRule
from fakefb.journal import Entry
from fakefb.people import Person
from fakefb.server import RunningFake
from fakefb.testing import running_fake
from service.clock import Clock
from service.graph import GraphClient, open_http_session
from service.identifiers import RULES_VERSION, RawMember, member_key, rows_of_member
from service.store import ad_accounts, audiences, leases, membership, syncs
from service.store.history_rows import Sync
from service.store.pool import Pool, open_pool
from service.store.rows import Audience, ConnectWish, MemberChange, Work
from service.store.sealing import Keyring
from service.sync.account_gate import AccountGates
from service.sync.context import SyncContext, SyncLimits
from service.sync.held import HeldAudience
from service.sync.lease import Lease
from service.sync.pace_board import StoredBoard
from service.sync.run import run_audience

AD_ACCOUNT_ID = "act_1000000001"
KEYRING = Keyring.from_text("k1:" + "A" * 43 + "=")


class HurryClock(Clock):
    """Waiting takes no time, but the clock has moved on by it."""

    def __init__(self) -> None:
        self.ahead_s = 0.0
        self.waits: list[float] = []

    def monotonic(self) -> float:
        return super().monotonic() + self.ahead_s

    async def sleep(self, seconds: float) -> None:
        self.waits.append(seconds)
        self.ahead_s += seconds
        await asyncio.sleep(0)


@dataclass
class SyncWorld:
    """One audience, the people of a fake Facebook, and runs of the engine."""

    fake: RunningFake
    context: SyncContext
    clock: HurryClock
    audience_id: str = "buyers"
    draining: asyncio.Event = field(default_factory=asyncio.Event)

    # Facebook's side

    def know(self, *people: Sequence[str]) -> None:
        """Let Facebook know a person by each group of e-mails; the first names them."""
        for emails in people:
            person = Person(person_id=emails[0], emails=tuple(emails))
            self.fake.state.population.add(person, default_region="US", this_year=2026)

    def arm(self, **rule: Any) -> None:
        self.fake.state.faults.arm([FaultRule.model_validate({"name": "fault", **rule})])

    def inside(self) -> set[str]:
        """Names of the people in the one Custom Audience that there is."""
        (audience,) = self.fake.state.audiences.by_id.values()
        return set(self.fake.state.population.ids(audience.membership.people()))

    def calls(self, operation: str) -> list[Entry]:
        """Calls of an operation, oldest first."""
        entries = self.fake.state.journal.entries
        return [entry for entry in entries if entry.operation == operation]

    # The service's side

    async def connect(self, *, existing: str | None = None, **wish: str) -> Audience:
        await self.renew_token()
        async with self.context.pool.acquire() as connection, connection.transaction():
            values = ConnectWish(
                audience_id=self.audience_id,
                ad_account_id=AD_ACCOUNT_ID,
                name=wish.get("name", "Buyers"),
                description=wish.get("description", ""),
                sync_interval_s=3600,
                default_region="US",
                customer_file_source="USER_PROVIDED_ONLY",
                existing_custom_audience_id=existing,
            )
            audience, _ = await audiences.connect_audience(connection, values)
        return audience

    async def renew_token(self, token: str = "fake-token") -> None:
        """Store a token as ConnectAdAccount does."""
        async with self.context.pool.acquire() as connection, connection.transaction():
            record = f"ad_account:{AD_ACCOUNT_ID}:access_token"
            await ad_accounts.put_ad_account(
                connection,
                ad_account_id=AD_ACCOUNT_ID,
                name="",
                app_id="",
                sealed_access_token=KEYRING.seal(token, record=record),
                sealed_app_secret=None,
                token_expires_at=None,
                scopes=["ads_management"],
            )

    async def update(self, **members: Sequence[str] | None) -> None:
        """State each member's e-mails; None: left."""
        changes = [_change(name, emails) for name, emails in members.items()]
        async with self.context.pool.acquire() as connection, connection.transaction():
            audience = await audiences.lock_audience(connection, self.audience_id)
            assert audience is not None
            await membership.merge(
                connection,
                audience.audience_no,
                changes,
                now=self.context.clock.now(),
                rules_version=RULES_VERSION,
            )

    async def ask(self, mode: str = "CHANGES") -> Sync:
        async with self.context.pool.acquire() as connection, connection.transaction():
            audience = await audiences.lock_audience(connection, self.audience_id)
            assert audience is not None
            return await syncs.request_sync(connection, audience, mode, "REQUEST")

    async def run(self) -> bool:
        """One claim and its run; False when nothing was due."""
        work = await self.claim()
        if work is not None:
            await run_audience(self.held(work), self.draining)
        return work is not None

    async def claim(self, *, holder: str = "us", lease_s: float = 60) -> Work | None:
        limits = self.context.limits
        async with self.context.pool.acquire() as connection, connection.transaction():
            return await leases.claim_due(
                connection,
                holder=holder,
                lease_s=lease_s,
                quiet_s=limits.quiet_s,
                recheck_after_s=limits.recheck_after_s,
            )

    def held(self, work: Work) -> HeldAudience:
        """As a worker makes it, but with a lease on real time."""
        real = Clock()

        async def renew() -> bool:
            async with self.context.pool.acquire() as connection:
                return await leases.renew(connection, work.audience_no, work.lease_token, 60)

        lease = Lease(
            token=work.lease_token,
            lease_s=60,
            call_timeout_s=self.context.limits.call_timeout_s,
            claimed_at=real.monotonic(),
            clock=real,
            renew=renew,
        )
        return HeldAudience(self.context, work, lease)

    async def sync(self, mode: str = "CHANGES") -> Sync:
        """Ask for a sync, run, and return how it ended or stands."""
        asked = await self.ask(mode)
        await self.run()
        return await self.look(asked)

    async def look(self, sync: Sync) -> Sync:
        async with self.context.pool.acquire() as connection:
            found = await syncs.find_sync(connection, sync.audience_no, sync.sync_no)
        assert found is not None
        return found

    async def audience(self) -> Audience:
        async with self.context.pool.acquire() as connection:
            found = await audiences.find_audience(connection, self.audience_id)
        assert found is not None
        return found

    async def make_due(self, **times: timedelta) -> None:
        """Move columns of the work record to now plus a time, and the record itself to now."""
        moves = "".join(f", {name} = now() + ${n}" for n, name in enumerate(times, start=1))
        await self.execute(f"update audience_work set due_at = now(){moves}", *times.values())  # noqa: S608
        if "probe_at" in times:
            await self.execute("update ad_account set probe_at = now() + $1", times["probe_at"])

    async def execute(self, sql: str, *values: object) -> None:
        async with self.context.pool.acquire() as connection:
            await connection.execute(sql, *values)

    async def value(self, sql: str) -> Any:
        async with self.context.pool.acquire() as connection:
            return await connection.fetchval(sql)


def _change(name: str, emails: Sequence[str] | None) -> MemberChange:
    if emails is None:
        return MemberChange(member_key(name), None, None)
    found = rows_of_member(RawMember(emails=emails), default_region="US", this_year=2026)
    return MemberChange(member_key(name), found.rows, None)


def mail(name: str) -> list[str]:
    return [f"{name}@mail.example"]


@asynccontextmanager
async def a_world(database_url: str, **limits: Any) -> AsyncIterator[SyncWorld]:
    """A connected world; the audience itself is connected by the test."""
    clock = HurryClock()
    bounds = SyncLimits(**{"call_timeout_s": 2.0, **limits})
    async with running_fake() as fake, open_http_session() as session:
        pool: Pool = await open_pool(database_url, size=8)
        graph = GraphClient(session, base_url=fake.graph_url, timeout_s=bounds.call_timeout_s)
        context = SyncContext(
            pool=pool,
            graph=graph,
            keyring=KEYRING,
            gates=AccountGates(
                calls_max=bounds.calls_in_flight,
                clock=clock,
                board=StoredBoard(pool),
                holder="us",
                call_timeout_s=bounds.call_timeout_s,
            ),
            clock=clock,
            chance=random.Random(1),
            limits=bounds,
        )
        try:
            yield SyncWorld(fake, context, clock)
        finally:
            await pool.close()
