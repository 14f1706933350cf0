"""Owns the routes of the terms of custom audiences: what there is to accept, and accepting it."""

from collections.abc import Mapping
from typing import Final

from fakefb import graph_errors
from fakefb.ad_accounts import TERMS, VALUE_TERMS
from fakefb.call import Call
from fakefb.field_selection import pick, selected_fields
from fakefb.paging import page_of

Body = Mapping[str, object]

_ALL_TERMS: Final[tuple[dict[str, str], ...]] = (
    {"id": "100000000000001", "type": TERMS, "content": "Terms of this fake for customer lists."},
    {"id": "100000000000002", "type": VALUE_TERMS, "content": "Terms of this fake for values."},
)


def list_terms(call: Call) -> Body:
    """List the terms."""
    account = call.visible_account(call.reader(), call.parts[0])
    call.charge_score(account)
    given = call.parameters.get("fields")
    names = ("id", "type", "content") if given is None else selected_fields(given)
    return page_of(
        _ALL_TERMS,
        lambda terms: terms["id"],
        lambda terms: pick(terms, names, known=(), node_type="CustomAudiencesTOS"),
        call.parameters,
        f"{call.base_url}/{account.ad_account_id}/customaudiencestos",
    )


def accept_terms(call: Call) -> Body:
    """Accept terms, by a person's token."""
    token = call.writer()
    account = call.visible_account(token, call.parts[0])
    call.charge_score(account)
    wanted = call.parameters.text("tos_id")
    if wanted is None:
        raise graph_errors.missing_parameters("tos_id")
    kind = next((t["type"] for t in _ALL_TERMS if wanted in (t["id"], t["type"])), None)
    if kind is None:
        raise graph_errors.bad_parameter("Param tos_id is the id of no terms")
    if token.kind == "SYSTEM_USER":
        raise graph_errors.system_users_cannot_accept()
    account.tos_accepted |= kind == TERMS
    account.value_tos_accepted |= kind == VALUE_TERMS
    call.entry.applied = True
    return {"success": True}
