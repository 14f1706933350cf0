"""Owns the routes that make, change and delete Custom Audiences."""

from collections.abc import Mapping
from typing import Final

from fakefb import audience_errors, graph_errors
from fakefb.ad_accounts import AdAccount
from fakefb.audience_status import people_now
from fakefb.audiences import AUDIENCES_PER_ACCOUNT_MAX, Audience
from fakefb.call import Call
from fakefb.lookalikes import LOOKALIKES_PER_ACCOUNT_MAX, SEED_PEOPLE_MIN, Lookalike, read_spec
from fakefb.membership import new_membership
from fakefb.tokens import Token
from fakefb.uploads import check_terms

Body = Mapping[str, object]

FILE_SOURCES: Final = (
    "USER_PROVIDED_ONLY",
    "PARTNER_PROVIDED_ONLY",
    "BOTH_USER_AND_PARTNER_PROVIDED",
)
LABELS: Final = frozenset(
    {
        "APP_USERS",
        "AT_RISK",
        "CART_ABANDONERS",
        "CUSTOMERS",
        "DISENGAGED",
        "DISQUALIFIED_LEADS",
        "ENGAGED_USERS",
        "GENERAL_CUSTOMERS",
        "HIGH_VALUE_CUSTOMERS",
        "LOW_VALUE_CUSTOMERS",
        "OTHER_1",
        "OTHER_2",
        "OTHER_3",
        "QUALIFIED_LEADS",
        "RECENT_PURCHASERS",
        "TRIAL_USERS",
    }
)
RETENTION_DAYS_MAX: Final = 180
_CHANGEABLE: Final = (
    "name",
    "description",
    "opt_out_link",
    "customer_file_source",
    "retention_days",
    "audience_labels",
    "lookalike_spec",
)


def create_audience(call: Call) -> Body:
    """Make a customer list or a lookalike."""
    token = call.writer()
    account = call.visible_account(token, call.parts[0])
    call.charge(account)
    check_terms(account)
    lookalike = _checked_lookalike(call, token, account)
    name = call.parameters.text("name")
    if not name:
        raise graph_errors.missing_parameters("name")
    if lookalike is None and call.parameters.text("customer_file_source") is None:
        raise graph_errors.missing_parameters("customer_file_source")
    existing = call.state.audiences.of(account.ad_account_id).values()
    if call.parameters.flag("enable_fetch_or_create"):
        for audience in existing:
            if audience.name == name and audience.lookalike == lookalike:
                return {"id": audience.custom_audience_id}
    _check_quota([audience.lookalike is None for audience in existing], is_list=lookalike is None)
    return {"id": _make(call, account, name, lookalike)}


def _checked_lookalike(call: Call, token: Token, account: AdAccount) -> Lookalike | None:
    """Return what is to be a lookalike, None for a customer list."""
    subtype = call.parameters.text("subtype") or "CUSTOM"
    if subtype == "CUSTOM":
        return None
    if subtype != "LOOKALIKE":
        raise graph_errors.bad_parameter("Param subtype must be CUSTOM or LOOKALIKE")
    origin_id, spec = call.parameters.text("origin_audience_id"), None
    if call.parameters.get("lookalike_spec") is not None:
        spec = read_spec(call.parameters.get("lookalike_spec"))
    if not origin_id or spec is None:
        raise graph_errors.missing_parameters("origin_audience_id", "lookalike_spec")
    origin = call.state.audiences.by_id.get(origin_id)
    accounts = set() if origin is None else {origin.ad_account_id, *origin.shared_with}
    if origin is None or account.ad_account_id not in accounts & set(token.ad_account_ids):
        raise graph_errors.invisible(origin_id, call.method)
    if origin.flagged_fields:
        raise audience_errors.flagged_origin()
    if origin.lookalike is not None or people_now(origin, call.now) < SEED_PEOPLE_MIN:
        raise audience_errors.seed_too_small(SEED_PEOPLE_MIN)
    return Lookalike(origin_id, spec)


def _check_quota(are_lists: list[bool], *, is_list: bool) -> None:
    limit = AUDIENCES_PER_ACCOUNT_MAX if is_list else LOOKALIKES_PER_ACCOUNT_MAX
    if are_lists.count(is_list) >= limit:
        kind = "customer list" if is_list else "lookalike"
        raise graph_errors.too_many_audiences(limit, kind)


def _make(call: Call, account: AdAccount, name: str, lookalike: Lookalike | None) -> str:
    now = int(call.now)
    audience = Audience(
        custom_audience_id=call.state.new_audience_id(),
        ad_account_id=account.ad_account_id,
        name=name,
        is_value_based=call.parameters.flag("is_value_based") or False,
        time_created=now,
        time_updated=now,
        time_content_updated=now,
        membership=new_membership(call.state.settings.removal),
        early_calls_left=call.state.settings.new_audience_lag_calls,
        lookalike=lookalike,
    )
    _write(call, audience)
    call.state.audiences.put(audience)
    call.entry.custom_audience_id = audience.custom_audience_id
    call.entry.applied = True
    return audience.custom_audience_id


def update_audience(call: Call) -> Body:
    """Change what may be changed; parameters that are not given stay as they are."""
    audience = call.own_audience(call.writer(), call.parts[0])
    if call.parameters.text("name") == "":
        raise graph_errors.bad_parameter("Param name must not be empty")
    given = {name for name in _CHANGEABLE if call.parameters.get(name) is not None}
    _check_flags(call, audience, given)
    if "lookalike_spec" in given:
        _change_spec(call, audience)
    _write(call, audience)
    audience.flagged_fields = tuple(f for f in audience.flagged_fields if f not in given)
    audience.time_updated = int(call.now)
    call.entry.applied = True
    return {"success": True}


def _check_flags(call: Call, audience: Audience, given: set[str]) -> None:
    """Refuse edits of a flagged audience that leave a field as it is that breaks the policy."""
    if audience.lookalike is not None:
        origin = call.state.audiences.by_id.get(audience.lookalike.origin_audience_id)
        if audience.flagged_fields or (origin is not None and origin.flagged_fields):
            raise audience_errors.flagged_lookalike_edit()
    left = tuple(name for name in audience.flagged_fields if name not in given)
    if left:
        raise audience_errors.flagged_edit(left)


def _change_spec(call: Call, audience: Audience) -> None:
    if audience.lookalike is None:
        raise graph_errors.bad_parameter("lookalike_spec is for lookalikes only")
    spec = read_spec(call.parameters.get("lookalike_spec"))
    audience.lookalike = Lookalike(audience.lookalike.origin_audience_id, spec)


def _write(call: Call, audience: Audience) -> None:
    source = call.parameters.text("customer_file_source")
    if source is not None and source not in FILE_SOURCES:
        allowed = ", ".join(FILE_SOURCES)
        raise graph_errors.bad_parameter(f"Param customer_file_source must be one of {allowed}")
    days = call.parameters.whole("retention_days", 0, RETENTION_DAYS_MAX)
    name, description = call.parameters.text("name"), call.parameters.text("description")
    opt_out_link = call.parameters.text("opt_out_link")
    labels = call.parameters.texts("audience_labels")
    if not LABELS.issuperset(labels):
        allowed = ", ".join(sorted(LABELS))
        raise graph_errors.bad_parameter(f"Param audience_labels must be among {allowed}")
    audience.customer_file_source = source or audience.customer_file_source
    audience.retention_days = audience.retention_days if days is None else days
    audience.name = name or audience.name
    audience.description = audience.description if description is None else description
    audience.opt_out_link = audience.opt_out_link if opt_out_link is None else opt_out_link
    audience.audience_labels = tuple(labels) or audience.audience_labels


def delete_audience(call: Call) -> Body:
    """Delete for good."""
    audience = call.own_audience(call.writer(), call.parts[0])
    if call.state.audiences.lookalikes_of(audience.custom_audience_id):
        raise audience_errors.lookalikes_depend(audience.custom_audience_id)
    call.state.audiences.drop(audience)
    call.entry.applied = True
    return {"success": True}
