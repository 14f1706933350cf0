"""What Facebook's statuses of a Custom Audience mean for whoever keeps it in step."""

from collections.abc import Iterator
from typing import Final, NamedTuple

from service.diagnosis.audience_facts import AudienceFacts
from service.diagnosis.findings import Code, Finding, Severity

TOO_SMALL_TO_DELIVER: Final = 300
"""As a delivery status; some have met it as an operation status too."""
_LATER: Final = "Nothing; if it stays so for a day, ask Facebook's support."
_NOT_FOR_LISTS: Final = "Ask Facebook's support: a customer list does not have this status."


class Meaning(NamedTuple):
    """How bad a status is, what it means, what to do."""

    severity: Severity
    message: str
    action: str


MEANINGS: Final = {
    100: Meaning(
        Severity.WARNING,
        "Facebook will delete the Custom Audience: no ad has used it for two years.",
        "Use it in an ad set, or disconnect the audience.",
    ),
    TOO_SMALL_TO_DELIVER: Meaning(
        Severity.WARNING,
        "Too few people, or too inactive: ads do not deliver to it.",
        "Add members, or send more identifiers of each.",
    ),
    400: Meaning(Severity.WARNING, "Facebook warns of the Custom Audience.", _LATER),
    411: Meaning(
        Severity.WARNING,
        "Few of the rows match anybody on Facebook.",
        "Send more identifiers of each member: e-mails, phones with country code, names.",
    ),
    412: Meaning(
        Severity.ERROR,
        "Facebook finds many of the rows invalid.",
        "See `audience-sync rejected`: which keys, and why. Hashes of callers are the usual cause.",
    ),
    414: Meaning(
        Severity.WARNING,
        "Another program is replacing the people of the Custom Audience; nothing is sent meanwhile.",
        "Stop that program: two writers undo each other.",
    ),
    415: Meaning(
        Severity.WARNING,
        "Another program's replacing of all people has failed.",
        "Stop that program, then SyncNow with MODE_REFRESH.",
    ),
    450: Meaning(Severity.WARNING, "Facebook finds it out of date or inactive.", _LATER),
    470: Meaning(
        Severity.WARNING,
        "Who created the Custom Audience is no longer active.",
        "Let an active user of the business own it, or connect a new audience.",
    ),
    471: Meaning(
        Severity.ERROR,
        "Facebook flagged the Custom Audience: it takes no changes.",
        "Change the name and description with UpdateAudience, or appeal in Facebook's account quality.",
    ),
    500: Meaning(Severity.ERROR, "Facebook has an error with it.", _LATER),
}
"""By Facebook's code; those that are left out are well. Source: graph-contract §4.4."""
WELL: Final = frozenset({0, 200, 410, 441})
"""Not available, normal, nothing uploaded yet, still populating."""


def judge_operation_status(facts: AudienceFacts) -> Iterator[Finding]:
    """Tell what Facebook says now, else what it said at the last sync."""
    told = facts.at_facebook.operation_status if facts.at_facebook else None
    status = told.code if told else facts.stored.operation_status
    if status is None or status in WELL:
        return
    unknown = Meaning(Severity.WARNING, f"Facebook's status is {status}.", _NOT_FOR_LISTS)
    severity, message, action = MEANINGS.get(status, unknown)
    evidence = {"operation_status": str(status)}
    yield facts.finding(Code.OPERATION_STATUS_ODD, severity, message, action, evidence)


def judge_delivery_status(facts: AudienceFacts) -> Iterator[Finding]:
    """Tell whether ads can use it, by what Facebook says now."""
    status = facts.at_facebook.delivery_status if facts.at_facebook else None
    if status is None or status.code < TOO_SMALL_TO_DELIVER:
        return
    evidence = {"delivery_status": str(status.code)}
    if status.code == TOO_SMALL_TO_DELIVER:
        severity, message, action = MEANINGS[TOO_SMALL_TO_DELIVER]
        yield facts.finding(Code.DELIVERY_STATUS_ODD, severity, message, action, evidence)
        return
    yield facts.finding(
        Code.DELIVERY_STATUS_ODD,
        Severity.ERROR,
        "Facebook lets no ad use the Custom Audience.",
        "See the audience in Facebook's Audience Manager: it says why.",
        evidence,
    )
