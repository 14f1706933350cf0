"""A caller that connects one audience after another and fills each with a few members."""

from typing import Final

from audiencesync.v1 import audience_sync_pb2 as pb

from tests.chaos.callers import ACCOUNTS, AUDIENCES, EMAILS, Speaker
from tests.chaos.calls import Unanswered
from tests.simulation.callers import Someone, change_of

OPENED_MAX: Final = 40
PAUSE_S: Final = 10.0
"""Seconds between two audiences."""
MEMBERS: Final = 5


class Opener(Speaker):
    """Whatever dies meanwhile, each audience gets one Custom Audience."""

    def run(self) -> None:
        try:
            for number in range(OPENED_MAX):
                self._open(f"opened-{number}")
                if self._stop_asked.wait(PAUSE_S * self._chance.random() * 2):
                    return
        except Unanswered as error:
            self.line.findings.append(f"opener: {error}")

    def _open(self, audience: str) -> None:
        wish = pb.ConnectAudienceRequest(
            audience_id=audience,
            ad_account_id=ACCOUNTS[self._chance.choice(AUDIENCES)],
            name=audience,
            request_id="connect",
        )
        self.line.ask(lambda stub: stub.ConnectAudience, wish)
        said: dict[str, Someone | None] = {
            f"member-{n}": Someone((self._chance.choice(EMAILS[n]),)) for n in range(MEMBERS)
        }
        update = pb.UpdateMembershipRequest(
            audience_id=audience,
            changes=[change_of(name, someone, None) for name, someone in said.items()],
            request_id="fill",
        )
        answer = self.line.ask(lambda stub: stub.UpdateMembership, update)
        self.ledger.hear(update, answer, said, None)
