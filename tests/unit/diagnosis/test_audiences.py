"""Judging audiences: whether changes reach Facebook, and in time."""

from datetime import timedelta
from typing import Any

import pytest

from service.diagnosis.audiences import BLOCKED_ACTIONS, judge_audience
from service.diagnosis.findings import Severity
from service.diagnosis.operation_status import MEANINGS, WELL
from service.graph.answers import Fields
from service.graph.objects import CustomAudience, read_custom_audience
from service.sync.consequences import BlockedReason
from tests.unit.diagnosis.builders import (
    DAY,
    NOW,
    an_audience,
    audience_facts,
    found,
    signs,
)

INFO, WARNING, ERROR = Severity
HOUR, MINUTE = timedelta(hours=1), timedelta(minutes=1)
LATE = 2 * HOUR + 10 * MINUTE
"""For an audience that is synced every hour."""


def judged(**stored: Any) -> list[tuple[str, Severity]]:
    return found(judge_audience(audience_facts(an_audience(**stored))))


def judged_by(**values: Any) -> list[tuple[str, Severity]]:
    return found(judge_audience(audience_facts(signs=signs(**values))))


def test_of_an_audience_that_is_well_nothing_is_found() -> None:
    assert judged() == []


def test_of_a_disconnected_audience_nothing_is_found() -> None:
    assert judged(disconnected_at=NOW, member_count=0, operation_status=500) == []


@pytest.mark.parametrize("reason", BlockedReason)
def test_each_reason_of_a_block_has_its_cure(reason: BlockedReason) -> None:
    facts = audience_facts(an_audience(blocked_reason=reason.value, blocked_message="So it is."))
    (finding,) = judge_audience(facts)
    assert (finding.code, finding.severity) == ("AUDIENCE_BLOCKED", ERROR)
    assert finding.action == BLOCKED_ACTIONS[reason.value]
    assert "So it is." in finding.message
    assert finding.evidence["reason"] == reason.value


def test_a_block_is_told_of_an_audience_that_is_paused_or_not_created_too() -> None:
    blocked = {"blocked_reason": "TOKEN_INVALID"}
    assert judged(paused=True, **blocked) == [("AUDIENCE_BLOCKED", ERROR)]
    assert judged(custom_audience_id=None, **blocked) == [("AUDIENCE_BLOCKED", ERROR)]


@pytest.mark.parametrize(("age", "times"), [(HOUR, 0), (HOUR + MINUTE, 1)])
def test_a_custom_audience_that_is_long_in_coming_is_found(age: timedelta, times: int) -> None:
    findings = judged(custom_audience_id=None, last_sync_at=None, created_at=NOW - age)
    assert findings == [("AUDIENCE_NOT_CREATED", WARNING)] * times


@pytest.mark.parametrize(("idle", "times"), [(7 * DAY, 0), (7 * DAY + MINUTE, 1)])
def test_a_pause_is_long_after_a_week_without_a_sync(idle: timedelta, times: int) -> None:
    expected = [("AUDIENCE_PAUSED_LONG", WARNING)] * times
    assert judged(paused=True, last_sync_at=NOW - idle) == expected
    assert judged(paused=True, last_sync_at=None, created_at=NOW - idle) == expected


@pytest.mark.parametrize(
    ("age", "expected"),
    [
        (LATE, []),
        (LATE + MINUTE, [("CHANGES_LATE", WARNING)]),
        (DAY, [("CHANGES_LATE", WARNING)]),
        (DAY + MINUTE, [("CHANGES_LATE", ERROR)]),
    ],
)
def test_changes_are_late_after_two_intervals(
    age: timedelta, expected: list[tuple[str, Severity]]
) -> None:
    assert judged_by(oldest_change_at=NOW - age) == expected


def test_with_a_long_interval_a_day_is_not_late() -> None:
    facts = audience_facts(
        an_audience(sync_interval_s=7 * 86_400), signs=signs(oldest_change_at=NOW - 13 * DAY)
    )
    assert found(judge_audience(facts)) == []


def test_changes_of_a_paused_audience_are_not_late() -> None:
    facts = audience_facts(an_audience(paused=True), signs=signs(oldest_change_at=NOW - DAY))
    assert found(judge_audience(facts)) == []


@pytest.mark.parametrize(("age", "times"), [(LATE, 0), (LATE + MINUTE, 1)])
def test_an_audience_that_was_never_synced_is_found(age: timedelta, times: int) -> None:
    findings = judged(last_sync_at=None, created_at=NOW - age)
    assert findings == [("NEVER_SYNCED", WARNING)] * times


@pytest.mark.parametrize(("failures", "times"), [(2, 0), (3, 1)])
def test_syncs_that_fail_again_and_again_are_found(failures: int, times: int) -> None:
    assert judged_by(failures_in_a_row=failures) == [("SYNCS_FAIL", WARNING)] * times


@pytest.mark.parametrize(
    ("stored", "expected"),
    [
        ({"member_count": 0}, [("AUDIENCE_EMPTY", INFO)]),
        ({"member_count": 99}, [("AUDIENCE_TOO_SMALL", WARNING)]),
        ({"member_count": 100}, []),
        (
            {"member_count": 104, "unmatchable_count": 5},
            [("AUDIENCE_TOO_SMALL", WARNING)],
        ),
    ],
)
def test_an_audience_needs_a_hundred_who_can_be_found(
    stored: dict[str, int], expected: list[tuple[str, Severity]]
) -> None:
    assert judged(**stored) == expected


def test_removals_that_facebook_put_off_are_found() -> None:
    assert judged_by(rows_put_off=1) == [("REMOVALS_PUT_OFF", WARNING)]


@pytest.mark.parametrize(
    ("refused", "sent", "expected"),
    [
        (9, 9, []),
        (10, 1_001, []),
        (10, 1_000, [("ROWS_REFUSED", WARNING)]),
        (99, 1_000, [("ROWS_REFUSED", WARNING)]),
        (100, 1_000, [("ROWS_REFUSED", ERROR)]),
        (0, 0, []),
    ],
)
def test_refused_rows_are_told_by_their_share(
    refused: int, sent: int, expected: list[tuple[str, Severity]]
) -> None:
    assert judged_by(rows_refused=refused, rows_sent=sent) == expected


@pytest.mark.parametrize(("idle", "times"), [(HOUR, 0), (HOUR + MINUTE, 1)])
def test_an_import_that_nobody_goes_on_with_is_found(idle: timedelta, times: int) -> None:
    findings = judged_by(idle_import_at=NOW - idle)
    assert findings == [("IMPORT_ABANDONED", WARNING)] * times


@pytest.mark.parametrize("status", [None, *sorted(WELL)])
def test_a_status_that_is_well_is_not_told(status: int | None) -> None:
    assert judged(operation_status=status) == []


@pytest.mark.parametrize(
    ("status", "severity"),
    [(300, WARNING), (411, WARNING), (412, ERROR), (414, WARNING), (471, ERROR), (500, ERROR)],
)
def test_what_a_status_means_is_told(status: int, severity: Severity) -> None:
    (finding,) = judge_audience(audience_facts(an_audience(operation_status=status)))
    assert (finding.code, finding.severity) == ("OPERATION_STATUS_ODD", severity)
    assert (finding.message, finding.action) == MEANINGS[status][1:]
    assert finding.evidence == {"operation_status": str(status)}


def at_facebook(**statuses: int) -> CustomAudience:
    told = {name: {"code": code, "description": ""} for name, code in statuses.items()}
    return read_custom_audience(Fields({"id": "9001", **told}))


def test_what_facebook_says_now_counts_more_than_what_it_said() -> None:
    stored = an_audience(operation_status=471)
    facts = audience_facts(stored, at_facebook=at_facebook(operation_status=200))
    assert found(judge_audience(facts)) == []
    facts = audience_facts(stored, at_facebook=at_facebook())
    assert found(judge_audience(facts)) == [("OPERATION_STATUS_ODD", ERROR)]


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        (200, []),
        (300, [("DELIVERY_STATUS_ODD", WARNING)]),
        (400, [("DELIVERY_STATUS_ODD", ERROR)]),
    ],
)
def test_whether_ads_can_use_it_is_told(status: int, expected: list[tuple[str, Severity]]) -> None:
    facts = audience_facts(at_facebook=at_facebook(delivery_status=status))
    assert found(judge_audience(facts)) == expected


def test_a_status_that_a_list_cannot_have_is_told_as_it_is() -> None:
    (finding,) = judge_audience(audience_facts(an_audience(operation_status=432)))
    assert "432" in finding.message
