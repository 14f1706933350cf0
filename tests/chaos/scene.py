"""What the callers, the faults and the checks share: the audiences, their accounts, and a prober."""

import random
import threading
import time
from dataclasses import dataclass, field
from itertools import chain
from typing import Final

from audiencesync.v1 import audience_sync_pb2 as pb

from tests.chaos.bulk import BULK_EMAILS
from tests.chaos.callers import ACCOUNTS, AUDIENCES, EMAILS, NOBODY_ELSES_EMAIL, Ledger
from tests.chaos.calls import Line, Refused
from tests.chaos.processes import House
from tests.simulation.callers import Someone, change_of

PROBE: Final = "probe"
PROBE_EMAIL: Final = "probe@mail.example"
LATENCY_MS: Final = 150
"""Milliseconds that an upload takes, so that faults come in the middle of one."""
LOOK_S: Final = 0.05
"""Seconds between two looks at the fake."""
ASK_S: Final = 0.7
"""Seconds between two wishes for a sync while one is waited for."""
CONNECT_S_MAX: Final = 30.0
RECOVERY_S_MAX: Final = 90.0
"""Seconds after which a fault that is over must not be felt any more."""


class NotRecovered(Exception):
    """An update does not reach the audience although the fault is over."""


@dataclass
class Scene:
    """The house with two connected audiences."""

    house: House
    chance: random.Random
    ledger: Ledger = field(default_factory=Ledger)
    """Of the prober."""
    custom_audiences: dict[str, str] = field(default_factory=dict)
    line: Line = field(init=False)
    _tokens: int = 0
    _probes: int = 0

    def __post_init__(self) -> None:
        self.line = Line(self.house.replicas, self.chance)

    def set_up(self) -> None:
        """Put people in, and connect an audience of each ad account."""
        fake = self.house.fake
        fake.settings(latency_ms=LATENCY_MS)
        fake.add_people(
            *(
                {"person_id": email.partition("@")[0], "emails": [email]}
                for email in (*chain.from_iterable(EMAILS), *BULK_EMAILS, NOBODY_ELSES_EMAIL)
            ),
            {"person_id": PROBE, "emails": [PROBE_EMAIL]},
        )
        for audience, account in ACCOUNTS.items():
            if account != fake.ad_account_id:
                fake.admin("POST", "/admin/ad_accounts", {"ad_account_id": account})
            self.renew_token(audience)
            self.custom_audiences[audience] = self._connect(audience)

    def renew_token(self, audience: str) -> str:
        """Give the audience's ad account a token that works, at Facebook and with us."""
        self._tokens += 1
        token, account = f"token-{self._tokens}", ACCOUNTS[audience]
        wish = {"access_token": token, "ad_account_ids": [account]}
        self.house.fake.admin("POST", "/admin/tokens", wish)
        request = pb.ConnectAdAccountRequest(ad_account_id=account, access_token=token)
        self.line.ask(lambda stub: stub.ConnectAdAccount, request)
        self.tokens[audience] = token
        return token

    tokens: dict[str, str] = field(default_factory=dict)
    """The token of each audience's ad account."""

    def state(self, audience: str) -> pb.Audience:
        look = pb.GetAudienceRequest(audience_id=audience)
        return self.line.ask(lambda stub: stub.GetAudience, look).audience

    def sync(self, audience: str) -> bool:
        """Ask for a sync; False when the audience is not active."""
        try:
            self.line.ask(lambda stub: stub.SyncNow, pb.SyncNowRequest(audience_id=audience))
        except Refused:
            return False
        return True

    def probe(self) -> float:
        """Seconds until an update of each audience, made now, has reached Facebook.

        Raises: NotRecovered, Unanswered.
        """
        began = time.monotonic()
        self._probes += 1
        someone = Someone((PROBE_EMAIL,)) if self._probes % 2 else None
        for audience in AUDIENCES:
            self._update(audience, someone)
        for audience in AUDIENCES:
            self._wait(audience, is_inside=someone is not None)
        return time.monotonic() - began

    def _update(self, audience: str, someone: Someone | None) -> None:
        request = pb.UpdateMembershipRequest(
            audience_id=audience,
            changes=[change_of(PROBE, someone, None)],
            request_id=f"{PROBE}-{self._probes}",
        )
        answer = self.line.ask(lambda stub: stub.UpdateMembership, request)
        self.ledger.hear(request, answer, {PROBE: someone}, None)

    def _wait(self, audience: str, *, is_inside: bool) -> None:
        deadline = time.monotonic() + RECOVERY_S_MAX
        ask_at = 0.0
        while time.monotonic() < deadline:
            people = self.house.fake.audience_people(self.custom_audiences[audience])
            if (PROBE in people) == is_inside:
                return
            if time.monotonic() >= ask_at:
                self.sync(audience)
                ask_at = time.monotonic() + ASK_S
            threading.Event().wait(LOOK_S)
        state = self.state(audience)
        raise NotRecovered(f"{audience} takes no update: {state.blocked_message or 'not blocked'}")

    def _connect(self, audience: str) -> str:
        wish = pb.ConnectAudienceRequest(
            audience_id=audience, ad_account_id=ACCOUNTS[audience], name=audience
        )
        self.line.ask(lambda stub: stub.ConnectAudience, wish)
        deadline = time.monotonic() + CONNECT_S_MAX
        while time.monotonic() < deadline:
            state = self.state(audience)
            if state.state == pb.Audience.STATE_ACTIVE:
                return state.custom_audience_id
            threading.Event().wait(LOOK_S)
        raise NotRecovered(f"{audience} is not connected")
