"""What the store gives and takes: one class for each shape. Those of the history are in `history_rows`."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


@dataclass(frozen=True, slots=True, kw_only=True)
class AdAccount:
    """An ad account with its sealed credentials."""

    ad_account_id: str
    name: str
    app_id: str
    sealed_access_token: bytes
    sealed_app_secret: bytes | None
    token_expires_at: datetime | None
    scopes: list[str]
    blocked_reason: str | None
    blocked_at: datetime | None
    probe_at: datetime | None
    throttled_until: datetime | None
    created_at: datetime
    updated_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenEnd:
    """When an ad account's token dies."""

    ad_account_id: str
    ends_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class ConnectWish:
    """What a caller wishes a new audience to be. Units: seconds."""

    audience_id: str
    ad_account_id: str
    name: str
    description: str
    sync_interval_s: int
    default_region: str
    customer_file_source: str
    existing_custom_audience_id: str | None


class AudienceState(StrEnum):
    """Derived, in this order of precedence."""

    DISCONNECTED = "DISCONNECTED"
    CONNECTING = "CONNECTING"
    PAUSED = "PAUSED"
    BLOCKED = "BLOCKED"
    ACTIVE = "ACTIVE"


@dataclass(frozen=True, slots=True, kw_only=True)
class Audience:
    """An audience as its callers see it."""

    audience_no: int
    audience_id: str
    ad_account_id: str
    name: str
    description: str
    sync_interval_s: int
    default_region: str
    customer_file_source: str
    existing_custom_audience_id: str | None
    paused: bool
    disconnect_mode: str | None
    disconnected_at: datetime | None
    revision: int
    rows_logged: int
    member_count: int
    unmatchable_count: int
    created_at: datetime
    custom_audience_id: str | None
    adopted: bool
    blocked_reason: str | None
    blocked_message: str
    approximate_count_lower_bound: int | None
    approximate_count_upper_bound: int | None
    operation_status: int | None
    synced_revision: int
    rows_settled: int
    last_sync_at: datetime | None
    next_sync_at: datetime

    @property
    def state(self) -> AudienceState:
        if self.disconnected_at is not None:
            return AudienceState.DISCONNECTED
        if self.custom_audience_id is None:
            return AudienceState.CONNECTING
        if self.paused:
            return AudienceState.PAUSED
        return AudienceState.ACTIVE if self.blocked_reason is None else AudienceState.BLOCKED

    @property
    def pending_change_count(self) -> int:
        """Rows that were logged and are not settled."""
        return self.rows_logged - self.rows_settled


@dataclass(frozen=True, slots=True)
class LockedAudience:
    """What a batch of changes must know of the audience whose lock it holds."""

    audience_no: int
    audience_id: str
    default_region: str
    disconnect_mode: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Work:
    """What the holder of an audience's lease knows of it. `now`: the database's clock."""

    audience_no: int
    audience_id: str
    ad_account_id: str
    name: str
    description: str
    sync_interval_s: int
    customer_file_source: str
    existing_custom_audience_id: str | None
    paused: bool
    disconnect_mode: str | None
    disconnected_at: datetime | None
    revision: int
    rows_logged: int
    member_count: int
    lease_token: int
    lease_expires_at: datetime | None
    custom_audience_id: str | None
    custom_audience_since: datetime | None
    adopted: bool
    create_attempted_at: datetime | None
    told_name: str | None
    told_description: str | None
    blocked_reason: str | None
    blocked_message: str
    probe_at: datetime | None
    approximate_count_lower_bound: int | None
    approximate_count_upper_bound: int | None
    operation_status: int | None
    synced_revision: int
    rows_settled: int
    last_sync_at: datetime | None
    next_sync_at: datetime
    failures_in_a_row: int
    failed_calls_in_a_row: int
    hold_additions_until: datetime | None
    hold_removals_until: datetime | None
    recheck_from: int | None
    recheck_at: datetime | None
    refresh_due_at: datetime | None
    refresh_phase: str | None
    refresh_revision: int | None
    refresh_after_key: bytes | None
    refresh_after_row_no: int | None
    installation_id: str
    now: datetime

    @property
    def rows_pending(self) -> int:
        """Rows that were logged and are not settled."""
        return self.rows_logged - self.rows_settled


@dataclass(frozen=True, slots=True)
class LeaseClaim:
    """A lease just taken. The token is new with every claim."""

    audience_no: int
    lease_token: int


@dataclass(frozen=True, slots=True)
class MemberChange:
    """What one member is from now on.

    Shape: `rows` None: left; (): present with nothing to match; else sorted and distinct.
    `occurred_at` None: when it arrived.
    """

    member_key: bytes
    rows: tuple[bytes, ...] | None
    occurred_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class MergeResult:
    """Shape: `changed_count + unchanged_count` = the members given. `revision`: of the log, after."""

    revision: int
    changed_count: int
    unchanged_count: int


@dataclass(frozen=True, slots=True)
class MemberRow:
    """One row of a present member."""

    member_key: bytes
    row_no: int
    packed_row: bytes


@dataclass(frozen=True, slots=True)
class Holder:
    """A present member's row that holds an identifier. `key`: number of the Key."""

    key: int
    prefix: int
    member_key: bytes
    packed_row: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Chunk:
    """A piece of the change log: rows back to back, with one operation (ADD or REMOVE)."""

    revision: int
    operation: str
    row_count: int
    packed_rows: bytes
    rules_version: int


@dataclass(frozen=True, slots=True)
class StoredAnswer:
    """The first answer to a request_id."""

    request_digest: bytes
    answer: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Import:
    """How far a list is taken in. `result`: what came of it so far, in the caller's own form."""

    import_id: str
    mode: str
    is_dry_run: bool
    started_at: datetime
    touched_at: datetime
    acknowledged: int
    is_finished: bool
    result: bytes
