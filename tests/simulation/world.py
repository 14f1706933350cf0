"""A whole installation on virtual time: database, replicas, callers, and a fake Facebook."""

import asyncio
import itertools
import random
from collections.abc import Coroutine, Sequence
from datetime import datetime, timedelta
from typing import Any, Final, cast

import asyncpg
from audiencesync.v1 import audience_sync_pb2 as pb

from fakefb.audiences import Audience as FakeAudience
from fakefb.fault_rules import FaultRule
from fakefb.matching import Matching, find_people
from fakefb.membership import Removal
from fakefb.normalizer.member import PlainMember, hashed_member
from fakefb.people import Person
from fakefb.state import FakeState
from service.rpc.api import Api
from service.rpc.errors import ServiceError
from service.rpc.membership import update_membership
from service.rpc.syncs import sync_now
from service.store import ad_accounts, audiences
from service.store.errors import StoreUnavailable
from service.store.notifications import Notifications
from service.store.rows import ConnectWish
from tests.simulation.callers import Someone, Truth, change_of
from tests.simulation.memory_store import MemoryDatabase
from tests.simulation.network import Network
from tests.simulation.process import EPOCH, Process, ProcessClock
from tests.simulation.replica import KEYRING, Replica

AD_ACCOUNT_ID: Final = "act_1000000001"
AUDIENCE_ID: Final = "buyers"
ANSWER_S_MAX: Final = 24 * 3600.0
RETRY_S: Final = 2.0
"""Seconds that a caller waits before it asks again."""


class World:
    """Everything of one history. Made inside the loop that runs it."""

    def __init__(
        self,
        *,
        seed: int,
        people: Sequence[Someone],
        matching: Matching,
        removal: Removal,
        replicas: int,
    ) -> None:
        self.chance = random.Random(seed)
        self.loop = asyncio.get_running_loop()
        self.clock_step_s = 0.0
        self.database_is_down = False
        self.cuts_left = 0
        self.may_have_lost_commits = False
        self.facebook = FakeState(wall=self._wall, seed=seed)
        self.facebook.settings = self.facebook.settings.model_copy(
            update={"matching": matching, "removal": removal}
        )
        for number, person in enumerate(people):
            self._know(f"person-{number}", person)
        self.network = Network(self.facebook, self.chance)
        self.database = MemoryDatabase(now=self.database_now, notify=self._notify)
        self.truth = Truth()
        self.defects: list[str] = []
        self._locks: dict[str, asyncio.Lock] = {}
        self._going_on: set[asyncio.Task[None]] = set()
        self._ids = itertools.count(1)
        self.replicas: list[Replica] = []
        self.replicas += [self.new_replica(number) for number in range(replicas)]
        self.api = self._new_api()

    # Time

    def _wall(self) -> float:
        return EPOCH.timestamp() + self.loop.time()

    def database_now(self) -> datetime:
        return EPOCH + timedelta(seconds=self.loop.time() + self.clock_step_s)

    # Processes

    def new_replica(self, number: int) -> Replica:
        return Replica(
            f"replica-{number}-{next(self._ids)}",
            self.network,
            self.database.pool,
            chance=random.Random(self.chance.random()),
            database_step=self._database_step,
        )

    def revive(self) -> None:
        """Put a new process in the place of each that has ended."""
        for number, replica in enumerate(self.replicas):
            if replica.process.is_dead or not replica.is_working:
                replica.kill()
                self.replicas[number] = self.new_replica(number)

    async def _database_step(self, process: Process) -> None:
        await process.step()
        if self.database_is_down:
            raise asyncpg.ConnectionDoesNotExistError("the server is gone")
        if self.cuts_left and self.chance.random() < 0.2:
            self.cuts_left -= 1
            raise asyncpg.ConnectionDoesNotExistError("the connection was cut")

    def _notify(self, channel: str, payload: str) -> None:
        for replica in self.replicas:
            replica.hear(channel, payload)

    def _new_api(self) -> Api:
        process = Process(random.Random(self.chance.random()))
        return Api(
            pool=cast("Any", self.database.pool(lambda: self._database_step(process))),
            keyring=KEYRING,
            graph=cast("Any", None),
            notifications=Notifications(),
            clock=ProcessClock(process),
        )

    # Facebook's side

    def _know(self, name: str, person: Someone) -> None:
        known = Person(
            person_id=name, emails=person.emails, phones=person.phones, single=person.single()
        )
        self.facebook.population.add(known, default_region="US", this_year=2026)

    def arm(self, rules: Sequence[dict[str, Any]]) -> None:
        self.facebook.faults.arm(
            [FaultRule.model_validate({"name": f"fault-{n}", **r}) for n, r in enumerate(rules)]
        )

    def custom_audience(self) -> FakeAudience | None:
        """The Custom Audience that we keep, if Facebook has it."""
        (work,) = self.database.rows("audience_work")
        return self.facebook.audiences.by_id.get(work["custom_audience_id"] or "")

    def inside(self) -> set[int]:
        """People in the Custom Audience that we keep, as numbers."""
        audience = self.custom_audience()
        return set(audience.membership.people()) if audience else set()

    def wanted(self, matching: Matching | None = None) -> set[int]:
        """People whom the present members match, by Facebook's own reading of plain values."""
        wanted: set[int] = set()
        for someone in self.truth.members.values():
            if someone is not None:
                wanted |= self._matched_by(someone, matching or self.facebook.settings.matching)
        return wanted

    def _matched_by(self, someone: Someone, matching: Matching) -> set[int]:
        plain = PlainMember(
            emails=someone.emails, phones=someone.phones, single=someone.single(), traits={}
        )
        people: set[int] = set()
        for row in hashed_member(plain, default_region="US", this_year=2026).rows():
            columns = {key: [value] for key, value in row.items()}
            found = find_people(columns, self.facebook.population, matching)
            people.update(*found.values())
        return people

    # Callers

    def begin(self, going_on: Coroutine[Any, Any, None]) -> None:
        """Let something go on beside everything else until it is done."""
        task = self.loop.create_task(going_on)
        self._going_on.add(task)
        task.add_done_callback(self._going_on.discard)

    def lock_of(self, member: str) -> asyncio.Lock:
        """Who holds it is the only one who speaks of a member; several are taken in their order."""
        return self._locks.setdefault(member, asyncio.Lock())

    def new_id(self, kind: str) -> str:
        return f"{kind}-{next(self._ids)}"

    async def connect(self) -> None:
        await self.renew_token()

        async def wish() -> None:
            async with self.api.transaction() as connection:
                await audiences.connect_audience(
                    connection,
                    ConnectWish(
                        audience_id=AUDIENCE_ID,
                        ad_account_id=AD_ACCOUNT_ID,
                        name="Buyers",
                        description="",
                        sync_interval_s=3600,
                        default_region="US",
                        customer_file_source="USER_PROVIDED_ONLY",
                        existing_custom_audience_id=None,
                    ),
                )

        await self.until_answered(wish)

    async def renew_token(self) -> None:
        async def put() -> None:
            async with self.api.transaction() as connection:
                record = f"ad_account:{AD_ACCOUNT_ID}:access_token"
                await ad_accounts.put_ad_account(
                    connection,
                    ad_account_id=AD_ACCOUNT_ID,
                    name="",
                    app_id="",
                    sealed_access_token=KEYRING.seal("fake-token", record=record),
                    sealed_app_secret=None,
                    token_expires_at=None,
                    scopes=["ads_management"],
                )

        await self.until_answered(put)

    def tell(
        self,
        members: dict[str, Someone | None],
        *,
        again_after: float | None = None,
        late_s: float | None = None,
    ) -> None:
        """Begin to say what members are, and go on until it is answered.

        `late_s`: it is said of a time so many seconds ago, and not of now.
        """
        # A message tells microseconds: what is apart by less was said at the same time.
        said_at = None if late_s is None else round(self.loop.time() - late_s, 6)
        self.begin(self._tell(members, again_after, said_at))

    def tell_everything_again(self) -> None:
        """As a system of record does after a loss."""
        for name, someone in self.truth.members.items():
            said_at = self.truth.said_at.get(name)
            self.begin(self._tell({name: someone}, None, said_at))

    async def _tell(
        self,
        members: dict[str, Someone | None],
        again_after: float | None,
        said_at: float | None,
    ) -> None:
        locks = [self.lock_of(name) for name in sorted(members)]
        request = pb.UpdateMembershipRequest(
            audience_id=AUDIENCE_ID,
            request_id=self.new_id("request"),
            changes=[change_of(name, someone, said_at) for name, someone in members.items()],
        )
        for lock in locks:
            await lock.acquire()
        try:
            await self.until_answered(lambda: update_membership(self.api, request))
            self.truth.hear(members, said_at)
        finally:
            for lock in locks:
                lock.release()
        if again_after is not None:
            await asyncio.sleep(again_after)
            await self.until_answered(lambda: update_membership(self.api, request))

    def ask(self, mode: int = pb.Sync.MODE_CHANGES) -> None:
        self.begin(self._ask(mode))

    async def _ask(self, mode: int) -> None:
        await self.ask_now(mode)

    async def ask_now(self, mode: int) -> str | None:
        """Ask for a sync once; None when it is refused, or the answer is lost."""
        request = pb.SyncNowRequest(audience_id=AUDIENCE_ID, mode=cast("Any", mode))
        try:
            return (await sync_now(self.api, request)).sync.sync_id
        except (ServiceError, StoreUnavailable, OSError, asyncpg.PostgresError):
            return None

    async def until_answered(self, call: Any) -> None:
        while True:
            try:
                await call()
            except (StoreUnavailable, OSError, asyncpg.PostgresError):
                await asyncio.sleep(RETRY_S)
            else:
                return

    async def callers_are_done(self) -> None:
        """Wait until everybody was answered. Raises TimeoutError when somebody never is."""
        async with asyncio.timeout(ANSWER_S_MAX):
            while self._going_on:
                await asyncio.wait(set(self._going_on))
