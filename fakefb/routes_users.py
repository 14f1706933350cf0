"""Owns the routes that change membership by rows: add, remove, replace, remove everywhere."""

from collections.abc import Mapping

from fakefb import audience_errors, graph_errors
from fakefb.audience_status import operation_code
from fakefb.audiences import Audience
from fakefb.call import Call
from fakefb.membership import new_membership
from fakefb.payload import Payload
from fakefb.sessions import SessionClaim, read_session
from fakefb.uploads import (
    Rows,
    check_mode,
    check_terms,
    checked_payload,
    claimed_session,
    counted,
    matched_rows,
    receipt,
    remember,
    without,
    writable_list,
)

Body = Mapping[str, object]

_REPLACEABLE = (200, 410, 415, 441)
"""Operation codes with which a replace may begin."""


def add_users(call: Call) -> Body:
    """Put everybody in whom the good rows match."""
    audience, rows = _checked(call, learns=True)
    return _put_in(call, audience, rows)


def remove_users(call: Call) -> Body:
    """Take out whom the good rows match, or the identifiers they name."""
    audience, rows = _checked(call, learns=False)
    before = audience.membership.size()
    audience.membership = without(call, audience.membership, rows.matched.found)
    audience.tally.rows_removed += len(rows.payload.rows)
    remember(call, audience, rows, before)
    return receipt(call, audience, rows)


def replace_users(call: Call) -> Body:
    """Put the rows of a session in the place of everybody inside.

    The old people leave with the first batch; what has arrived is in at any time.
    """
    audience = writable_list(call, edge="usersreplace")
    payload = checked_payload(call, is_value_based=audience.is_value_based)
    claim = _replace_claim(call)
    before = audience.membership.size()
    if audience.replaces.opens(claim, payload.schema, call.now):
        _check_opening(call, audience, payload)
        audience.replaces.open(claim.session_id, payload.schema, call.now)
        audience.membership = new_membership(call.state.settings.removal)
    account = call.state.ad_accounts[audience.ad_account_id]
    rows = matched_rows(call, account, payload, claim, learns=True)
    if claim.is_last:
        audience.replaces.finish()
    return _put_in(call, audience, rows, before)


def remove_users_everywhere(call: Call) -> Body:
    """Take the people out of every customer list of the account, floor or mode or not."""
    account = call.visible_account(call.writer(), call.parts[0])
    call.charge(account)
    check_terms(account)
    payload = checked_payload(call, is_value_based=True)
    claim = claimed_session(call, account.ad_account_id, payload)
    rows = matched_rows(call, account, payload, claim, learns=False)
    for audience in call.state.audiences.of(account.ad_account_id).values():
        before = audience.membership.size()
        audience.membership.remove(rows.matched.found)
        if audience.membership.size() < before:
            remember(call, audience, rows, before)
    return {"account_id": account.number, **counted(call, rows, len(payload.rows))}


def _checked(call: Call, *, learns: bool) -> tuple[Audience, Rows]:
    audience = writable_list(call, edge="users")
    if audience.replaces.in_progress(call.now):
        raise audience_errors.update_in_progress()
    payload = checked_payload(call, is_value_based=audience.is_value_based)
    claim = claimed_session(call, audience.custom_audience_id, payload)
    check_mode(audience, payload)
    account = call.state.ad_accounts[audience.ad_account_id]
    return audience, matched_rows(call, account, payload, claim, learns=learns)


def _put_in(call: Call, audience: Audience, rows: Rows, before: int | None = None) -> Body:
    size = audience.membership.size() if before is None else before
    audience.membership.add(rows.matched.found)
    audience.tally.rows_added += len(rows.payload.rows)
    remember(call, audience, rows, size)
    return receipt(call, audience, rows)


def _replace_claim(call: Call) -> SessionClaim:
    session = call.parameters.get("session")
    if session is None:
        raise graph_errors.missing_required_parameter("session")
    claim = read_session(session)
    if claim.batch_seq is None:
        raise graph_errors.bad_parameter("session must have a batch_seq")
    return claim


def _check_opening(call: Call, audience: Audience, payload: Payload) -> None:
    check_mode(audience, payload)
    if audience.membership.size() >= call.state.settings.replace_people_max:
        raise audience_errors.too_large_to_replace()
    carries_values = "LOOKALIKE_VALUE" in payload.schema
    if carries_values is not audience.is_value_based:
        raise audience_errors.replace_failed()
    if operation_code(audience, call.now) not in _REPLACEABLE:
        raise audience_errors.replace_failed()
