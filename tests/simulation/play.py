"""Plays one history, waits until it is quiet, and says everything that is not as it must be."""

import asyncio
from dataclasses import dataclass, field
from datetime import timedelta
from unittest.mock import patch

from audiencesync.v1 import audience_sync_pb2 as pb

from fakefb import fault_effects
from fakefb.matching import Matching
from service.sync import compaction, recreation
from tests.simulation.bounds import watched_bounds
from tests.simulation.events import DISTURBANCES, NEIGHBOURS, REPLICAS, TOO_SMALL, History
from tests.simulation.happenings import end_faults, happen, resume
from tests.simulation.oracle import ENDED, audit_database, is_quiet, state_of, unrest
from tests.simulation.virtual_time import run_virtually
from tests.simulation.world import World

ENDED_BADLY = ("FAILED", "CANCELLED")
GONE_CHECK_S = 0.5
"""Seconds between two looks of the fake whether a caller has hung up."""
COMPACT_FROM_ROWS = 4
"""Rows pending from which on the log of an audience that is held up is compacted."""
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
    with (
        patch.object(fault_effects, "GONE_CHECK_S", GONE_CHECK_S),
        patch.object(compaction, "COMPACT_FROM_ROWS", COMPACT_FROM_ROWS),
        patch.object(compaction, "PENDING_PER_MEMBER", 0),
        patch.object(recreation, "RECREATE_INTERVAL", timedelta(0)),
        watched_bounds() as broken,
    ):
        outcome = run_virtually(_play(history))
    outcome.findings += broken.of(is_calm=not history.has(*DISTURBANCES))
    return outcome


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
    if len(world.facebook.audiences.by_id) > 1 and not history.has("fail_over"):
        outcome.findings.append("more than one Custom Audience")
    outcome.findings += world.network.sins + world.defects + audit_database(world.database)
    for replica in world.replicas:
        replica.kill()
    outcome.calls = len(world.facebook.journal.entries)
    outcome.virtual_s = world.loop.time()
    return outcome


def _may_differ(history: History) -> bool:
    """Whether rows were refused, or commits or the whole list lost: the refresh makes it exact."""
    return _has_refused_rows(history) or history.has("fail_over", "lose_audience")


def _has_refused_rows(history: History) -> bool:
    """Also by a refusal of the whole call, which is cut down to the rows that it is about."""
    return any(
        "invalid_rows" in rule["effect"] or rule["effect"] == TOO_SMALL
        for event in history.events
        if event.kind == "faults"
        for rule in event.values["rules"]
    )


async def _calm_down(world: World) -> None:
    """Everything works again, and whoever waits for an answer gets it."""
    await world.callers_are_done()
    end_faults(world)
    await world.callers_are_done()
    if world.may_have_lost_commits:
        world.tell_everything_again()
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
        state = "FAILED" if wanted is None else state_of(world.database, wanted)
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
    if history.matching is Matching.FIRST_STRONG and _has_refused_rows(history):
        # A refused row went out once more, one identifier a row: each of them may find somebody.
        extra = sorted(set(extra) - world.wanted(Matching.ANY_STRONG))
    if history.matching is Matching.FIRST_STRONG and not final:
        extra = []  # a key that now stands behind another one: ARCHITECTURE.md, what a difference sees
    found = []
    if missing:
        found.append(f"{when}: missing people {missing}")
    if extra:
        found.append(f"{when}: people too many {extra}")
    return found
