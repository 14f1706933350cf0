"""Owns the routes of Custom Audiences: create, list, read, update, delete, sessions."""

from collections.abc import Mapping
from typing import Final

from fakefb import graph_errors
from fakefb.ad_accounts import AdAccount
from fakefb.audiences import AUDIENCES_PER_ACCOUNT_MAX, EMPTY_FIELDS, Audience
from fakefb.call import Call
from fakefb.field_selection import pick, selected_fields
from fakefb.membership import new_membership
from fakefb.paging import page_of
from fakefb.sessions import Session

Body = Mapping[str, object]

FILE_SOURCES: Final = (
    "USER_PROVIDED_ONLY",
    "PARTNER_PROVIDED_ONLY",
    "BOTH_USER_AND_PARTNER_PROVIDED",
)
RETENTION_DAYS_MAX: Final = 180


def create_audience(call: Call) -> Body:
    """Make a customer list."""
    account = call.visible_account(call.writer(), call.parts[0])
    call.charge(account)
    name = _checked_name(call, account)
    existing = call.state.audiences.of(account.ad_account_id)
    if call.parameters.flag("enable_fetch_or_create"):
        for audience in existing.values():
            if audience.name == name:
                return {"id": audience.custom_audience_id}
    if len(existing) >= AUDIENCES_PER_ACCOUNT_MAX:
        raise graph_errors.too_many_audiences(AUDIENCES_PER_ACCOUNT_MAX)
    audience = _new_audience(call, account, name)
    call.state.audiences.put(audience)
    call.entry.custom_audience_id = audience.custom_audience_id
    call.entry.applied = True
    return {"id": audience.custom_audience_id}


def _checked_name(call: Call, account: AdAccount) -> str:
    if not account.tos_accepted:
        raise graph_errors.terms_not_accepted(account.number)
    subtype = call.parameters.text("subtype") or "CUSTOM"
    if subtype == "LOOKALIKE":
        raise graph_errors.not_imitated("lookalike audiences")
    if subtype != "CUSTOM":
        raise graph_errors.bad_parameter("Param subtype must be CUSTOM for a customer list")
    name = call.parameters.text("name")
    if not name:
        raise graph_errors.missing_parameters("name")
    if call.parameters.text("customer_file_source") is None:
        raise graph_errors.missing_parameters("customer_file_source")
    return name


def _new_audience(call: Call, account: AdAccount, name: str) -> Audience:
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
    )
    _write(call, audience)
    return audience


def update_audience(call: Call) -> Body:
    """Change what may be changed; parameters that are not given stay as they are."""
    audience = call.visible_audience(call.writer(), call.parts[0])
    if call.parameters.text("name") == "":
        raise graph_errors.bad_parameter("Param name must not be empty")
    _write(call, audience)
    audience.time_updated = int(call.now)
    call.entry.applied = True
    return {"success": True}


def _write(call: Call, audience: Audience) -> None:
    source = call.parameters.text("customer_file_source")
    if source is not None and source not in FILE_SOURCES:
        allowed = ", ".join(FILE_SOURCES)
        raise graph_errors.bad_parameter(f"Param customer_file_source must be one of {allowed}")
    days = call.parameters.whole("retention_days", 0, RETENTION_DAYS_MAX)
    name, description = call.parameters.text("name"), call.parameters.text("description")
    opt_out_link = call.parameters.text("opt_out_link")
    audience.customer_file_source = source or audience.customer_file_source
    audience.retention_days = audience.retention_days if days is None else days
    audience.name = name or audience.name
    audience.description = audience.description if description is None else description
    audience.opt_out_link = audience.opt_out_link if opt_out_link is None else opt_out_link


def delete_audience(call: Call) -> Body:
    """Delete for good."""
    audience = call.visible_audience(call.writer(), call.parts[0])
    call.state.audiences.drop(audience)
    call.entry.applied = True
    return {"success": True}


def read_audience(call: Call) -> Body:
    """Read the fields asked for."""
    audience = call.visible_audience(call.reader(), call.parts[0])
    return _fields(call, audience, selected_fields(call.parameters.get("fields")))


def list_audiences(call: Call) -> Body:
    """List an account's audiences, newest first."""
    account = call.visible_account(call.reader(), call.parts[0])
    call.charge(account)
    names = selected_fields(call.parameters.get("fields"))
    if call.parameters.get("filtering"):
        raise graph_errors.not_imitated("filtering of lists")

    def show(audience: Audience) -> Body:
        return _fields(call, audience, names)

    newest_first = list(call.state.audiences.of(account.ad_account_id).values())[::-1]
    url = f"{call.base_url}/{account.ad_account_id}/customaudiences"
    return page_of(newest_first, lambda a: a.custom_audience_id, show, call.parameters, url)


def list_sessions(call: Call) -> Body:
    """List upload sessions, newest first, or the one that is asked for."""
    audience = call.visible_audience(call.reader(), call.parts[0])
    wanted = call.parameters.text("session_id")
    known = audience.sessions.by_id.values()
    sessions = [s for s in known if wanted in (None, s.session_id)][::-1]
    url = f"{call.base_url}/{audience.custom_audience_id}/sessions"
    return page_of(sessions, lambda s: s.session_id, Session.record, call.parameters, url)


def _fields(call: Call, audience: Audience, names: tuple[str, ...]) -> Body:
    node = audience.fields(call.state.settings.count_floor)
    return pick(node, names, known=EMPTY_FIELDS, node_type="CustomAudience")
