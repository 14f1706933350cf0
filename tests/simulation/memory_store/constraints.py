"""The constraints of the schema, raised as the driver raises them.

Of several that do not hold Postgres names the first by the alphabet, a check before
an index, and checks what is inserted before it looks for a conflict.
"""

import re
from collections.abc import Iterable
from typing import Final, TypeVar

import asyncpg

from tests.simulation.memory_store.values import Row

AD_ACCOUNT_ID: Final = re.compile(r"act_[0-9]{1,20}")
AUDIENCE_ID: Final = re.compile(r"[a-z0-9][a-z0-9_.-]{0,63}")
REGION: Final = re.compile(r"[A-Z]{2}")
TRIGGERS: Final = {"SCHEDULE", "REQUEST", "CONNECT", "DISCONNECT", "RECHECK"}
ENDED: Final = {"SUCCEEDED", "PARTIALLY_SUCCEEDED", "FAILED", "CANCELLED"}
OPEN: Final = {"PENDING", "RUNNING"}

E = TypeVar("E", bound=asyncpg.PostgresError)


def violated_unique(constraint: str) -> asyncpg.UniqueViolationError:
    return _named(asyncpg.UniqueViolationError(f"violates {constraint}"), constraint)


def violated_reference(constraint: str) -> asyncpg.ForeignKeyViolationError:
    return _named(asyncpg.ForeignKeyViolationError(f"violates {constraint}"), constraint)


def _named(error: E, constraint: str) -> E:
    error.constraint_name = constraint
    return error


def _check(holds: bool, constraint: str) -> None:  # noqa: FBT001 - the condition itself
    if not holds:
        raise _named(asyncpg.CheckViolationError(f"violates {constraint}"), constraint)


def check_nothing(rows: Iterable[Row], row: Row, old: Row | None) -> None:
    """For tables without constraints but the primary key."""


def check_ad_account(rows: Iterable[Row], row: Row, old: Row | None) -> None:
    _check(
        AD_ACCOUNT_ID.fullmatch(row["ad_account_id"]) is not None, "ad_account_ad_account_id_check"
    )


def check_audience(rows: Iterable[Row], row: Row, old: Row | None) -> None:
    _check(AUDIENCE_ID.fullmatch(row["audience_id"]) is not None, "audience_audience_id_check")
    _check(0 <= row["unmatchable_count"] <= row["member_count"], "audience_check")
    _check(REGION.fullmatch(row["default_region"]) is not None, "audience_default_region_check")
    _check(
        row["disconnect_mode"] in {None, "FLUSH", "DELETE_ON_FACEBOOK", "ABANDON"},
        "audience_disconnect_mode_check",
    )
    _check(row["member_count"] >= 0, "audience_member_count_check")
    _check(300 <= row["sync_interval_s"] <= 604800, "audience_sync_interval_s_check")


def check_adopts_alone(rows: Iterable[Row], row: Row) -> None:
    """Apart: a connected id is found out after the checks and before this."""
    adopts = row["existing_custom_audience_id"]
    if adopts is not None:
        for other in rows:
            if other["disconnected_at"] is None and other["existing_custom_audience_id"] == adopts:
                raise violated_unique("audience_adopts")


def check_audience_work(rows: Iterable[Row], row: Row, old: Row | None) -> None:
    _check(
        (row["lease_holder"] is None) == (row["lease_expires_at"] is None), "audience_work_check"
    )
    _check((row["recheck_from"] is None) == (row["recheck_at"] is None), "audience_work_check1")
    _check(
        row["refresh_phase"] in {None, "REMOVALS", "MEMBERS"}, "audience_work_refresh_phase_check"
    )
    kept = row["custom_audience_id"]
    if kept is not None and (old is None or old["custom_audience_id"] != kept):
        for other in rows:
            if other is not old and other["custom_audience_id"] == kept:
                raise violated_unique("audience_work_custom_audience")


def check_member(rows: Iterable[Row], row: Row, old: Row | None) -> None:
    _check(len(row["packed_row"]) >= 2, "member_packed_row_check")


def check_chunk(rows: Iterable[Row], row: Row, old: Row | None) -> None:
    _check(row["operation"] in {"ADD", "REMOVE"}, "change_chunk_operation_check")
    _check(1 <= row["row_count"] <= 200_000, "change_chunk_row_count_check")


def check_rejected_row(rows: Iterable[Row], row: Row, old: Row | None) -> None:
    _check(row["row_count"] > 0, "rejected_row_row_count_check")


def check_sync(rows: Iterable[Row], row: Row, old: Row | None) -> None:
    state = row["state"]
    _check(
        (row["ended_at"] is None) == (state in OPEN)
        and (state in {"PENDING", "FAILED", "CANCELLED"} or row["started_at"] is not None),
        "ended_has_end",
    )
    _check(_every_row_is_accounted(row), "every_row_accounted")
    losses = row["rows_invalid"] + row["rows_carried_over"]
    _check(state != "SUCCEEDED" or losses == 0, "partial_means_losses")
    _check((row["matched_count"] or 0) >= 0, "sync_matched_count_check")
    _check(row["mode"] in {"CHANGES", "REFRESH"}, "sync_mode_check")
    _check(state in ENDED or state in OPEN, "sync_state_check")
    _check(row["throttled_ms"] >= 0, "sync_throttled_ms_check")
    _check(row["trigger"] in TRIGGERS, "sync_trigger_check")
    _check(row["rows_unknown"] == 0 or state == "FAILED", "unknown_only_when_failed")
    if state in OPEN and (old is None or old["state"] != state):
        _check_one_of_a_kind(rows, row, old)


def _every_row_is_accounted(row: Row) -> bool:
    planned: int = row["rows_to_add"] + row["rows_to_remove"]
    known: int = row["rows_added"] + row["rows_removed"] + row["rows_invalid"]
    rest: int = row["rows_carried_over"] + row["rows_unknown"]
    return planned == known + rest


def _check_one_of_a_kind(rows: Iterable[Row], row: Row, old: Row | None) -> None:
    for other in rows:
        if other is not old and (other["mode"], other["state"]) == (row["mode"], row["state"]):
            raise violated_unique("sync_waiting" if row["state"] == "PENDING" else "sync_running")
