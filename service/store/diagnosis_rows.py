"""What the store tells for a diagnosis: one class for each shape."""

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerSigns:
    """The Postgres server as this service meets it.

    `version_number`: 150004 is 15.4. `transaction_age`: transactions since the oldest one that is not
    frozen. `idle_in_transaction_count`: sessions of this database that hold a transaction open and do
    nothing. `now`: the database's clock.
    """

    version_number: int
    is_standby: bool
    has_fsync: bool
    has_full_page_writes: bool
    has_synchronous_commit: bool
    has_autovacuum: bool
    shared_buffer_bytes: int
    wal_bytes_max: int
    idle_in_transaction_count: int
    transaction_age: int
    now: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class TableSigns:
    """A table by Postgres' own estimate of its rows."""

    table_name: str
    live_count: int
    dead_count: int
    is_vacuumed: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class SealingKeyUse:
    """How many secrets a key sealed."""

    key_id: str
    secret_count: int


@dataclass(frozen=True, slots=True, kw_only=True)
class AdAccountSigns:
    """How much of its budget an ad account had used when a sync last knew, and what it is used for.

    `usage_at`: seconds since 1970 by the database's clock; 0: never.
    """

    ad_account_id: str
    usage_percent: float
    usage_at: float
    audience_count: int


@dataclass(frozen=True, slots=True, kw_only=True)
class AudienceSigns:
    """How an audience has fared, by its newest syncs; `rows_put_off` by the newest alone.

    `oldest_change_at`: when the oldest change that is not settled was logged. `matched_rows_added` are
    the additions of syncs of which Facebook told how many people it found. `idle_import_at`: when the
    unfinished import was touched that nobody has touched for the longest.
    """

    failures_in_a_row: int
    last_error_reason: str
    oldest_change_at: datetime | None
    rows_sent: int
    rows_refused: int
    rows_put_off: int
    matched_rows_added: int
    people_matched: int
    idle_import_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class DroppedSigns:
    """Identifiers of a kind that were dropped for a reason, or doubted, on the day on which most were."""

    key: int
    reason: int
    worst_day_count: int
