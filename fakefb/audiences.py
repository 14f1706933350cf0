"""Owns Custom Audiences: the objects, and finding them by account."""

from dataclasses import dataclass, field
from typing import Final

from fakefb.history import History
from fakefb.lookalikes import Lookalike
from fakefb.membership import Membership
from fakefb.replace_sessions import Replaces
from fakefb.sessions import Sessions

AUDIENCES_PER_ACCOUNT_MAX: Final = 500
"""Customer lists that one ad account may have."""

SINGLE_KEY: Final = "HASHES_OR_USER_IDS"
MULTI_KEY: Final = "MULTI_HASHES"


@dataclass(slots=True, kw_only=True)
class Tally:
    """Rows of one audience since it was made."""

    rows_added: int = 0
    rows_removed: int = 0
    rows_invalid: int = 0
    calls: int = 0


@dataclass(slots=True, kw_only=True)
class Audience:
    """One Custom Audience, a customer list or a lookalike; times in Unix seconds."""

    custom_audience_id: str
    ad_account_id: str
    name: str
    description: str = ""
    customer_file_source: str = "USER_PROVIDED_ONLY"
    is_value_based: bool = False
    retention_days: int = 0
    opt_out_link: str | None = None
    time_created: int
    time_updated: int
    time_content_updated: int
    membership: Membership
    upload_kind: str | None = None
    """Sub-type of the data source once something has been uploaded: of one key, or of several."""
    sessions: Sessions = field(default_factory=Sessions)
    tally: Tally = field(default_factory=Tally)
    history: History = field(default_factory=History)
    early_calls_left: int = 0
    """Calls of `/users` that are still answered with 803."""
    lookalike: Lookalike | None = None
    """What makes it a lookalike; None = a customer list."""
    replaces: Replaces = field(default_factory=Replaces)
    audience_labels: tuple[str, ...] = ()
    flagged_fields: tuple[str, ...] = ()
    """Fields that break the integrity policy; any makes the audience a flagged one."""
    forced_operation_code: int | None = None
    """What `operation_status` says whatever has happened; None = what has."""
    delete_time: int | None = None
    shared_with: set[str] = field(default_factory=set)
    """Other ad accounts that may read and use it."""


class Audiences:
    """All Custom Audiences by id, oldest first."""

    def __init__(self) -> None:
        self.by_id: dict[str, Audience] = {}
        self.by_account: dict[str, dict[str, Audience]] = {}
        self.by_origin: dict[str, dict[str, Audience]] = {}
        """Lookalikes by the audience they are built on."""

    def put(self, audience: Audience) -> None:
        """Keep a new audience."""
        self.by_id[audience.custom_audience_id] = audience
        account = self.by_account.setdefault(audience.ad_account_id, {})
        account[audience.custom_audience_id] = audience
        if audience.lookalike is not None:
            siblings = self.by_origin.setdefault(audience.lookalike.origin_audience_id, {})
            siblings[audience.custom_audience_id] = audience

    def drop(self, audience: Audience) -> None:
        """Forget an audience for good."""
        del self.by_id[audience.custom_audience_id]
        del self.by_account[audience.ad_account_id][audience.custom_audience_id]
        if audience.lookalike is not None:
            del self.by_origin[audience.lookalike.origin_audience_id][audience.custom_audience_id]

    def of(self, ad_account_id: str) -> dict[str, Audience]:
        """Return an account's audiences by id, oldest first."""
        return self.by_account.get(ad_account_id, {})

    def lookalikes_of(self, custom_audience_id: str) -> list[str]:
        """Return the ids of the lookalikes built on an audience."""
        return list(self.by_origin.get(custom_audience_id, ()))

    def seen_by(self, ad_account_id: str) -> list[Audience]:
        """Return an account's own audiences and those shared with it, oldest first."""
        return [
            audience
            for audience in self.by_id.values()
            if audience.ad_account_id == ad_account_id or ad_account_id in audience.shared_with
        ]
