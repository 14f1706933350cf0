import pytest

from service.store.errors import StoreUnavailable
from service.sync.lease import Lease
from service.sync.stops import LeaseLost
from tests.unit.sync.stub_graph import InstantClock


class Renewals:
    """Answers of the database to renewals, in turn."""

    def __init__(self, *answers: bool | Exception) -> None:
        self.answers = list(answers)
        self.asked = 0

    async def __call__(self) -> bool:
        self.asked += 1
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer


def a_lease(clock: InstantClock, renewals: Renewals) -> Lease:
    return Lease(
        token=1,
        lease_s=60,
        call_timeout_s=30,
        claimed_at=clock.monotonic(),
        clock=clock,
        renew=renewals,
    )


async def test_a_fresh_lease_outlives_a_call_without_asking() -> None:
    clock, renewals = InstantClock(), Renewals()
    await a_lease(clock, renewals).outlive_a_call()
    assert renewals.asked == 0


async def test_a_short_lease_is_renewed_before_a_call() -> None:
    clock, renewals = InstantClock(), Renewals(True)
    lease = a_lease(clock, renewals)
    clock.time += 40
    await lease.outlive_a_call()
    assert renewals.asked == 1


async def test_a_lease_that_cannot_be_renewed_ends_the_run_before_a_call_could_outlive_it() -> None:
    clock = InstantClock()
    lease = a_lease(clock, Renewals(StoreUnavailable("down")))
    clock.time += 40
    with pytest.raises(LeaseLost):
        await lease.outlive_a_call()


async def test_a_lease_taken_by_another_is_lost_for_good() -> None:
    clock, renewals = InstantClock(), Renewals(False, True)
    lease = a_lease(clock, renewals)
    await lease.keep()
    with pytest.raises(LeaseLost):
        await lease.outlive_a_call()
