"""Where replicas post the pace of an ad account for each other: in Postgres, or within one process."""

from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Protocol

from service.clock import Clock
from service.store import account_pace, ad_accounts
from service.store.account_pace import PostedPace
from service.store.errors import map_unavailable
from service.store.pool import Pool
from service.sync.pace_shares import AccountPace, Holder
from service.sync.pacing import Pace


@dataclass(frozen=True, slots=True)
class Posting:
    """What stood at `read_at`. Times are the board's, in seconds; `stopped_until` 0: never stopped."""

    version: int
    account: AccountPace
    stopped_until: float
    read_at: float


class PaceBoard(Protocol):
    """Raises StoreUnavailable."""

    async def read(self, ad_account_id: str, *, calls_max: int) -> Posting: ...

    async def swap(
        self, ad_account_id: str, made_from: Posting, new: AccountPace
    ) -> Posting | None:
        """Post `new` unless another has posted since `made_from`: then None."""
        ...

    async def stop(self, ad_account_id: str, until: float) -> None:
        """Stop the account for all, at least until then."""
        ...


class LocalBoard:
    """The board of a process that has the accounts for itself."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._postings: dict[str, Posting] = {}

    async def read(self, ad_account_id: str, *, calls_max: int) -> Posting:
        standing = self._standing(ad_account_id, calls_max)
        return replace(standing, read_at=self._clock.monotonic())

    async def swap(
        self, ad_account_id: str, made_from: Posting, new: AccountPace
    ) -> Posting | None:
        standing = self._standing(ad_account_id, new.pace.calls_max)
        if standing.version != made_from.version:
            return None
        posting = replace(
            standing, version=standing.version + 1, account=new, read_at=self._clock.monotonic()
        )
        self._postings[ad_account_id] = posting
        return posting

    async def stop(self, ad_account_id: str, until: float) -> None:
        """Nothing to do: the gate itself keeps to the stop, and there is no other."""

    def _standing(self, ad_account_id: str, calls_max: int) -> Posting:
        new = Posting(0, AccountPace(Pace.start(calls_max)), 0.0, 0.0)
        return self._postings.setdefault(ad_account_id, new)


class StoredBoard:
    """The board of all replicas, in Postgres."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def read(self, ad_account_id: str, *, calls_max: int) -> Posting:
        with map_unavailable():
            async with self._pool.acquire() as connection:
                posted = await account_pace.read_account_pace(connection, ad_account_id)
        if posted is None:
            raise LookupError(f"{ad_account_id} was never connected")
        account = AccountPace(_pace_of(posted, calls_max), _holders_of(posted))
        return Posting(posted.posted_version, account, posted.stopped_until, posted.read_at)

    async def swap(
        self, ad_account_id: str, made_from: Posting, new: AccountPace
    ) -> Posting | None:
        pace, holders = new.pace, new.holders
        with map_unavailable():
            async with self._pool.acquire() as connection:
                swapped = await account_pace.swap_account_pace(
                    connection,
                    ad_account_id,
                    version=made_from.version,
                    allowance=pace.allowance,
                    usage_percent=pace.usage_percent,
                    usage_at=pace.usage_at,
                    usual_s=pace.usual_s,
                    cut_at=pace.cut_at,
                    holders=[holder.name for holder in holders],
                    wanted=[holder.wanted for holder in holders],
                    places=[holder.places for holder in holders],
                    seen_at=[holder.seen_at for holder in holders],
                )
        if swapped is None:
            return None
        return Posting(made_from.version + 1, new, swapped.stopped_until, swapped.read_at)

    async def stop(self, ad_account_id: str, until: float) -> None:
        with map_unavailable():
            async with self._pool.acquire() as connection:
                await ad_accounts.throttle_ad_account(
                    connection, ad_account_id, datetime.fromtimestamp(until, UTC)
                )


def _pace_of(posted: PostedPace, calls_max: int) -> Pace:
    if posted.posted_allowance is None:
        return Pace.start(calls_max)
    return Pace(
        calls_max=calls_max,
        allowance=max(1.0, min(float(calls_max), posted.posted_allowance)),
        usage_percent=posted.usage_percent,
        usage_at=posted.usage_at,
        usual_s=posted.usual_s,
        cut_at=posted.cut_at,
    )


def _holders_of(posted: PostedPace) -> tuple[Holder, ...]:
    told = zip(posted.holders, posted.wanted, posted.places, posted.seen_at, strict=True)
    return tuple(Holder(*one) for one in told)
