"""A caller with a list so long that a sync of it takes several calls to Facebook at once."""

import threading
from typing import Final

from audiencesync.v1 import audience_sync_pb2 as pb

from tests.chaos.callers import ACCOUNTS, AUDIENCES, Speaker
from tests.chaos.calls import Refused, Unanswered
from tests.chaos.processes import Replica
from tests.simulation.callers import Someone, change_of

AUDIENCE: Final = "bulk"
BULK_EMAILS: Final = tuple(f"bulk-{n}@mail.example" for n in range(13_000))
CHANGED_MIN: Final = 10_500
"""Members changed at once at least: more rows than one call takes."""
CALL_CHANGES: Final = 4_000
PAUSE_S: Final = 6.0
"""Seconds between two changes of the list, at most."""


class Bulk(Speaker):
    """Adds and removes most of its members at once, again and again."""

    def __init__(
        self, name: str, replicas: list[Replica], seed: int, stop: threading.Event
    ) -> None:
        super().__init__(name, replicas, seed, stop)
        self._sent = 0

    def run(self) -> None:
        try:
            self._open()
            while not self._stop_asked.wait(PAUSE_S * self._chance.random()):
                self._change()
        except Unanswered as error:
            self.line.findings.append(f"{self.name}: {error}")

    def _open(self) -> None:
        wish = pb.ConnectAudienceRequest(
            audience_id=AUDIENCE, ad_account_id=ACCOUNTS[AUDIENCES[0]], name=AUDIENCE
        )
        self.line.ask(lambda stub: stub.ConnectAudience, wish)
        self.ledger.truths[AUDIENCE].hear({}, None)

    def _change(self) -> None:
        count = self._chance.randint(CHANGED_MIN, len(BULK_EMAILS))
        first = self._chance.randrange(len(BULK_EMAILS) - count + 1)
        is_present = self._chance.random() < 0.5
        said = {
            f"bulk-{n}": Someone((BULK_EMAILS[n],)) if is_present else None
            for n in range(first, first + count)
        }
        names = list(said)
        for start in range(0, len(names), CALL_CHANGES):
            self._update({name: said[name] for name in names[start : start + CALL_CHANGES]})
        try:
            self.line.ask(lambda stub: stub.SyncNow, pb.SyncNowRequest(audience_id=AUDIENCE))
        except Refused:
            return  # blocked by a fault, for now

    def _update(self, said: dict[str, Someone | None]) -> None:
        self._sent += 1
        request = pb.UpdateMembershipRequest(
            audience_id=AUDIENCE,
            changes=[change_of(name, someone, None) for name, someone in said.items()],
            request_id=f"{self.name}-{self._sent}",
        )
        answer = self.line.ask(lambda stub: stub.UpdateMembership, request)
        self.ledger.hear(request, answer, said, None)
