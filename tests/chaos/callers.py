"""Callers that send steady updates and remember what they were told to be durable."""

import random
import threading
import time
from collections import Counter, defaultdict, deque
from dataclasses import dataclass, field
from typing import Final

from audiencesync.v1 import audience_sync_pb2 as pb

from tests.chaos.calls import Line, Refused, Unanswered
from tests.chaos.processes import Replica
from tests.simulation.callers import Someone, Truth, change_of
from tests.simulation.process import EPOCH

AUDIENCES: Final = ("spring", "autumn")
ACCOUNTS: Final = {name: f"act_100000000{n}" for n, name in enumerate(AUDIENCES, 1)}
"""Each audience has an ad account of its own: a block or a stop of one leaves the other alone."""
GENERATION_S: Final = 8.0
"""Seconds after which callers speak of other people: what went wrong stays, and is seen at the end."""
GENERATIONS: Final = 150
GENERATION_PEOPLE: Final = 30
EMAILS: Final = tuple(
    tuple(f"person-{n}-{m}@mail.example" for m in range(GENERATION_PEOPLE))
    for n in range(GENERATIONS)
)
"""All callers speak of the same people: many members share an e-mail."""
NOBODY_ELSES_EMAIL: Final = "nobody-else@mail.example"
"""Of a person whom no caller speaks of."""
MEMBERS: Final = 20
"""Members of one caller in one audience, of one generation."""
CHANGES_MAX: Final = 6
PAUSE_S: Final = 0.08
"""Seconds between two updates of one caller."""
SYNC_PAUSE_S: Final = 0.5
"""Seconds between two wishes for a sync."""
REFRESH_SHARE: Final = 0.05
"""Share of the wishes that are for a refresh."""
LATE_SHARE: Final = 0.15
"""Share of the updates with a time that are held back and sent after later ones."""
REPEAT_SHARE: Final = 0.1
"""Share of the answered updates that are sent once more, later."""


@dataclass(frozen=True)
class Answered:
    """An update and what was said to it."""

    request: pb.UpdateMembershipRequest
    answer: pb.UpdateMembershipResponse


@dataclass
class Ledger:
    """What one caller was told, and what of it was not kept."""

    truths: defaultdict[str, Truth] = field(default_factory=lambda: defaultdict(Truth))
    answered: list[Answered] = field(default_factory=list)
    repeated: int = 0
    findings: list[str] = field(default_factory=list)
    lost: int = 0
    """Answers whose revision is behind one that was answered before them."""
    duplicated: int = 0
    """Repeats that were not given the first answer."""
    revisions: Counter[str] = field(default_factory=Counter)

    def hear(
        self,
        request: pb.UpdateMembershipRequest,
        answer: pb.UpdateMembershipResponse,
        said: dict[str, Someone | None],
        said_at: float | None,
    ) -> None:
        """Take in what an answered update said of members."""
        audience = request.audience_id
        self.truths[audience].hear(said, said_at)
        self.answered.append(Answered(request, answer))
        self.lost += answer.revision < self.revisions[audience]
        self.revisions[audience] = max(self.revisions[audience], answer.revision)


class Speaker(threading.Thread):
    """Calls until it is told to stop."""

    def __init__(
        self, name: str, replicas: list[Replica], seed: int, stop: threading.Event
    ) -> None:
        super().__init__(name=name, daemon=True)
        self._chance = random.Random(f"{seed}-{name}")
        self.line = Line(replicas, self._chance)
        self.ledger = Ledger()
        self._stop_asked = stop


class Caller(Speaker):
    """Owns its members: what is true of them is what it was told last."""

    def __init__(
        self, name: str, replicas: list[Replica], seed: int, stop: threading.Event
    ) -> None:
        super().__init__(name, replicas, seed, stop)
        self._held_back: deque[tuple[str, int, float]] = deque()
        self._began_at = time.monotonic()
        self._sent = 0

    def run(self) -> None:
        try:
            while not self._stop_asked.wait(PAUSE_S * self._chance.random() * 2):
                self._speak()
        except (Unanswered, Refused) as error:
            self.ledger.findings.append(f"{self.name}: {error}")

    def _speak(self) -> None:
        audience = self._chance.choice(AUDIENCES)
        generation = int((time.monotonic() - self._began_at) / GENERATION_S) % GENERATIONS
        said_at = self._time() if self._chance.random() < 0.5 else None
        if said_at is not None and self._chance.random() < LATE_SHARE:
            self._held_back.append((audience, generation, said_at))
            return
        self._update(audience, generation, said_at)
        if self._held_back and self._chance.random() < LATE_SHARE:
            self._update(*self._held_back.popleft())
        if self._chance.random() < REPEAT_SHARE:
            self._repeat(self._chance.choice(self.ledger.answered))

    def _update(self, audience: str, generation: int, said_at: float | None) -> None:
        said = {
            self._member(generation, is_timed=said_at is not None): self._someone(generation)
            for _ in range(self._chance.randint(1, CHANGES_MAX))
        }
        self._sent += 1
        request = pb.UpdateMembershipRequest(
            audience_id=audience,
            changes=[change_of(name, someone, said_at) for name, someone in said.items()],
            request_id=f"{self.name}-{self._sent}",
        )
        answer = self.line.ask(lambda stub: stub.UpdateMembership, request)
        self.ledger.hear(request, answer, said, said_at)

    def _repeat(self, before: Answered) -> None:
        answer = self.line.ask(lambda stub: stub.UpdateMembership, before.request)
        self.ledger.repeated += 1
        self.ledger.duplicated += answer != before.answer

    def _member(self, generation: int, *, is_timed: bool) -> str:
        """A member is spoken of either always with a time, or never."""
        kind = "timed" if is_timed else "plain"
        return f"{self.name}-{generation}-{kind}-{self._chance.randrange(MEMBERS // 2)}"

    def _someone(self, generation: int) -> Someone | None:
        if self._chance.random() < 0.4:
            return None
        return Someone(tuple(self._chance.sample(EMAILS[generation], self._chance.randint(1, 3))))

    def _time(self) -> float:
        return time.time() - EPOCH.timestamp()


class Syncer(Speaker):
    """Asks for syncs again and again."""

    def run(self) -> None:
        while not self._stop_asked.wait(SYNC_PAUSE_S * self._chance.random() * 2):
            request = pb.SyncNowRequest(
                audience_id=self._chance.choice(AUDIENCES),
                mode=self._mode(),
                request_id=f"sync-{self._chance.randrange(2**62)}",
            )
            try:
                self.line.ask(lambda stub: stub.SyncNow, request)
            except Refused:
                continue  # blocked by a fault, for now
            except Unanswered as error:
                self.line.findings.append(f"syncer: {error}")

    def _mode(self) -> "pb.Sync.Mode.ValueType":
        is_rare = self._chance.random() < REFRESH_SHARE
        return pb.Sync.MODE_REFRESH if is_rare else pb.Sync.MODE_CHANGES
