"""Rows of the store for tests."""

from datetime import UTC, datetime
from typing import Any

from service.store.history_rows import Sync
from service.store.rows import AdAccount, Audience

THEN = datetime(2026, 11, 1, 12, 30, 0, 250_000, tzinfo=UTC)


def a_stored_audience(**fields: Any) -> Audience:
    wanted: dict[str, Any] = {
        "audience_no": 1,
        "audience_id": "shoppers",
        "ad_account_id": "act_1",
        "name": "Shoppers",
        "description": "d",
        "sync_interval_s": 3600,
        "default_region": "US",
        "customer_file_source": "USER_PROVIDED_ONLY",
        "existing_custom_audience_id": None,
        "paused": False,
        "disconnect_mode": None,
        "disconnected_at": None,
        "revision": 9,
        "rows_logged": 30,
        "member_count": 20,
        "unmatchable_count": 2,
        "created_at": THEN,
        "custom_audience_id": "9001",
        "adopted": False,
        "blocked_reason": None,
        "blocked_message": "",
        "approximate_count_lower_bound": None,
        "approximate_count_upper_bound": None,
        "operation_status": None,
        "synced_revision": 8,
        "rows_settled": 25,
        "last_sync_at": None,
        "next_sync_at": THEN,
    }
    return Audience(**wanted | fields)


def a_stored_sync(**fields: Any) -> Sync:
    wanted: dict[str, Any] = {
        "audience_no": 1,
        "audience_id": "shoppers",
        "sync_no": 7,
        "trigger": "REQUEST",
        "mode": "CHANGES",
        "state": "PENDING",
        "target_revision": 0,
        "rows_to_add": 0,
        "rows_to_remove": 0,
        "rows_added": 0,
        "rows_removed": 0,
        "rows_invalid": 0,
        "rows_carried_over": 0,
        "rows_unknown": 0,
        "calls": 0,
        "open_rows_to_add": 0,
        "open_rows_to_remove": 0,
        "open_rows_added": 0,
        "open_rows_removed": 0,
        "requested_at": THEN,
        "started_at": None,
        "ended_at": None,
        "error_reason": None,
        "error_code": None,
        "error_subcode": None,
        "error_message": None,
        "error_trace_id": None,
        "throttled_ms": 0,
        "addition_session_ids": [],
        "removal_session_ids": [],
        "matched_count": None,
    }
    return Sync(**wanted | fields)


def a_stored_ad_account(**fields: Any) -> AdAccount:
    wanted: dict[str, Any] = {
        "ad_account_id": "act_1",
        "name": "Shop",
        "app_id": "555",
        "sealed_access_token": b"sealed token",
        "sealed_app_secret": b"sealed secret",
        "token_expires_at": None,
        "scopes": ["b", "a"],
        "blocked_reason": None,
        "blocked_at": None,
        "probe_at": None,
        "throttled_until": None,
        "created_at": THEN,
        "updated_at": THEN,
    }
    return AdAccount(**wanted | fields)
