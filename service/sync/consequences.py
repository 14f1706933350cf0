"""What the failure of an upload call means for its batch, by verdict. Pure: one table."""

from enum import StrEnum

from service.graph import Verdict
from service.sync.log_reading import Operation


class Consequence(StrEnum):
    """What happens with a batch whose call failed."""

    RETRY = "RETRY"
    """The same rows again in the same direction, after a back-off."""
    RETRY_UNKNOWN = "RETRY_UNKNOWN"
    """As RETRY; but the failed call may still land, so the opposite direction has to wait."""
    WAIT = "WAIT"
    """The account's limit: again when it is regained."""
    COME_BACK = "COME_BACK"
    """Not now; the sync goes on some minutes later."""
    HALVE = "HALVE"
    """Two calls of half the rows; a single row is refused."""
    CARRY_OVER = "CARRY_OVER"
    """The removals stay in the log."""
    BLOCK = "BLOCK"
    """A human has to act; nothing more is sent."""


def consequence_of(verdict: Verdict, operation: Operation) -> Consequence:
    """The consequence of a failed upload call."""
    if verdict is Verdict.TOO_SMALL:
        return Consequence.CARRY_OVER if operation is Operation.REMOVE else Consequence.HALVE
    return _CONSEQUENCES[verdict]


_CONSEQUENCES = {
    Verdict.TRANSIENT: Consequence.RETRY,
    Verdict.NOT_SENT: Consequence.RETRY,
    Verdict.NOT_READY: Consequence.RETRY,
    Verdict.UNKNOWN_OUTCOME: Consequence.RETRY_UNKNOWN,
    Verdict.LIMITED: Consequence.WAIT,
    Verdict.BUSY: Consequence.COME_BACK,
    Verdict.TOO_LARGE: Consequence.HALVE,
    Verdict.REJECTED: Consequence.HALVE,
    Verdict.TOKEN: Consequence.BLOCK,
    Verdict.PERMISSION: Consequence.BLOCK,
    Verdict.TERMS: Consequence.BLOCK,
    Verdict.FLAGGED: Consequence.BLOCK,
    Verdict.GONE: Consequence.BLOCK,
    Verdict.MODE_LOCKED: Consequence.BLOCK,
    Verdict.POLICY: Consequence.BLOCK,
}


class BlockedReason(StrEnum):
    """Why an audience is blocked; the names of the API's enum."""

    TOKEN_INVALID = "TOKEN_INVALID"  # noqa: S105 (a word of the API)
    PERMISSION_MISSING = "PERMISSION_MISSING"
    TERMS_NOT_ACCEPTED = "TERMS_NOT_ACCEPTED"
    AUDIENCE_FLAGGED = "AUDIENCE_FLAGGED"
    AUDIENCE_GONE = "AUDIENCE_GONE"
    ADOPTION_REFUSED = "ADOPTION_REFUSED"
    MODE_LOCKED = "MODE_LOCKED"
    POLICY = "POLICY"
    REMOVAL_REFUSED = "REMOVAL_REFUSED"
    REQUEST_REFUSED = "REQUEST_REFUSED"
    SEALING_KEY_MISSING = "SEALING_KEY_MISSING"


def blocked_reason_of(verdict: Verdict) -> BlockedReason:
    """The reason told when a verdict blocks an audience."""
    return _BLOCKED_REASONS.get(verdict, BlockedReason.REQUEST_REFUSED)


_BLOCKED_REASONS = {
    Verdict.TOKEN: BlockedReason.TOKEN_INVALID,
    Verdict.PERMISSION: BlockedReason.PERMISSION_MISSING,
    Verdict.TERMS: BlockedReason.TERMS_NOT_ACCEPTED,
    Verdict.FLAGGED: BlockedReason.AUDIENCE_FLAGGED,
    Verdict.GONE: BlockedReason.AUDIENCE_GONE,
    Verdict.MODE_LOCKED: BlockedReason.MODE_LOCKED,
    Verdict.POLICY: BlockedReason.POLICY,
}

ACCOUNT_WIDE = frozenset(
    {BlockedReason.TOKEN_INVALID, BlockedReason.PERMISSION_MISSING, BlockedReason.POLICY}
)
"""Reasons that concern every audience of the ad account."""

WHAT_TO_DO = {
    BlockedReason.TOKEN_INVALID: "Call ConnectAdAccount with a new token.",
    BlockedReason.PERMISSION_MISSING: "Give the token's user ads_management on the ad account.",
    BlockedReason.TERMS_NOT_ACCEPTED: "A person of the business has to accept the Custom Audience terms.",
    BlockedReason.AUDIENCE_FLAGGED: "Change the audience's name or description, or appeal with Facebook.",
    BlockedReason.AUDIENCE_GONE: "The Custom Audience is not there any more: disconnect and connect anew.",
    BlockedReason.ADOPTION_REFUSED: "Connect another Custom Audience, or let one be created.",
    BlockedReason.MODE_LOCKED: "The Custom Audience takes single-key uploads only: connect a new one.",
    BlockedReason.POLICY: "Facebook blocked the action for policy reasons; it is tried again rarely.",
    BlockedReason.REMOVAL_REFUSED: "Look at Facebook's message; the removals are kept and tried again.",
    BlockedReason.REQUEST_REFUSED: "Look at Facebook's message; it is tried again every hour.",
    BlockedReason.SEALING_KEY_MISSING: "Configure the sealing key of the stored token, or connect it again.",
}
