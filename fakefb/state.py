"""Owns everything that one fake remembers; two fakes share nothing."""

import asyncio
import datetime as dt
import random
from collections.abc import Callable
from typing import Final

from fakefb.ad_accounts import AdAccount
from fakefb.audiences import Audiences
from fakefb.clock import Clock
from fakefb.faults import Faults
from fakefb.journal import Journal
from fakefb.people import Population
from fakefb.profiles import Profile
from fakefb.settings import Settings
from fakefb.snapshots import Snapshots
from fakefb.tokens import Token, Tokens

READY_ACCOUNT: Final = "act_1000000001"
READY_TOKEN: Final = "fake-token"  # noqa: S105 - a made-up token
READY_APP_ID: Final = "5550001"
READY_APP_SECRET: Final = "fake-app-secret"  # noqa: S105 - a made-up secret

_FIRST_AUDIENCE_ID: Final = 120_200_000_000_000_000
_TRACE_LETTERS: Final = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-"


class FakeState:
    """One fake Facebook: accounts, tokens, people, audiences, faults and the record of calls."""

    def __init__(
        self, *, wall: Callable[[], float], seed: int = 0, profile: Profile = Profile.CALM
    ) -> None:
        self.seed = seed
        self._first_profile = profile
        self.closing = asyncio.Event()
        self.clock = Clock(wall)
        self.journal = Journal()
        self.snapshots = Snapshots()
        self._next_audience_id = _FIRST_AUDIENCE_ID
        self.reset()

    def reset(self) -> None:
        """Return to a fresh fake with the ready account and token; faults and clock too.

        Snapshots stay.
        """
        self.clock.reset()
        self.journal.clear()
        self.settings = Settings()
        self.tokens = Tokens()
        self.ad_accounts: dict[str, AdAccount] = {}
        self.audiences = Audiences()
        self.population = Population()
        self.faults = Faults(self.seed, self.clock, self._first_profile)
        self.random = random.Random(self.seed)
        self._make_ready()

    def new_audience_id(self) -> str:
        """Return an id of 18 digits that this fake has never given out, resets included."""
        self._next_audience_id += self.random.randrange(10, 10_000)
        return str(self._next_audience_id)

    def trace_id(self) -> str:
        """Return a mark for one answer."""
        return "A" + "".join(self.random.choices(_TRACE_LETTERS, k=22))

    def this_year(self) -> int:
        """Return the calendar year (UTC) of the fake's present."""
        return dt.datetime.fromtimestamp(self.clock.now(), dt.UTC).year

    def _make_ready(self) -> None:
        now = int(self.clock.now())
        self.ad_accounts[READY_ACCOUNT] = AdAccount(
            ad_account_id=READY_ACCOUNT, name="Ready account", time_created=now
        )
        self.tokens.by_text[READY_TOKEN] = Token(
            access_token=READY_TOKEN,
            app_id=READY_APP_ID,
            app_secret=READY_APP_SECRET,
            ad_account_ids=(READY_ACCOUNT,),
            issued_at=now,
        )
