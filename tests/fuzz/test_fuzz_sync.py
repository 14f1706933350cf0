"""Whatever Facebook answers during whole runs, the cursor stays behind what was not acknowledged."""

import asyncio
import hashlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Final

import pytest
import structlog
from hypothesis import given, note
from hypothesis import strategies as st
from yarl import URL

from service.embedded import EmbeddedPostgres
from service.graph import GraphClient, open_http_session
from tests.conftest import _database
from tests.fuzz.effort import TEST_SECONDS_MAX, effort
from tests.fuzz.graph_answerer import Answerer, answering
from tests.fuzz.graph_answers import NO_RECEIPTS, Cells, Ending, Receipt, Told, answers
from tests.fuzz.graph_oracle import Proof, is_put_off
from tests.integration.sync_world import SyncWorld, a_world, mail

pytestmark = pytest.mark.timeout(TEST_SECONDS_MAX)
HISTORY_S_MAX: Final = 20.0
"""Seconds of real time: nothing is waited for, so more is a loop without end."""
CALL_S_MAX: Final = 2.0
Databases = Callable[[], AbstractAsyncContextManager[str]]


@dataclass
class Step:
    """One member's change, and the revision that tells it."""

    operation: str
    cells: Cells
    revision: int


@dataclass
class History:
    """A world whose calls go through an answerer, and what was changed in it."""

    world: SyncWorld
    between: Answerer
    steps: list[Step] = field(default_factory=list)
    cursor: int = 0

    async def change(self, operation: str, *names: str) -> None:
        for name in names:
            await self.world.update(**{name: mail(name) if operation == "ADD" else None})
            digest = hashlib.sha256(mail(name)[0].encode()).hexdigest()
            revision = (await self.world.audience()).revision
            self.steps.append(Step(operation, frozenset([("EMAIL", digest)]), revision))

    async def run(self) -> None:
        """A run at once, whatever is waited for."""
        await self.world.ask()
        await self.world.make_due(probe_at=timedelta(0))
        await self.world.run()
        await self.hold()

    async def hold(self) -> None:
        self.cursor, proofs = (await self.world.audience()).synced_revision, self.between.proofs
        newest = {step.cells: step for step in self.steps if step.revision <= self.cursor}
        for step in newest.values():
            assert any(settles(proof, step) for proof in proofs), step
        counted = await self.world.value(
            "select coalesce(sum(rows_added + rows_removed), 0) from sync"
        )
        assert counted <= sum(proof.accepted_max for proof in proofs)


def settles(proof: Proof, step: Step) -> bool:
    """Whether an answer is the last word on a step: a receipt, or a refusal of this row alone."""
    is_about_it = proof.operation == step.operation and step.cells in proof.rows
    is_alone = len(proof.rows) == 1 and proof.error is not None
    return is_about_it and (proof.is_receipt or is_alone or is_put_off(proof))


async def play(databases: Databases, script: Sequence[Told], *, for_ever: bool) -> History:
    async with (
        asyncio.timeout(HISTORY_S_MAX),
        databases() as url,
        a_world(url, call_timeout_s=CALL_S_MAX) as world,
        open_http_session() as session,
    ):
        between = Answerer(script, for_ever=for_ever, behind=URL(world.fake.graph_url))
        async with answering(between):
            graph = GraphClient(session, base_url=between.url, timeout_s=CALL_S_MAX)
            world.context = replace(world.context, graph=graph)
            await world.connect()
            history = History(world, between)
            await history.change("ADD", "ann", "bob", "cat")
            await history.run()
            await history.change("REMOVE", "ann", "bob")
            await history.change("ADD", "dan")
            for _ in range(3):
                await history.run()
            return history


@pytest.fixture(scope="module")
def runner() -> Iterator[asyncio.Runner]:
    with asyncio.Runner() as opened:
        yield opened


@pytest.fixture
def databases(postgres: EmbeddedPostgres, template_database: str) -> Iterator[Databases]:
    with structlog.testing.capture_logs():
        yield lambda: _database(postgres, template=template_database)


def test_answers_that_are_right_move_the_cursor_to_the_end(
    runner: asyncio.Runner, databases: Databases
) -> None:
    history = runner.run(play(databases, (), for_ever=False))
    assert history.cursor == history.steps[-1].revision
    assert {proof.operation for proof in history.between.proofs} == {"ADD", "REMOVE"}


@pytest.mark.parametrize(
    "told",
    [
        Told(body=Receipt(received_off_by=-1)),
        Told(http_status=500),
        Told(ending=Ending.CUT),
        Told(body=Receipt(overwritten={"error": {"code": 190}})),
    ],
)
def test_the_cursor_does_not_move_while_nothing_is_acknowledged(
    runner: asyncio.Runner, databases: Databases, told: Told
) -> None:
    history = runner.run(play(databases, [told], for_ever=True))
    assert history.between.proofs
    assert history.cursor < history.steps[0].revision


@effort(8)
@given(
    script=st.lists(answers | st.sampled_from(NO_RECEIPTS), min_size=1, max_size=12),
    for_ever=st.booleans(),
)
def test_the_cursor_stays_behind_what_was_not_acknowledged(
    runner: asyncio.Runner,
    databases: Databases,
    script: list[Told],
    for_ever: bool,  # noqa: FBT001
) -> None:
    history = runner.run(play(databases, script, for_ever=for_ever))
    note(f"{history.between.proofs}")
