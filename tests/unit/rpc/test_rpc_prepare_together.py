"""Calls that are prepared together are prepared as each alone."""

from datetime import UTC, datetime

from audiencesync.v1 import audience_sync_pb2 as pb
from hypothesis import given
from hypothesis import strategies as st

from service.clock import Clock
from service.rpc.prepare_changes import MEMBERS_AT_ONCE
from service.rpc.prepare_together import prepare_together
from service.rpc.request_ids import Repeatable
from service.rpc.slices import SLICE_SECONDS_MAX
from service.rpc.update_call import SMALL_CHANGES_MAX, UpdateCall
from tests.unit.rpc.builders import a_remove, an_add, an_update
from tests.unit.rpc.clocks import Ticking, counted_turns

NOW = datetime(2026, 11, 27, 12, tzinfo=UTC)

EMAILS = ["a@x.com", "info@x.com", " B@X.com", "none", "", "é@x.com"]
members = st.fixed_dictionaries(
    {},
    optional={
        "emails": st.lists(st.sampled_from(EMAILS), max_size=2),
        "phones": st.sampled_from([[], ["030 1234567"], ["+1 650 555 1212"], ["zero"]]),
        "first_name": st.sampled_from(["", "Mary"]),
        "country": st.sampled_from(["", "DE"]),
        "traits": st.sampled_from([{}, {"email": "t@x.com"}, {"shoe": "44"}]),
    },
)
ids = st.sampled_from("abc")
changes = st.builds(lambda one, fields: an_add(one, **fields), ids, members) | ids.map(a_remove)
requests = st.lists(changes, max_size=4).map(lambda some: an_update(*some))


class Clocked(Clock):
    """Stands still by day; its seconds pass by asking."""

    def __init__(self, step_s: float = 0) -> None:
        self.monotonic = Ticking(step_s)  # type: ignore[method-assign]

    def now(self) -> datetime:
        return NOW


async def calls_of(*requests: pb.UpdateMembershipRequest) -> list[UpdateCall]:
    named = Repeatable("UpdateMembership", "", b"")
    return [await UpdateCall.read(one, named, clock=Clocked()) for one in requests]


@given(requests=st.lists(requests, max_size=4), region=st.sampled_from(["US", "DE"]))
async def test_what_others_change_makes_no_difference(
    requests: list[pb.UpdateMembershipRequest], region: str
) -> None:
    calls = await calls_of(*requests)
    alone = [await call.prepare(region, Clocked()) for call in calls]
    assert await prepare_together(calls, region, Clocked()) == alone


async def test_a_long_call_is_prepared_ahead_and_again_only_for_another_region() -> None:
    numbers = range(SMALL_CHANGES_MAX + 1)
    request = an_update(*(an_add(f"m{n}", phones=[f"030 123456{n}"]) for n in numbers))
    (call,) = [await one.prepared_ahead("DE", Clocked()) for one in await calls_of(request)]
    assert (await prepare_together([call], "DE", Clocked()))[0] is call.ahead
    (moved,) = await prepare_together([call], "US", Clocked())
    assert moved == await (await calls_of(request))[0].prepare("US", Clocked())
    assert moved != call.ahead


async def test_many_calls_give_the_loop_away() -> None:
    request = an_update(*(an_add(f"m{n}", emails=["a@x.com"]) for n in range(SMALL_CHANGES_MAX)))
    calls = await calls_of(*[request] * (4 * MEMBERS_AT_ONCE // SMALL_CHANGES_MAX))
    with counted_turns() as turns:
        await prepare_together(calls, "US", Clocked(2 * SLICE_SECONDS_MAX))
    assert turns.count >= 4
