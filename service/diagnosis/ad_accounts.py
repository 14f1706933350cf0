"""Judges an ad account: its token, what Facebook says of it, and its budget of calls."""

import enum
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

from service.diagnosis.findings import Code, Finding, Severity
from service.graph.objects import AdAccount as AccountAtFacebook
from service.graph.objects import TokenInfo
from service.graph.usage import Usage
from service.store.rows import AdAccount
from service.store.token_end import TOKEN_ENDS_SOON

TOKEN_ERROR: Final = timedelta(days=2)
USAGE_WARNING_PERCENT: Final = 75.0
"""From here on syncs slow down (`service/sync/pacing.py`)."""
USAGE_FRESH: Final = timedelta(hours=1)
"""Allowances roll over within the hour: what was used before says nothing."""
TIER_LIMITED: Final = "development_access"
"""As the usage headers name the tier with few calls. Source: graph-contract §8.2."""
CALLS_AN_HOUR: Final = 5_000
"""Of the limited tier, and 40 more for each active Custom Audience."""
STATUS_ACTIVE: Final = 1
STATUSES_IN_TROUBLE: Final = {
    3: "owes money",
    7: "is under review for risk",
    8: "waits for a settlement",
    9: "is in a period of grace",
}
"""They keep their lists for now. Source: graph-contract §9."""


class Seal(enum.Enum):
    """Whether the stored token opens."""

    OPENED = enum.auto()
    KEY_MISSING = enum.auto()
    DAMAGED = enum.auto()
    """Or sealed with another key of the same name, or for another record."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """A check that did not pass; `reason` is one of the API's ErrorReason."""

    reason: str
    message: str
    metadata: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountFacts:
    """What is known of an ad account.

    `refusals`: of checks with Facebook. `token`, `at_facebook` and `usage` are what Facebook says, None
    where it was not asked or did not answer.
    """

    stored: AdAccount
    now: datetime
    seal: Seal = Seal.OPENED
    refusals: tuple[Refusal, ...] = ()
    token: TokenInfo | None = None
    at_facebook: AccountAtFacebook | None = None
    usage: Usage | None = None
    """By the answer just given, else as a sync last knew it."""
    audience_count: int = 0


_REFUSED: Final = {
    "TOKEN_EXPIRED": (Code.TOKEN_INVALID, "Call ConnectAdAccount with a new token."),
    "TOKEN_INVALID": (Code.TOKEN_INVALID, "Call ConnectAdAccount with a new token."),
    "SCOPE_MISSING": (
        Code.SCOPE_MISSING,
        "Make a token with the permission ads_management and call ConnectAdAccount.",
    ),
    "AD_ACCOUNT_NOT_VISIBLE": (
        Code.AD_ACCOUNT_NOT_VISIBLE,
        "Give the token's user access to the ad account in the business settings.",
    ),
    "TERMS_NOT_ACCEPTED": (
        Code.TERMS_NOT_ACCEPTED,
        "Let a person of the business accept the Custom Audience terms.",
    ),
    "AD_ACCOUNT_INACTIVE": (
        Code.AD_ACCOUNT_CLOSED,
        "Open the ad account again, or connect its audiences to another one.",
    ),
}
"""Code and what to do, by the reason of a check that did not pass."""


def judge_account(facts: AccountFacts) -> Iterator[Finding]:
    """What is wrong with an ad account, or soon will be."""
    yield from _judge_seal(facts)
    yield from (_judge_refusal(facts, refusal) for refusal in facts.refusals)
    yield from _judge_stored(facts)
    yield from _judge_token_end(facts)
    yield from _judge_status(facts)
    yield from _judge_budget(facts)


def _judge_seal(facts: AccountFacts) -> Iterator[Finding]:
    if facts.seal is Seal.KEY_MISSING:
        yield _of(
            facts,
            Code.SEALING_KEY_MISSING,
            Severity.ERROR,
            "The key that sealed the stored token is not configured: nothing can be sent.",
            "Add it to AUDIENCE_SYNC_SEALING_KEYS behind the first, or call ConnectAdAccount.",
        )
    elif facts.seal is Seal.DAMAGED:
        yield _of(
            facts,
            Code.SEALED_TOKEN_DAMAGED,
            Severity.ERROR,
            "The stored token does not open: it is damaged, or sealed with another key of that name.",
            "Call ConnectAdAccount with the token.",
        )


def _judge_refusal(facts: AccountFacts, refusal: Refusal) -> Finding:
    evidence = {"reason": refusal.reason, **refusal.metadata}
    known = _REFUSED.get(refusal.reason)
    if known is not None:
        code, action = known
        return _of(facts, code, Severity.ERROR, refusal.message, action, evidence)
    if refusal.reason == "FACEBOOK_THROTTLED":
        return _throttled(facts, evidence)
    return _of(
        facts,
        Code.AD_ACCOUNT_UNCHECKED,
        Severity.WARNING,
        f"The account could not be checked: {refusal.message}",
        "Diagnose again; if it stays so, look for Facebook's state and the way there.",
        evidence,
    )


def _judge_stored(facts: AccountFacts) -> Iterator[Finding]:
    stored = facts.stored
    if stored.blocked_reason is not None:
        since = stored.blocked_at
        yield _of(
            facts,
            Code.AD_ACCOUNT_BLOCKED,
            Severity.ERROR,
            "Facebook refuses all audiences of the account; one of them tries now and then.",
            "Cure what its audiences say; ConnectAdAccount tries again at once.",
            {"reason": stored.blocked_reason, "since": since.isoformat() if since else ""},
        )
    if stored.throttled_until is not None and stored.throttled_until > facts.now:
        yield _throttled(facts, {"until": stored.throttled_until.isoformat()})


def _throttled(facts: AccountFacts, evidence: Mapping[str, str]) -> Finding:
    return _of(
        facts,
        Code.AD_ACCOUNT_THROTTLED,
        Severity.WARNING,
        "Facebook's rate limit is reached; no call is made until it lets calls in again.",
        "Nothing now; if it comes again, lengthen sync intervals or move audiences elsewhere.",
        evidence,
    )


def _judge_token_end(facts: AccountFacts) -> Iterator[Finding]:
    """Of a token that lives; one that is dead was refused, or will be at the next call."""
    told = facts.token
    ends = {
        "token": told.expires_at if told else facts.stored.token_expires_at,
        "data_access": told.data_access_expires_at if told else None,
    }
    for what, end in ends.items():
        if end is None or end - facts.now > TOKEN_ENDS_SOON:
            continue
        left = end - facts.now
        if left <= timedelta() and facts.refusals:
            continue
        yield _of(
            facts,
            Code.TOKEN_EXPIRES_SOON,
            Severity.ERROR if left <= TOKEN_ERROR else Severity.WARNING,
            f"The token's {'life' if what == 'token' else 'access to data'} ends in"
            f" {max(left, timedelta()).days} days.",
            "Make a new token (of a system user: it need not expire) and call ConnectAdAccount.",
            {"what": what, "ends": end.isoformat()},
        )


def _judge_status(facts: AccountFacts) -> Iterator[Finding]:
    status = facts.at_facebook.account_status if facts.at_facebook else None
    if status in STATUSES_IN_TROUBLE:
        yield _of(
            facts,
            Code.AD_ACCOUNT_IN_TROUBLE,
            Severity.WARNING,
            f"The ad account {STATUSES_IN_TROUBLE[status]}: its ads may not run.",
            "Settle it in Facebook's billing and account quality pages.",
            {"account_status": str(status)},
        )


def _judge_budget(facts: AccountFacts) -> Iterator[Finding]:
    usage = facts.usage
    if usage is None:
        return
    if usage.percent >= USAGE_WARNING_PERCENT:
        yield _of(
            facts,
            Code.BUDGET_NEARLY_USED,
            Severity.WARNING,
            f"{usage.percent:.0f} % of the calls that Facebook allows are used: syncs slow down.",
            "Lengthen sync intervals, or ask for the higher access tier.",
            {"usage_percent": f"{usage.percent:.1f}", "audiences": str(facts.audience_count)},
        )
    if usage.tier == TIER_LIMITED:
        calls = CALLS_AN_HOUR + 40 * facts.audience_count
        yield _of(
            facts,
            Code.ACCESS_TIER_LIMITED,
            Severity.INFO,
            f"The app has the limited access tier: about {calls:,} calls an hour for this account.",
            "Ask Facebook for the full tier before the account is to hold many audiences.",
            {"tier": usage.tier, "calls_an_hour": str(calls)},
        )


def _of(
    facts: AccountFacts,
    code: Code,
    severity: Severity,
    message: str,
    action: str,
    evidence: Mapping[str, str] | None = None,
) -> Finding:
    return Finding(
        code=code,
        severity=severity,
        message=message,
        action=action,
        evidence=evidence or {},
        ad_account_id=facts.stored.ad_account_id,
    )
