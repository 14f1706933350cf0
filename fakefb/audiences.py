"""Owns Custom Audiences: the objects, their readable fields, and finding them by account."""

from dataclasses import dataclass, field
from typing import Final

from fakefb.counts import approximate_counts
from fakefb.membership import Membership
from fakefb.sessions import Sessions

AUDIENCES_PER_ACCOUNT_MAX: Final = 500
"""Customer lists that one ad account may have."""
DELIVERABLE_PEOPLE_MIN: Final = 100

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
    """One Custom Audience of the kind customer list; times in Unix seconds."""

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
    early_calls_left: int = 0
    """Calls of `/users` that are still answered with 803."""

    def fields(self, count_floor: int) -> dict[str, object]:
        """Return every readable field that this fake fills; None = no value now."""
        people = len(self.membership.people())
        lower, upper = approximate_counts(people, count_floor)
        return {
            "id": self.custom_audience_id,
            "account_id": self.ad_account_id.removeprefix("act_"),
            "name": self.name,
            "description": self.description,
            "subtype": "CUSTOM",
            "customer_file_source": self.customer_file_source,
            "is_value_based": self.is_value_based,
            "retention_days": self.retention_days,
            "opt_out_link": self.opt_out_link,
            "approximate_count_lower_bound": lower,
            "approximate_count_upper_bound": upper,
            "delivery_status": delivery_status(people),
            "operation_status": operation_status(self.upload_kind),
            "data_source": data_source(self.upload_kind),
            "permission_for_actions": _ALL_PERMITTED,
            "time_created": self.time_created,
            "time_updated": self.time_updated,
            "time_content_updated": self.time_content_updated,
        }


_ALL_PERMITTED: Final = {
    "can_edit": True,
    "can_see_insight": True,
    "can_share": True,
    "subtype_supports_lookalike": True,
    "supports_recipient_lookalike": False,
}

EMPTY_FIELDS: Final = frozenset(
    {
        "delete_time",
        "lookalike_audience_ids",
        "lookalike_spec",
        "sharing_status",
        "fields_violating_integrity_policy",
        "is_eligible_for_sac_campaigns",
        "rule",
        "rule_aggregation",
        "pixel_id",
        "household_audience",
        "is_household",
        "is_snapshot",
        "included_custom_audiences",
        "excluded_custom_audiences",
        "owner_business",
        "seed_audience",
        "external_event_source",
        "audience_labels",
        "page_deletion_marked_delete_time",
        "datafile_custom_audience_uploading_status",
        "data_source_types",
        "rev_share_policy_id",
        "regulated_audience_spec",
        "messenger_marketing_messages_page",
    }
)
"""Fields that exist and are never filled here."""


def delivery_status(people: int) -> dict[str, object]:
    """Return 200, or 300 below the number of people that ads need."""
    if people < DELIVERABLE_PEOPLE_MIN:
        return {"code": 300, "description": "This audience is too small to be used in ads."}
    return {"code": 200, "description": "This audience is ready for use."}


def operation_status(upload_kind: str | None) -> dict[str, object]:
    """Return 410 before the first upload, then 200."""
    if upload_kind is None:
        return {"code": 410, "description": "Nothing has been uploaded yet."}
    return {"code": 200, "description": "Normal"}


def data_source(upload_kind: str | None) -> dict[str, object]:
    """Return what the first upload made of the audience."""
    if upload_kind is None:
        return {"type": "UNKNOWN", "sub_type": "ANYTHING", "creation_params": "[]"}
    return {"type": "FILE_IMPORTED", "sub_type": upload_kind, "creation_params": "[]"}


class Audiences:
    """All Custom Audiences by id, oldest first."""

    def __init__(self) -> None:
        self.by_id: dict[str, Audience] = {}
        self.by_account: dict[str, dict[str, Audience]] = {}

    def put(self, audience: Audience) -> None:
        """Keep a new audience."""
        self.by_id[audience.custom_audience_id] = audience
        account = self.by_account.setdefault(audience.ad_account_id, {})
        account[audience.custom_audience_id] = audience

    def drop(self, audience: Audience) -> None:
        """Forget an audience for good."""
        del self.by_id[audience.custom_audience_id]
        del self.by_account[audience.ad_account_id][audience.custom_audience_id]

    def of(self, ad_account_id: str) -> dict[str, Audience]:
        """Return an account's audiences by id, oldest first."""
        return self.by_account.get(ad_account_id, {})
