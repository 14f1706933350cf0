"""Owns the routes that share a Custom Audience with other ad accounts."""

from collections.abc import Mapping

from fakefb import graph_errors
from fakefb.audiences import Audience
from fakefb.call import Call
from fakefb.field_selection import selected_fields
from fakefb.paging import page_of
from fakefb.routes_accounts import account_fields

Body = Mapping[str, object]


def list_shared(call: Call) -> Body:
    """List the ad accounts that the audience is shared with."""
    audience = call.visible_audience(call.reader(), call.parts[0])
    names = selected_fields(call.parameters.get("fields"))
    accounts = [call.state.ad_accounts[i] for i in sorted(audience.shared_with)]
    return page_of(
        accounts,
        lambda a: a.ad_account_id,
        lambda a: account_fields(a, names),
        call.parameters,
        f"{call.base_url}/{audience.custom_audience_id}/adaccounts",
    )


def share(call: Call) -> Body:
    """Share with more ad accounts; with `replace`, with these and no others."""
    audience, accounts = _named(call)
    if call.parameters.flag("replace"):
        audience.shared_with.clear()
    audience.shared_with |= accounts - {audience.ad_account_id}
    call.entry.applied = True
    return {"success": True}


def unshare(call: Call) -> Body:
    """Stop sharing with ad accounts."""
    audience, accounts = _named(call)
    audience.shared_with -= accounts
    call.entry.applied = True
    return {"success": True}


def _named(call: Call) -> tuple[Audience, set[str]]:
    audience = call.own_audience(call.writer(), call.parts[0])
    numbers = call.parameters.texts("adaccounts")
    if not numbers:
        raise graph_errors.missing_required_parameter("adaccounts")
    accounts = {f"act_{number.removeprefix('act_')}" for number in numbers}
    unknown = sorted(accounts - call.state.ad_accounts.keys())
    if unknown:
        raise graph_errors.bad_parameter(f"Ad account {unknown[0]} does not exist")
    return audience, accounts
