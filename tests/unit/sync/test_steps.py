from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from service.graph import Verdict
from service.store.history_rows import Sync
from service.store.rows import Work
from service.sync.consequences import (
    WHAT_TO_DO,
    BlockedReason,
    blocked_reason_of,
    consequence_of,
)
from service.sync.log_reading import Operation
from service.sync.steps import Step, next_look, next_step

NOW = datetime(2026, 11, 1, 12, tzinfo=UTC)
LATER, EARLIER = NOW + timedelta(hours=1), NOW - timedelta(hours=1)

IDLE_WORK = Work(
    audience_no=1,
    audience_id="buyers",
    ad_account_id="act_1",
    name="Buyers",
    description="",
    sync_interval_s=3600,
    customer_file_source="USER_PROVIDED_ONLY",
    existing_custom_audience_id=None,
    paused=False,
    disconnect_mode=None,
    disconnected_at=None,
    revision=5,
    rows_logged=0,
    member_count=0,
    lease_token=1,
    lease_expires_at=LATER,
    custom_audience_id="1",
    custom_audience_since=None,
    adopted=False,
    create_attempted_at=None,
    told_name="Buyers",
    told_description="",
    blocked_reason=None,
    blocked_message="",
    probe_at=None,
    approximate_count_lower_bound=None,
    approximate_count_upper_bound=None,
    operation_status=None,
    synced_revision=5,
    rows_settled=0,
    last_sync_at=EARLIER,
    next_sync_at=LATER,
    failures_in_a_row=0,
    failed_calls_in_a_row=0,
    hold_additions_until=None,
    hold_removals_until=None,
    recheck_from=None,
    recheck_at=None,
    refresh_due_at=LATER,
    refresh_phase=None,
    refresh_revision=None,
    refresh_after_key=None,
    refresh_after_row_no=None,
    installation_id="0123",
    now=NOW,
)


def step(*syncs: Sync, flushed: bool = False, **changes: Any) -> Step:
    return next_step(replace(IDLE_WORK, **changes), syncs, NOW, flushed=flushed)


def a_sync(mode: str, state: str = "PENDING") -> Sync:
    counts = dict.fromkeys(
        [
            name
            for name in Sync.__dataclass_fields__
            if name.startswith(("rows_", "open_", "calls"))
        ],
        0,
    )
    return Sync(
        audience_no=1,
        audience_id="buyers",
        sync_no=1,
        trigger="REQUEST",
        mode=mode,
        state=state,
        target_revision=5,
        requested_at=NOW,
        started_at=None,
        ended_at=None,
        error_reason=None,
        error_code=None,
        error_subcode=None,
        error_message=None,
        error_trace_id=None,
        throttled_ms=0,
        addition_session_ids=[],
        removal_session_ids=[],
        matched_count=None,
        **counts,
    )


def test_an_audience_with_nothing_due_is_idle_until_the_first_time_that_is_due() -> None:
    assert step() is Step.IDLE
    soon = NOW + timedelta(minutes=7)
    assert next_look(replace(IDLE_WORK, recheck_at=soon), NOW) == soon
    assert next_look(IDLE_WORK, NOW) == LATER


@pytest.mark.parametrize(
    "changes",
    [{"next_sync_at": NOW}, {"recheck_at": NOW, "recheck_from": 1}],
)
def test_changes_are_synced_when_they_are_due(changes: dict[str, Any]) -> None:
    assert step(**changes) is Step.CHANGES


def test_changes_come_before_a_refresh() -> None:
    assert step(refresh_due_at=NOW) is Step.REFRESH
    assert step(refresh_due_at=NOW, next_sync_at=NOW) is Step.CHANGES
    assert step(a_sync("REFRESH")) is Step.REFRESH
    assert step(a_sync("REFRESH"), a_sync("CHANGES")) is Step.CHANGES


def test_connecting_and_telling_the_name_come_before_anything_is_sent() -> None:
    assert step(custom_audience_id=None, next_sync_at=NOW) is Step.CONNECT
    assert step(told_name=None, next_sync_at=NOW) is Step.TELL_NAME
    assert step(description="new", next_sync_at=NOW) is Step.TELL_NAME


def test_a_paused_audience_only_ends_its_waiting_syncs() -> None:
    assert step(paused=True, next_sync_at=NOW) is Step.IDLE
    assert step(a_sync("CHANGES"), paused=True) is Step.CANCEL_WAITING


def test_a_blocked_audience_waits_for_its_probe_and_then_tries_changes() -> None:
    assert step(blocked_reason="TOKEN_INVALID", probe_at=LATER, next_sync_at=NOW) is Step.IDLE
    assert step(blocked_reason="TOKEN_INVALID", probe_at=NOW) is Step.CHANGES
    assert next_look(replace(IDLE_WORK, blocked_reason="POLICY", probe_at=LATER), NOW) == LATER


def test_flushing_sends_what_is_pending_once_and_then_ends() -> None:
    assert step(disconnect_mode="FLUSH") is Step.FINISH_DISCONNECT
    assert step(disconnect_mode="FLUSH", revision=6) is Step.CHANGES
    assert step(disconnect_mode="FLUSH", revision=6, paused=True) is Step.CHANGES
    assert step(disconnect_mode="FLUSH", revision=6, flushed=True) is Step.FINISH_DISCONNECT
    assert step(disconnect_mode="FLUSH", custom_audience_id=None) is Step.FINISH_DISCONNECT


def test_a_custom_audience_that_may_have_been_made_is_found_before_it_is_left() -> None:
    attempted: dict[str, Any] = {"custom_audience_id": None, "create_attempted_at": EARLIER}
    assert step(disconnect_mode="DELETE_ON_FACEBOOK", **attempted) is Step.CONNECT
    assert step(disconnect_mode="DELETE_ON_FACEBOOK") is Step.DELETE_ON_FACEBOOK
    assert step(disconnect_mode="ABANDON", **attempted) is Step.FINISH_DISCONNECT


def test_disconnecting_while_blocked_waits_but_what_is_gone_counts_as_deleted() -> None:
    blocked: dict[str, Any] = {"blocked_reason": "TOKEN_INVALID", "probe_at": LATER, "revision": 6}
    assert step(disconnect_mode="FLUSH", **blocked) is Step.IDLE
    gone = blocked | {"blocked_reason": "AUDIENCE_GONE"}
    assert step(disconnect_mode="DELETE_ON_FACEBOOK", **gone) is Step.DELETE_ON_FACEBOOK


@pytest.mark.parametrize("verdict", list(Verdict))
def test_every_verdict_has_a_consequence_in_both_directions_and_a_reason(verdict: Verdict) -> None:
    for operation in Operation:
        assert consequence_of(verdict, operation)
    assert blocked_reason_of(verdict) in WHAT_TO_DO


def test_every_blocked_reason_says_what_to_do() -> None:
    assert set(WHAT_TO_DO) == set(BlockedReason)
