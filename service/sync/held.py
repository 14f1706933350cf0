"""An audience under our lease: what is known of it, and writes that only its holder may make."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from typing import Concatenate, ParamSpec, TypeAlias

from service.graph import Credentials
from service.store import ad_accounts, leases, syncs
from service.store.ad_account_secrets import AdAccountSecrets
from service.store.connection import Connection
from service.store.history_rows import Sync
from service.store.rows import AdAccount, Work
from service.store.sealing import SealingError
from service.sync.consequences import BlockedReason
from service.sync.context import SyncContext
from service.sync.lease import Lease
from service.sync.log_reading import Operation
from service.sync.schedule import next_probe_after
from service.sync.stops import AccountBlocked, Blocked, ComeBack, LeaseLost

P = ParamSpec("P")
GuardedWrite: TypeAlias = Callable[Concatenate[Connection, int, int, P], Awaitable[object]]


class HeldAudience:
    """The holder's view. `work` is what the database said last."""

    def __init__(self, context: SyncContext, work: Work, lease: Lease) -> None:
        self.context = context
        self.lease = lease
        self.hold_until: dict[Operation, datetime] = {}
        self.account: AdAccount | None = None
        """As it was when its token was read."""
        self.is_probing_account = False
        """Whether this run tries for all audiences of a blocked account."""
        self._see(work)

    @property
    def audience_no(self) -> int:
        return self.work.audience_no

    def now(self) -> datetime:
        """The database's time, carried on by our monotonic clock since it was last read."""
        since = self.context.clock.monotonic() - self._seen_at
        return self.work.now + timedelta(seconds=since)

    async def reload(self) -> None:
        """Read the audience anew. Raises LeaseLost."""
        async with self.context.pool.acquire() as connection:
            work = await leases.reload(connection, self.audience_no, self.lease.token)
        if work is None:
            raise LeaseLost
        self._see(work)

    def _see(self, work: Work) -> None:
        self.work = work
        self._seen_at = self.context.clock.monotonic()
        for operation, until in (
            (Operation.ADD, work.hold_additions_until),
            (Operation.REMOVE, work.hold_removals_until),
        ):
            if until is not None:
                self.hold_until[operation] = max(until, self.hold_until.get(operation, until))

    async def waiting_syncs(self) -> list[Sync]:
        async with self.context.pool.acquire() as connection:
            return await syncs.waiting_syncs(connection, self.audience_no)

    async def write(self, write: GuardedWrite[P], *args: P.args, **kwargs: P.kwargs) -> None:
        """One guarded write in a transaction of its own. Raises LeaseLost."""
        async with self.transaction() as connection:
            await self.guard(write(connection, self.audience_no, self.lease.token, *args, **kwargs))

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[Connection]:
        async with self.context.pool.acquire() as connection, connection.transaction():
            yield connection

    async def guard(self, written: Awaitable[object]) -> None:
        """Await a guarded write; raise LeaseLost, which rolls the transaction back, if it found nothing."""
        if not await written:
            raise LeaseLost

    async def credentials(self) -> Credentials:
        """The ad account's token, opened. Raises Blocked; ComeBack while the account is throttled."""
        async with self.context.pool.acquire() as connection:
            account = await ad_accounts.find_ad_account(connection, self.work.ad_account_id)
        if account is None:
            raise Blocked(BlockedReason.TOKEN_INVALID)
        self.account = account
        self._come_back_after(account.throttled_until)
        await self._respect_block(account)
        try:
            secrets = AdAccountSecrets.opened(self.context.keyring, account)
        except SealingError as error:
            raise Blocked(BlockedReason.SEALING_KEY_MISSING, told=f"{error}.") from error
        return Credentials(
            access_token=secrets.access_token,
            app_id=account.app_id or None,
            app_secret=secrets.app_secret,
        )

    async def _respect_block(self, account: AdAccount) -> None:
        """Of the audiences of a blocked account only one calls, when it is time to try."""
        if account.blocked_reason is None or self.is_probing_account:
            return
        reason = BlockedReason(account.blocked_reason)
        next_probe_at = next_probe_after(
            self.now(),
            blocked_since=account.blocked_at,
            ever_more_rarely=reason is BlockedReason.POLICY,
        )
        async with self.context.pool.acquire() as connection:
            self.is_probing_account = await ad_accounts.claim_probe(
                connection, account.ad_account_id, next_probe_at=next_probe_at
            )
        if not self.is_probing_account:
            raise AccountBlocked(reason, probe_at=account.probe_at)

    async def respect_throttle(self) -> None:
        """Raise ComeBack while the account is stopped, by whichever process found its limit."""
        async with self.context.pool.acquire() as connection:
            until = await ad_accounts.read_throttled_until(connection, self.work.ad_account_id)
        self._come_back_after(until)

    def _come_back_after(self, until: datetime | None) -> None:
        if until is not None and until > self.now():
            raise ComeBack((until - self.now()).total_seconds(), is_throttled=True)

    async def note_unknown_call(self, operation: Operation, *, planned_from: int) -> None:
        """A call may land late: keep the opposite direction back, and plan the windows once more.

        `planned_from`: the revision after which the rows concerned, and what undoes them, were logged.
        """
        limits = self.context.limits
        quiet_until = self.now() + timedelta(seconds=limits.quiet_s)
        self.hold_until[operation.opposite] = quiet_until
        await self.write(
            leases.hold,
            additions_until=quiet_until if operation is Operation.REMOVE else None,
            removals_until=quiet_until if operation is Operation.ADD else None,
            recheck_from=planned_from,
            recheck_at=self.now() + timedelta(seconds=limits.recheck_after_s),
        )
        self.lease.has_unnoted_call = False
        await self.reload()

    async def wait_for_quiet(self, operation: Operation) -> None:
        """Wait until no call of the opposite direction can still be in flight."""
        until = self.hold_until.get(operation)
        if until is not None and (wait_s := (until - self.now()).total_seconds()) > 0:
            await self.context.clock.sleep(wait_s)
