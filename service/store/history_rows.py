"""What the store gives and takes of syncs: their records, and what was refused in them."""

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class SyncError:
    """Why a sync failed, or what holds it up now."""

    reason: str
    code: int | None = None
    subcode: int | None = None
    message: str = ""
    trace_id: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Sync:
    """One sync. `open_*`: the window under way, not yet in the totals."""

    audience_no: int
    audience_id: str
    sync_no: int
    trigger: str
    mode: str
    state: str
    target_revision: int
    rows_to_add: int
    rows_to_remove: int
    rows_added: int
    rows_removed: int
    rows_invalid: int
    rows_carried_over: int
    rows_unknown: int
    calls: int
    open_rows_to_add: int
    open_rows_to_remove: int
    open_rows_added: int
    open_rows_removed: int
    requested_at: datetime
    started_at: datetime | None
    ended_at: datetime | None
    error_reason: str | None
    error_code: int | None
    error_subcode: int | None
    error_message: str | None
    error_trace_id: str | None
    throttled_ms: int
    addition_session_ids: list[int]
    removal_session_ids: list[int]
    matched_count: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class UnmatchedSync:
    """A sync with additions of which Facebook has not told yet how many people it found."""

    sync_no: int
    addition_session_ids: list[int]


@dataclass(frozen=True, slots=True, kw_only=True)
class RejectedRows:
    """Refused rows of one sync with the same keys and reason. `reason_digest`: MD5, in hex."""

    audience_no: int
    sync_no: int
    requested_at: datetime
    key_mask: int
    reason: str
    reason_digest: str
    row_count: int
