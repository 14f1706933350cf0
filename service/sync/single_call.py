"""Makes the calls that are no uploads, and decides what their failures mean for the run."""

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Final, TypeVar

from service.graph import Credentials, CustomAudience, GraphFailure, Verdict
from service.store import leases
from service.sync.consequences import BlockedReason, blocked_reason_of
from service.sync.held import HeldAudience
from service.sync.schedule import NOT_READY_FOR, backoff_s
from service.sync.stops import Blocked, ComeBack

T = TypeVar("T")

COME_BACK_FIRST_S: Final = 15.0
"""Seconds before a call that failed in passing is tried by a new run; doubled with each failure."""
COME_BACK_MOST_S: Final = 900.0
COME_BACK_LEAST_S: Final = 1.0
"""Seconds: jitter makes no hot loop."""
COME_BACK_BUSY_S: Final = 300.0

_IN_PASSING = frozenset(
    {Verdict.TRANSIENT, Verdict.NOT_SENT, Verdict.UNKNOWN_OUTCOME, Verdict.NOT_READY}
)


async def single_call(held: HeldAudience, call: Callable[[], Awaitable[T]]) -> T:
    """Make one call under the lease and the account's pace.

    Raises GraphFailure as it is, LeaseLost, and ComeBack while the account is stopped.
    """
    gate = held.context.gates.of(held.work.ad_account_id)
    async with gate.permit(held.work.audience_id, ready=held.lease.outlive_a_call) as permit:
        with held.lease.call():
            result = await call()
        permit.answered(None)
        return result


async def stop_for(held: HeldAudience, failure: GraphFailure) -> Blocked | ComeBack:
    """Why the run stops after a failed call; the gate has stopped a throttled account for everybody."""
    if failure.verdict is Verdict.LIMITED:
        stopped_s = held.context.gates.of(held.work.ad_account_id).stopped_for_s()
        return ComeBack(stopped_s, failure, is_throttled=True)
    if failure.verdict is Verdict.NOT_READY and not may_be_unknown_yet(held):
        return Blocked(BlockedReason.AUDIENCE_GONE, failure)
    if failure.verdict in _IN_PASSING:
        return ComeBack(await _wait_after_failure(held), failure)
    if failure.verdict is Verdict.BUSY:
        return ComeBack(COME_BACK_BUSY_S, failure)
    return Blocked(blocked_reason_of(failure.verdict), failure)


def may_be_unknown_yet(held: HeldAudience) -> bool:
    """Whether Facebook may not know the Custom Audience everywhere yet, as it was made just now."""
    work = held.work
    if work.custom_audience_id is None:
        return work.existing_custom_audience_id is None
    since = work.custom_audience_since
    return since is not None and held.now() - since < NOT_READY_FOR


async def _wait_after_failure(held: HeldAudience) -> float:
    await held.write(leases.count_failed_call)
    attempt = held.work.failed_calls_in_a_row + 1
    chance = held.context.chance
    wait_s = backoff_s(attempt, first_s=COME_BACK_FIRST_S, most_s=COME_BACK_MOST_S, chance=chance)
    return max(COME_BACK_LEAST_S, wait_s)


async def find_by_marker(
    held: HeldAudience, audiences: AsyncIterator[CustomAudience], marker: str
) -> CustomAudience | None:
    """The Custom Audience whose description carries `marker`, but not one that was given up."""

    async def is_ours(audience: CustomAudience) -> bool:
        return marker in audience.description and not await _was_given_up(held, audience.id)

    return await find_listed(held, audiences, is_ours)


async def find_listed(
    held: HeldAudience, items: AsyncIterator[T], is_it: Callable[[T], Awaitable[bool]]
) -> T | None:
    """The first one of a list of Facebook's that is the one looked for."""
    gate = held.context.gates.of(held.work.ad_account_id)
    while True:
        # Any step may be the call for the next page.
        async with gate.permit(held.work.audience_id, ready=held.lease.outlive_a_call):
            item = await anext(items, None)
        if item is None:
            return None
        if await is_it(item):
            return item


async def _was_given_up(held: HeldAudience, custom_audience_id: str) -> bool:
    async with held.context.pool.acquire() as connection:
        return await leases.was_given_up(connection, custom_audience_id)


async def read_custom_audience(held: HeldAudience, credentials: Credentials) -> CustomAudience:
    """Facebook's view of the audience. Raises Blocked, ComeBack."""
    try:
        return await single_call(
            held,
            lambda: held.context.graph.read_custom_audience(
                credentials,
                held.work.custom_audience_id or held.work.existing_custom_audience_id or "",
            ),
        )
    except GraphFailure as failure:
        raise await stop_for(held, failure) from failure
