"""Why a run stops before it is done: exceptions within this room."""

from datetime import datetime

from service.graph import GraphFailure
from service.sync.consequences import WHAT_TO_DO, BlockedReason


class LeaseLost(Exception):
    """The audience is no longer ours: nothing more may be written, here or at Facebook."""


class LogLost(Exception):
    """Chunks of the window are gone, as after a database failover: a refresh makes good."""


class Blocked(Exception):
    """A human has to act before anything more is sent."""

    def __init__(
        self, reason: BlockedReason, failure: GraphFailure | None = None, *, told: str = ""
    ) -> None:
        facebook_says = f"Facebook says: {failure.message}" if failure and failure.message else ""
        super().__init__(" ".join(filter(None, (told, WHAT_TO_DO[reason], facebook_says))))
        self.reason = reason
        self.failure = failure


class AccountBlocked(Blocked):
    """The ad account is blocked: nothing was called, and it is tried for all of it at `probe_at`."""

    def __init__(self, reason: BlockedReason, *, probe_at: datetime | None) -> None:
        super().__init__(reason)
        self.probe_at = probe_at


class GaveUp(Exception):
    """Facebook did not answer as it should for too long; the next sync tries again."""

    def __init__(self, failure: GraphFailure) -> None:
        super().__init__(str(failure))
        self.failure = failure


class ComeBack(Exception):
    """Nothing can be done for some seconds; the run is suspended and goes on later.

    `is_throttled`: because the ad account's limit is reached.
    """

    def __init__(
        self, in_s: float, failure: GraphFailure | None = None, *, is_throttled: bool = False
    ) -> None:
        super().__init__(f"come back in {in_s:.0f} s")
        self.in_s = in_s
        self.failure = failure
        self.is_throttled = is_throttled


class Suspended(Exception):
    """The service is draining, or the audience was paused or disconnected: stop at the window's end."""
