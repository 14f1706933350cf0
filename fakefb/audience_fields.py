"""Owns the readable fields of an audience, as somebody sees them at some time."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from fakefb.audience_status import delivery_status, operation_code, operation_status, people_now
from fakefb.audiences import Audience
from fakefb.counts import INACTIVE, approximate_counts, people_shown

_IDLE: Final = 450


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """Who looks, and when; time in Unix seconds."""

    now: float
    count_floor: int
    count_delay_s: float
    lookalike_ids: Sequence[str]
    """Lookalikes built on the audience."""
    is_owner: bool


def audience_fields(audience: Audience, view: View) -> dict[str, object]:
    """Return every readable field that this fake fills; None = no value now."""
    lower, upper = _counts(audience, view)
    is_list = audience.lookalike is None
    return {
        "id": audience.custom_audience_id,
        "account_id": audience.ad_account_id.removeprefix("act_"),
        "name": audience.name,
        "description": audience.description,
        "subtype": "CUSTOM" if is_list else "LOOKALIKE",
        "customer_file_source": audience.customer_file_source if is_list else None,
        "is_value_based": audience.is_value_based,
        "retention_days": audience.retention_days,
        "opt_out_link": audience.opt_out_link,
        "audience_labels": list(audience.audience_labels) or None,
        "approximate_count_lower_bound": lower,
        "approximate_count_upper_bound": upper,
        "delivery_status": delivery_status(audience, view.now),
        "operation_status": operation_status(audience, view.now, view.count_delay_s),
        "data_source": data_source(audience.upload_kind),
        "permission_for_actions": _permissions(is_owner=view.is_owner, is_list=is_list),
        "time_created": audience.time_created,
        "time_updated": audience.time_updated,
        "time_content_updated": audience.time_content_updated,
        "delete_time": audience.delete_time,
        "lookalike_audience_ids": list(view.lookalike_ids) or None,
        "lookalike_spec": _lookalike_spec(audience),
        "fields_violating_integrity_policy": list(audience.flagged_fields) or None,
    }


EMPTY_FIELDS: Final = frozenset(
    {
        "sharing_status",
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
        "page_deletion_marked_delete_time",
        "datafile_custom_audience_uploading_status",
        "data_source_types",
        "rev_share_policy_id",
        "regulated_audience_spec",
        "messenger_marketing_messages_page",
    }
)
"""Fields that exist and are never filled here."""


def data_source(upload_kind: str | None) -> dict[str, object]:
    """Return what the first upload made of the audience."""
    if upload_kind is None:
        return {"type": "UNKNOWN", "sub_type": "ANYTHING", "creation_params": "[]"}
    return {"type": "FILE_IMPORTED", "sub_type": upload_kind, "creation_params": "[]"}


def _counts(audience: Audience, view: View) -> tuple[int, int]:
    if operation_code(audience, view.now) == _IDLE:
        return INACTIVE, INACTIVE
    people = people_now(audience, view.now)
    if audience.lookalike is None and view.count_delay_s:
        people = people_shown(audience.history.uploads, view.now - view.count_delay_s)
    return approximate_counts(people, view.count_floor)


def _permissions(*, is_owner: bool, is_list: bool) -> dict[str, bool]:
    return {
        "can_edit": is_owner,
        "can_see_insight": True,
        "can_share": is_owner,
        "subtype_supports_lookalike": is_list,
        "supports_recipient_lookalike": False,
    }


def _lookalike_spec(audience: Audience) -> dict[str, object] | None:
    if audience.lookalike is None:
        return None
    origin = [{"id": audience.lookalike.origin_audience_id}]
    return {"origin": origin, **audience.lookalike.spec}
