"""Owns the routes that change membership: adding and removing people by rows."""

from collections.abc import Mapping

from fakefb import graph_errors
from fakefb.audiences import MULTI_KEY, SINGLE_KEY, Audience
from fakefb.call import Call
from fakefb.graph_errors import HtmlRefusal
from fakefb.matching import Found, find_people
from fakefb.membership import Membership
from fakefb.payload import ROWS_MAX, Judged, Payload, judge, read_payload, row_count, samples
from fakefb.sessions import Session, SessionClaim, invented_session, read_session

Body = Mapping[str, object]


def add_users(call: Call) -> Body:
    """Put everybody in whom the good rows match."""
    audience, payload, claim = _checked(call)
    judged = judge(payload, lenient=call.state.settings.invalid_hashes == "lenient")
    audience.membership.add(_found(call, judged))
    audience.tally.rows_added += len(payload.rows)
    return _receipt(call, audience, payload, judged, claim)


def remove_users(call: Call) -> Body:
    """Take out whom the good rows match, or the identifiers they name."""
    audience, payload, claim = _checked(call)
    judged = judge(payload, lenient=call.state.settings.invalid_hashes == "lenient")
    audience.membership = _without(call, audience.membership, _found(call, judged))
    audience.tally.rows_removed += len(payload.rows)
    return _receipt(call, audience, payload, judged, claim)


def _checked(call: Call) -> tuple[Audience, Payload, SessionClaim]:
    token = call.writer()
    audience = call.visible_audience(token, call.parts[0])
    account = call.visible_account(token, audience.ad_account_id)
    if not account.tos_accepted:
        raise graph_errors.terms_not_accepted(account.number)
    if audience.early_calls_left > 0:
        audience.early_calls_left -= 1
        raise graph_errors.not_there_yet()
    raw = call.parameters.get("payload")
    if row_count(raw) > ROWS_MAX:
        _refuse_too_many(call)
    payload = read_payload(raw, is_value_based=audience.is_value_based)
    claim = _claim(call, audience, payload)
    _check_mode(audience, MULTI_KEY if payload.is_multi_key else SINGLE_KEY)
    return audience, payload, claim


def _refuse_too_many(call: Call) -> None:
    match call.state.settings.over_limit:
        case "105":
            raise graph_errors.too_many_rows()
        case "1_99":
            raise graph_errors.unknown_failure()
        case "html":
            raise HtmlRefusal(400)


def _claim(call: Call, audience: Audience, payload: Payload) -> SessionClaim:
    session = call.parameters.get("session")
    if session is None:
        return invented_session(audience.custom_audience_id, call.method, payload.schema)
    return read_session(session)


def _check_mode(audience: Audience, kind: str) -> None:
    if audience.upload_kind not in (None, kind):
        raise graph_errors.mode_locked(audience.upload_kind or "", kind)


def _found(call: Call, judged: Judged) -> Found:
    return find_people(judged.columns, call.state.population, call.state.settings.matching)


def _without(call: Call, before: Membership, found: Found) -> Membership:
    floor = call.state.settings.removal_floor
    after = before.copy() if floor else before
    after.remove(found)
    left = len(after.people())
    if floor and left < floor and left < len(before.people()):
        raise graph_errors.too_small_after_removal()
    return after


def _receipt(
    call: Call, audience: Audience, payload: Payload, judged: Judged, claim: SessionClaim
) -> Body:
    received, invalid = len(payload.rows), len(judged.invalid)
    session = audience.sessions.take(claim, received, invalid, call.now)
    audience.upload_kind = MULTI_KEY if payload.is_multi_key else SINGLE_KEY
    audience.time_content_updated = int(call.now)
    audience.tally.rows_invalid += invalid
    audience.tally.calls += 1
    call.entry.session_id = claim.session_id
    call.entry.rows, call.entry.invalid_rows, call.entry.applied = received, invalid, True
    return {
        "audience_id": audience.custom_audience_id,
        "session_id": claim.session_id,
        "num_received": _shown_received(call, session, received),
        "num_invalid_entries": invalid,
        "invalid_entry_samples": samples(payload, judged.invalid),
    }


def _shown_received(call: Call, session: Session, received: int) -> int:
    return session.num_received if call.state.settings.num_received == "session" else received
