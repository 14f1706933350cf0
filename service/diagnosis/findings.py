"""What a judge says: one thing that is wrong, or soon will be."""

import enum
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field


class Severity(enum.IntEnum):
    """How bad it is; the worst has the greatest number."""

    INFO = 1
    """Nothing is wrong; good to know."""
    WARNING = 2
    """It works, but worse than it could, or not for much longer."""
    ERROR = 3
    """Something does not work, or data may be lost."""


class Code(enum.StrEnum):
    """What was found; the names of the API's enum."""

    @staticmethod
    def _generate_next_value_(name: str, *_: object) -> str:
        return name

    DATABASE_TOO_OLD = enum.auto()
    DATABASE_READ_ONLY = enum.auto()
    MIGRATIONS_BEHIND = enum.auto()
    MIGRATIONS_AHEAD = enum.auto()
    MIGRATIONS_DIFFERENT = enum.auto()
    COMMITS_NOT_DURABLE = enum.auto()
    AUTOVACUUM_OFF = enum.auto()
    DATABASE_MEMORY_SMALL = enum.auto()
    WAL_SMALL = enum.auto()
    SESSIONS_IDLE_IN_TRANSACTION = enum.auto()
    TABLE_BLOATED = enum.auto()
    TRANSACTION_IDS_LOW = enum.auto()
    CLOCKS_APART = enum.auto()
    SEALING_KEY_MISSING = enum.auto()
    SEALING_KEY_UNUSED = enum.auto()
    SEALED_WITH_OLD_KEY = enum.auto()
    SEALED_TOKEN_DAMAGED = enum.auto()
    TOKEN_INVALID = enum.auto()
    TOKEN_EXPIRES_SOON = enum.auto()
    SCOPE_MISSING = enum.auto()
    AD_ACCOUNT_NOT_VISIBLE = enum.auto()
    TERMS_NOT_ACCEPTED = enum.auto()
    AD_ACCOUNT_CLOSED = enum.auto()
    AD_ACCOUNT_IN_TROUBLE = enum.auto()
    AD_ACCOUNT_BLOCKED = enum.auto()
    AD_ACCOUNT_THROTTLED = enum.auto()
    AD_ACCOUNT_UNCHECKED = enum.auto()
    BUDGET_NEARLY_USED = enum.auto()
    ACCESS_TIER_LIMITED = enum.auto()
    AUDIENCE_BLOCKED = enum.auto()
    AUDIENCE_NOT_CREATED = enum.auto()
    AUDIENCE_PAUSED_LONG = enum.auto()
    AUDIENCE_EMPTY = enum.auto()
    AUDIENCE_TOO_SMALL = enum.auto()
    NEVER_SYNCED = enum.auto()
    SYNCS_FAIL = enum.auto()
    CHANGES_LATE = enum.auto()
    REMOVALS_PUT_OFF = enum.auto()
    ROWS_REFUSED = enum.auto()
    OPERATION_STATUS_ODD = enum.auto()
    DELIVERY_STATUS_ODD = enum.auto()
    MATCH_RATE_LOW = enum.auto()
    IMPORT_ABANDONED = enum.auto()
    MEMBERS_UNMATCHABLE = enum.auto()
    PHONES_DROPPED = enum.auto()
    DEVICE_IDS_ZERO = enum.auto()
    IDENTIFIERS_DROPPED = enum.auto()
    ROLE_MAILBOXES = enum.auto()
    IDENTIFIER_SHARED = enum.auto()
    HASH_OF_NOTHING = enum.auto()
    ONE_KEY_ONLY = enum.auto()


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One thing that was found. `evidence`: what shows it, by names for programs; nothing personal.

    It is about an ad account or an audience, or, where both ids are empty, the installation.
    """

    code: Code
    severity: Severity
    message: str
    action: str
    evidence: Mapping[str, str] = field(default_factory=dict)
    ad_account_id: str = ""
    audience_id: str = ""


def worst_first(findings: Iterable[Finding]) -> list[Finding]:
    """The findings by severity; of one severity those of the installation first."""
    return sorted(
        findings,
        key=lambda one: (-one.severity, one.audience_id, one.ad_account_id, one.code),
    )
