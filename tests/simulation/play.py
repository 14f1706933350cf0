"""Plays one history, waits until it is quiet, and says everything that is not as it must be."""

import asyncio
from dataclasses import dataclass, field

from audiencesync.v1 import audience_sync_pb2 as pb
from fakefb.matching import Matching

from tests.simulation.events import NEIGHBOURS, REPLICAS, History
from tests.simulation.happenings import end_faults, happen, resume
from tests.simulation.oracle import ENDED, audit_database, is_quiet, unrest
from tests.simulation.virtual_time import run_virtually
from tests.simulation.world import World

ENDED_BADLY = ("FAILED", "CANCELLED")
QUIET_LOOK_S = 60.0
QUIET_S_MAX = 48 * 3600.0
"""Seconds after the last fault in which everything must have been put right."""


@dataclass(slots=True)
class Outcome:
    """What was seen. No findings: everything held."""

    findings: list[str] = field(default_factory=list)
    calls: int = 0
    virtual_s: float = 0.0


def play(history: History) -> Outcome:
    """Play a history on a loop of its own."""
    return run_virtually(_play(history))


async def _play(history: History) -> Outcome:
    world = World(
        seed=history.seed,
        people=history.people,
        matching=history.matching,
        removal=history.removal,
        replicas=REPLICAS,
    )
    outcome = Outcome()
    await world.connect()
    for event in history.events:
        await asyncio.sleep(event.after_s)
        happen(world, event)
    await _calm_down(world)
    quiet = await _until_quiet(world, pb.Sync.MODE_CHANGES)
    if not quiet:
        outcome.findings.append(f"not quiet: {unrest(world.database)}")
    elif history.people == NEIGHBOURS and not _may_differ(history):
        outcome.findings += _compare(world, "after the last sync", history, final=False)
    if quiet and not await _until_quiet(world, pb.Sync.MODE_REFRESH):
        outcome.findings.append(f"not quiet after a refresh: {unrest(world.database)}")
    elif quiet:
        outcome.findings += _compare(world, "after the refresh", history, final=True)
    outcome.findings += world.network.sins + world.defects + audit_database(world.database)
    for replica in world.replicas:
        replica.kill()
    outcome.calls = len(world.facebook.journal.entries)
    outcome.virtual_s = world.loop.time()
    return outcome


def _may_differ(history: History) -> bool:
    """Whether rows may have been refused, or commits lost: then only the refresh makes it exact."""
    refused = any(
        "invalid_rows" in rule["effect"]
        for event in history.events
        if event.kind == "faults"
        for rule in event.values["rules"]
    )
    return refused or history.has("fail_over")


async def _calm_down(world: World) -> None:
    """Everything works again, and whoever waits for an answer gets it."""
    await world.callers_are_done()
    end_faults(world)
    await world.callers_are_done()
    if world.may_have_lost_commits:
        world.tell(dict(world.truth.members))
        await world.callers_are_done()
    await resume(world)
    await world.renew_token()


async def _until_quiet(world: World, mode: int) -> bool:
    """Ask for a sync of a mode and wait until it has succeeded and nothing is left to do."""
    started = world.loop.time()
    wanted: str | None = None
    while world.loop.time() - started < QUIET_S_MAX:
        if wanted is None:
            wanted = await world.ask_now(mode)
        state = "FAILED" if wanted is None else world.state_of(wanted)
        if state in ENDED_BADLY:
            wanted = None
        elif state in ENDED and is_quiet(world.database):
            return True
        await asyncio.sleep(QUIET_LOOK_S)
    return False


def _compare(world: World, when: str, history: History, *, final: bool) -> list[str]:
    inside, wanted = world.inside(), world.wanted()
    missing, extra = sorted(wanted - inside), sorted(inside - wanted)
    if history.has("fail_over"):
        extra = []  # an addition whose commit was lost left no trace that could be taken back
    if history.matching is Matching.FIRST_STRONG and not final:
        extra = []  # a key that now stands behind another one: ARCHITECTURE.md, what a difference sees
    found = []
    if missing:
        found.append(f"{when}: missing people {missing}")
    if extra:
        found.append(f"{when}: people too many {extra}")
    return found
