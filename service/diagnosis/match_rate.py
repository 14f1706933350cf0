"""Judges what callers send: whatever lets fewer people be found than could be."""

import math
from collections.abc import Iterator
from typing import Final

from service.diagnosis.audience_facts import AudienceFacts
from service.diagnosis.findings import Code, Finding, Severity
from service.identifiers import Doubt, DropReason, Key
from service.store.diagnosis_rows import DroppedSigns

MATCH_ROWS_MIN: Final = 100
"""Rows added of which Facebook told how many people it found; below as many chance decides."""
MATCH_RATE_MIN: Final = 0.30
"""People found a row added. Usual are 40 to 70 %."""
UNMATCHABLE_MAX: Final = 0.10
"""Share of members without an e-mail, phone or device id."""
DROPPED_MIN: Final = 10
DROPPED_SHARE_MAX: Final = 0.05
"""Of the values of a kind on the day on which most were dropped, beside those that are kept."""
ROLE_MAILBOXES_MIN: Final = 50
"""About so many on a day: of a long list one that was looked at stands for twelve, and four may be chance."""
SHARED_ROWS_MIN: Final = 10
SHARED_SHARE: Final = 0.01
"""Share of the sampled rows that have the same e-mail, phone or device: families are far smaller."""
ONE_KEY_ROWS_MIN: Final = 100

_NAMES: Final = {Key.EMAIL: "e-mail", Key.PHONE: "phone number", Key.MADID: "device id"}
_NO_COUNTRY: Final = frozenset({DropReason.NOT_POSSIBLE, DropReason.UNREADABLE})
"""What comes of a phone number that is read with the wrong country."""


def judge_match_rate(facts: AudienceFacts) -> Iterator[Finding]:
    """What could be sent better."""
    yield from _judge_matches(facts)
    yield from _judge_unmatchable(facts)
    yield from _judge_dropped(facts)
    yield from _judge_sample(facts)


def _judge_matches(facts: AudienceFacts) -> Iterator[Finding]:
    rows, people = facts.signs.matched_rows_added, facts.signs.people_matched
    if rows >= MATCH_ROWS_MIN and people < rows * MATCH_RATE_MIN:
        yield facts.finding(
            Code.MATCH_RATE_LOW,
            Severity.WARNING,
            f"Facebook found {people / rows:.0%} of the people of the last syncs.",
            "Send more identifiers of each member: further e-mails, phones with country code, names.",
            {"rows_added": str(rows), "people_matched": str(people)},
        )


def _judge_unmatchable(facts: AudienceFacts) -> Iterator[Finding]:
    members, unmatchable = facts.stored.member_count, facts.stored.unmatchable_count
    if unmatchable > members * UNMATCHABLE_MAX:
        yield facts.finding(
            Code.MEMBERS_UNMATCHABLE,
            Severity.WARNING,
            f"{unmatchable / members:.0%} of the members have neither e-mail, phone nor device id:"
            " names alone find nobody.",
            "Send an e-mail, phone or device id of each, or leave them out.",
            {"members": str(members), "unmatchable": str(unmatchable)},
        )


def _judge_dropped(facts: AudienceFacts) -> Iterator[Finding]:
    no_country = 0
    for dropped in facts.dropped:
        if dropped.reason == Doubt.ROLE_MAILBOX:
            yield from _judge_role_mailboxes(facts, dropped.worst_day_count)
            continue
        key, reason = Key(dropped.key), DropReason(dropped.reason)
        if key is Key.PHONE and reason in _NO_COUNTRY:
            no_country += dropped.worst_day_count
        elif _is_much(facts, key, dropped.worst_day_count):
            yield _dropped(facts, dropped, key, reason)
    if _is_much(facts, Key.PHONE, no_country):
        yield facts.finding(
            Code.PHONES_DROPPED,
            Severity.WARNING,
            "Many phone numbers cannot be read: most often their country code is missing, or"
            f" default_region ({facts.stored.default_region}) is another country's.",
            "Send phones with + and country code, or each member's country; or set default_region.",
            {"on_worst_day": str(no_country), "default_region": facts.stored.default_region},
        )


def _judge_role_mailboxes(facts: AudienceFacts, about: int) -> Iterator[Finding]:
    addresses = facts.matchable_count * facts.sample.share_with(Key.EMAIL)
    if about >= ROLE_MAILBOXES_MIN and about > addresses * DROPPED_SHARE_MAX:
        yield facts.finding(
            Code.ROLE_MAILBOXES,
            Severity.WARNING,
            "Many e-mails are of a role (info@, sales@, noreply@): hardly anyone has an account with such a"
            " one. They are sent all the same.",
            "Send each person's own address, or a phone or device id beside it.",
            {"about_on_worst_day": str(about), "counted": "by a sample"},
        )


def _dropped(facts: AudienceFacts, dropped: DroppedSigns, key: Key, reason: DropReason) -> Finding:
    evidence = {
        "key": key.name,
        "reason": reason.name,
        "on_worst_day": str(dropped.worst_day_count),
    }
    if key is Key.MADID and reason is DropReason.ALL_ZEROS:
        return facts.finding(
            Code.DEVICE_IDS_ZERO,
            Severity.WARNING,
            "Many device ids are all zeros: what a phone tells of who does not want to be followed.",
            "Leave them out; send an e-mail or phone of these members instead.",
            evidence,
        )
    return facts.finding(
        Code.IDENTIFIERS_DROPPED,
        Severity.WARNING,
        f"Many values of {key.name} were dropped: {reason.name.lower().replace('_', ' ')}.",
        "Look at where callers take this field from; DropReason of the API tells what passes.",
        evidence,
    )


def _is_much(facts: AudienceFacts, key: Key, dropped: int) -> bool:
    kept = facts.matchable_count * facts.sample.share_with(key)
    return dropped >= DROPPED_MIN and dropped > (dropped + kept) * DROPPED_SHARE_MAX


def _judge_sample(facts: AudienceFacts) -> Iterator[Finding]:
    sample = facts.sample
    looked_at = {"rows_looked_at": str(sample.row_count)}
    if sample.nothing_count:
        yield facts.finding(
            Code.HASH_OF_NOTHING,
            Severity.WARNING,
            "Some hashes are those of null, a blank or the like: the caller hashed what it did not know.",
            "Leave unknown values out before hashing, or send them plain.",
            {**looked_at, "values": str(sample.nothing_count)},
        )
    least = max(SHARED_ROWS_MIN, math.ceil(sample.row_count * SHARED_SHARE))
    for key, rows in sample.most_shared.items():
        if rows >= least:
            yield facts.finding(
                Code.IDENTIFIER_SHARED,
                Severity.WARNING,
                f"{rows} of {sample.row_count} rows have the same {_NAMES[key]}: a placeholder, or a"
                " mailbox of many. It finds one person at most.",
                "Let callers leave it out.",
                {**looked_at, "key": key.name, "rows": str(rows)},
            )
    if sample.row_count >= ONE_KEY_ROWS_MIN and sample.single_key_count == sample.row_count:
        yield facts.finding(
            Code.ONE_KEY_ONLY,
            Severity.INFO,
            "Each row has one identifier only; with more, more people are found.",
            "Send names, city, postal code and country beside it where they are known.",
            looked_at,
        )
