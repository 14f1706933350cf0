"""Judges an audience: whether what callers say reaches Facebook, and in time."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Final

from service.diagnosis.audience_facts import AudienceFacts
from service.diagnosis.findings import Code, Finding, Severity
from service.diagnosis.match_rate import judge_match_rate
from service.diagnosis.operation_status import judge_delivery_status, judge_operation_status
from service.store.rows import AudienceState

DELIVERS_FROM: Final = 100
"""People; ads hardly deliver to fewer, and below about as many Facebook refuses to take people out.
Source: graph-contract §8.4."""
CONNECTING_MAX: Final = timedelta(hours=1)
PAUSED_LONG: Final = timedelta(days=7)
"""Without a sync. Removals are kept for 31 days, and Facebook still advertises to who has left."""
LATE_INTERVALS: Final = 2
"""Sync intervals after which a change that is still not sent is late."""
LATE_SLACK: Final = timedelta(minutes=10)
LATE_ERROR: Final = timedelta(days=1)
FAILURES_WARNING: Final = 3
"""Syncs in a row that failed; the back-off takes them to about an hour."""
REFUSED_ROWS_MIN: Final = 10
REFUSED_WARNING: Final = 0.01
"""Share of the rows sent that Facebook refused as invalid."""
REFUSED_ERROR: Final = 0.10
IMPORT_IDLE: Final = timedelta(hours=1)
"""An unfinished import that nobody touched for so long: the program that sent it is gone."""

BLOCKED_ACTIONS: Final = {
    "TOKEN_INVALID": "Call ConnectAdAccount with a new token.",
    "PERMISSION_MISSING": "Give the token's user ads_management on the ad account.",
    "TERMS_NOT_ACCEPTED": "Let a person of the business accept the Custom Audience terms.",
    "AUDIENCE_FLAGGED": "Change name and description with UpdateAudience, or appeal to Facebook.",
    "AUDIENCE_GONE": "Disconnect the audience and connect it anew, then send its list.",
    "ADOPTION_REFUSED": "Disconnect it; connect another Custom Audience, or let one be created.",
    "MODE_LOCKED": "Disconnect it and connect a new one: this Custom Audience takes single keys only.",
    "POLICY": "See Facebook's account quality page; it is tried again by itself.",
    "REMOVAL_REFUSED": "Read Facebook's words in blocked_message; the removals are kept.",
    "REQUEST_REFUSED": "Read Facebook's words in blocked_message; it is tried again every hour.",
    "SEALING_KEY_MISSING": "Configure the sealing key of the stored token, or connect it again.",
}
"""The one thing to do, by the reason."""


def judge_audience(facts: AudienceFacts) -> Iterator[Finding]:
    """What is wrong with an audience that is kept, or could be better."""
    state = facts.stored.state
    if state is AudienceState.DISCONNECTED:
        return
    if facts.stored.blocked_reason is not None:
        yield _blocked(facts)
    elif state is AudienceState.CONNECTING:
        yield from _judge_creation(facts)
    elif state is AudienceState.PAUSED:
        yield from _judge_pause(facts)
    elif state is AudienceState.ACTIVE:
        yield from _judge_freshness(facts)
        yield from _judge_syncs(facts)
    yield from _judge_size(facts)
    yield from _judge_refused_rows(facts)
    yield from _judge_imports(facts)
    yield from judge_operation_status(facts)
    yield from judge_delivery_status(facts)
    yield from judge_match_rate(facts)


def _blocked(facts: AudienceFacts) -> Finding:
    reason = facts.stored.blocked_reason or ""
    return facts.finding(
        Code.AUDIENCE_BLOCKED,
        Severity.ERROR,
        f"Nothing reaches Facebook: {facts.stored.blocked_message or reason}",
        BLOCKED_ACTIONS.get(reason, "See blocked_message of GetAudience."),
        {"reason": reason, "waiting_rows": str(facts.stored.pending_change_count)},
    )


def _judge_creation(facts: AudienceFacts) -> Iterator[Finding]:
    age = facts.now - facts.stored.created_at
    if age > CONNECTING_MAX:
        yield facts.finding(
            Code.AUDIENCE_NOT_CREATED,
            Severity.WARNING,
            f"The Custom Audience is still not there after {_told(age)}.",
            "Look for the audience in the log of the workers; is one running?",
            {"seconds": f"{age.total_seconds():.0f}"},
        )


def _judge_pause(facts: AudienceFacts) -> Iterator[Finding]:
    """When it was paused is not kept; that is hardly earlier than the last sync."""
    idle = facts.now - (facts.stored.last_sync_at or facts.stored.created_at)
    if idle > PAUSED_LONG:
        yield facts.finding(
            Code.AUDIENCE_PAUSED_LONG,
            Severity.WARNING,
            f"Paused, and nothing was sent for {_told(idle)}: who left is still advertised to.",
            "Call ResumeAudience, or disconnect it.",
            {"days": str(idle.days), "waiting_rows": str(facts.stored.pending_change_count)},
        )


def _judge_freshness(facts: AudienceFacts) -> Iterator[Finding]:
    allowed = LATE_INTERVALS * timedelta(seconds=facts.stored.sync_interval_s) + LATE_SLACK
    oldest = facts.signs.oldest_change_at
    age = facts.now - oldest if oldest is not None else timedelta()
    if age > allowed:
        yield facts.finding(
            Code.CHANGES_LATE,
            Severity.ERROR if age > max(allowed, LATE_ERROR) else Severity.WARNING,
            f"A change has waited for {_told(age)}; changes are to be sent every"
            f" {_told(timedelta(seconds=facts.stored.sync_interval_s))}.",
            "See `audience-sync history`: what ends its syncs, or that no worker runs.",
            {
                "oldest_change_seconds": f"{age.total_seconds():.0f}",
                "sync_interval_seconds": str(facts.stored.sync_interval_s),
                "waiting_rows": str(facts.stored.pending_change_count),
            },
        )
    elif facts.stored.last_sync_at is None and facts.now - facts.stored.created_at > allowed:
        yield facts.finding(
            Code.NEVER_SYNCED,
            Severity.WARNING,
            "No sync has reached its end since it was connected.",
            "See `audience-sync history`; is a worker running?",
            {"connected": facts.stored.created_at.isoformat()},
        )


def _judge_syncs(facts: AudienceFacts) -> Iterator[Finding]:
    signs = facts.signs
    if signs.failures_in_a_row >= FAILURES_WARNING:
        yield facts.finding(
            Code.SYNCS_FAIL,
            Severity.WARNING,
            f"The last {signs.failures_in_a_row} syncs failed.",
            "See `audience-sync history`: the error says whose fault it is.",
            {"failures": str(signs.failures_in_a_row), "error_reason": signs.last_error_reason},
        )


def _judge_size(facts: AudienceFacts) -> Iterator[Finding]:
    evidence = {"members": str(facts.stored.member_count), "delivers_from": str(DELIVERS_FROM)}
    if facts.signs.rows_put_off:
        yield facts.finding(
            Code.REMOVALS_PUT_OFF,
            Severity.WARNING,
            "Facebook refuses to take people out of so small an audience: they are still in it.",
            "Disconnect with MODE_DELETE_ON_FACEBOOK and connect anew, if they must be out.",
            {**evidence, "rows": str(facts.signs.rows_put_off)},
        )
    if facts.stored.member_count == 0:
        yield facts.finding(
            Code.AUDIENCE_EMPTY,
            Severity.INFO,
            "It has no member.",
            "Send members with UpdateMembership or ImportMembership, or disconnect it.",
        )
    elif facts.matchable_count < DELIVERS_FROM:
        yield facts.finding(
            Code.AUDIENCE_TOO_SMALL,
            Severity.WARNING,
            f"{facts.matchable_count} members can be found: ads hardly deliver to fewer than"
            f" {DELIVERS_FROM}, and of so few Facebook lets none be taken out.",
            "Add members, or target a larger audience.",
            evidence,
        )


def _judge_refused_rows(facts: AudienceFacts) -> Iterator[Finding]:
    refused, sent = facts.signs.rows_refused, facts.signs.rows_sent
    share = refused / sent if sent else 0.0
    if refused >= REFUSED_ROWS_MIN and share >= REFUSED_WARNING:
        yield facts.finding(
            Code.ROWS_REFUSED,
            Severity.ERROR if share >= REFUSED_ERROR else Severity.WARNING,
            f"Facebook refused {share:.1%} of the rows of the last syncs as invalid.",
            "See `audience-sync rejected`: which keys, and why.",
            {"refused": str(refused), "sent": str(sent)},
        )


def _judge_imports(facts: AudienceFacts) -> Iterator[Finding]:
    touched = facts.signs.idle_import_at
    if touched is not None and facts.now - touched > IMPORT_IDLE:
        yield facts.finding(
            Code.IMPORT_ABANDONED,
            Severity.WARNING,
            f"An import was begun and has not gone on for {_told(facts.now - touched)}.",
            "Go on with it (`audience-sync import --resume`), or let it be given up after 24 hours.",
            {"touched": touched.isoformat()},
        )


def _told(span: timedelta) -> str:
    """A span in the greatest unit of which there are two."""
    seconds = span.total_seconds()
    for unit, length_s in (("days", 86_400), ("hours", 3_600), ("minutes", 60)):
        if seconds >= 2 * length_s:
            return f"{seconds / length_s:.0f} {unit}"
    return f"{seconds:.0f} seconds"
