"""Makes the events of a history happen to a world, and undoes what they broke."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

from audiencesync.v1 import audience_sync_pb2 as pb

from service.rpc.audiences import pause_audience, resume_audience
from tests.simulation.events import LATE_MEMBERS, MEMBERS, Event
from tests.simulation.lists import send_list
from tests.simulation.world import AUDIENCE_ID, World


def happen(world: World, event: Event) -> None:
    """Let an event begin; what lasts goes on beside the events that follow."""
    _HAPPENINGS[event.kind](world, **event.values)


def _tell(
    world: World,
    members: dict[str, Any],
    again_after: float | None,
    late_s: float | None = None,
) -> None:
    world.tell(members, again_after=again_after, late_s=late_s)


def _list(world: World, members: dict[str, Any], replaces: bool, chunk_members: int) -> None:  # noqa: FBT001
    send_list(
        world,
        members,
        replaces=replaces,
        chunk_members=chunk_members,
        everybody=(*MEMBERS, *LATE_MEMBERS),
    )


def _ask(world: World, mode: int) -> None:
    world.ask(mode)


def _faults(world: World, rules: list[dict[str, Any]]) -> None:
    world.arm(rules)


def _kill(world: World, replica: int, steps: int, down_s: float) -> None:
    """After so many statements and calls more, wherever that is."""
    world.replicas[replica].process.steps_to_live = steps
    _later(world, down_s, world.revive)


def _stop(world: World, replica: int, for_s: float) -> None:
    world.replicas[replica].stop_for(for_s)


def _drain(world: World, replica: int, down_s: float) -> None:
    world.replicas[replica].drain()
    _later(world, 35.0 + down_s, world.revive)


def _cut_database(world: World, times: int) -> None:
    world.cuts_left = times


def _database_down(world: World, for_s: float) -> None:
    def up() -> None:
        world.database_is_down = False

    world.database_is_down = True
    _later(world, for_s, up)


def _facebook_down(world: World, for_s: float) -> None:
    def up() -> None:
        world.network.is_down = False

    world.network.is_down = True
    _later(world, for_s, up)


def _step_clock(world: World, by_s: float) -> None:
    world.clock_step_s += by_s


def _pause(world: World, for_s: float) -> None:
    async def pause() -> None:
        await pause_audience(world.api, pb.PauseAudienceRequest(audience_id=AUDIENCE_ID))

    world.begin(world.until_answered(pause))
    _later(world, for_s, lambda: world.begin(resume(world)))


def _fail_over(world: World, within_s: float) -> None:
    """A standby takes over to which the last commits had not come."""
    mark = world.database.mark()

    def lose() -> None:
        world.database.lose_since(mark)
        world.may_have_lost_commits = True
        world.network.flights.clear()  # who knew of them may have forgotten
        world.cuts_left = 4

    _later(world, within_s, lose)


def _lose_audience(world: World) -> None:
    """Somebody deletes the Custom Audience on Facebook's side."""
    audience = world.custom_audience()
    if audience is not None:
        world.facebook.audiences.drop(audience)


async def resume(world: World) -> None:
    async def call() -> None:
        await resume_audience(world.api, pb.ResumeAudienceRequest(audience_id=AUDIENCE_ID))

    await world.until_answered(call)


def _later(world: World, seconds: float, do: Callable[[], Any]) -> None:
    async def wait_and_do() -> None:
        await asyncio.sleep(seconds)
        do()

    world.begin(wait_and_do())


_HAPPENINGS: dict[str, Callable[..., None]] = {
    "tell": _tell,
    "list": _list,
    "ask": _ask,
    "faults": _faults,
    "kill": _kill,
    "stop": _stop,
    "drain": _drain,
    "cut_database": _cut_database,
    "database_down": _database_down,
    "facebook_down": _facebook_down,
    "step_clock": _step_clock,
    "pause": _pause,
    "fail_over": _fail_over,
    "lose_audience": _lose_audience,
}

Happening = Callable[[], Awaitable[None]]


def end_faults(world: World) -> None:
    """Everything works again; processes that stand still go on, dead ones are replaced."""
    world.arm([])
    world.network.is_down = False
    world.database_is_down = False
    world.cuts_left = 0
    for replica in world.replicas:
        replica.process.standing_until = 0.0
        replica.process.steps_to_live = None
    world.revive()
