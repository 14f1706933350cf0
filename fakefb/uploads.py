"""Owns what every upload of rows shares: what it may touch, whom it matches, what is answered."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

from fakefb import audience_errors, graph_errors
from fakefb.ad_accounts import AdAccount
from fakefb.audiences import MULTI_KEY, SINGLE_KEY, Audience
from fakefb.call import Call
from fakefb.extern_links import find_linked
from fakefb.graph_errors import HtmlRefusal
from fakefb.history import Upload
from fakefb.matching import Found, Matched, match_rows
from fakefb.membership import Membership
from fakefb.payload import ROWS_MAX, Judged, Payload, judge, read_payload, row_count, samples
from fakefb.sessions import Session, SessionClaim, invented_session, read_session

Body = Mapping[str, object]


@dataclass(frozen=True, slots=True, kw_only=True)
class Rows:
    """The rows of one call, judged and matched."""

    payload: Payload
    judged: Judged
    matched: Matched
    claim: SessionClaim


def writable_list(call: Call, *, edge: str) -> Audience:
    """Return the customer list of the path if its people may be changed.

    Raises: GraphError for a missing list, terms, a flag, a lookalike, or a list that is too new.
    """
    audience = call.own_audience(call.writer(), call.parts[0])
    check_terms(call.state.ad_accounts[audience.ad_account_id])
    if audience.early_calls_left > 0:
        audience.early_calls_left -= 1
        raise graph_errors.not_there_yet(edge)
    if audience.lookalike is not None:
        raise audience_errors.not_a_customer_list()
    if audience.flagged_fields:
        raise audience_errors.flagged_membership()
    return audience


def check_terms(account: AdAccount) -> None:
    """Refuse writing before the terms are accepted.

    Raises: GraphError 200/1870034.
    """
    if not account.tos_accepted:
        raise graph_errors.terms_not_accepted(account.number)


def checked_payload(call: Call, *, is_value_based: bool) -> Payload:
    """Read the payload.

    Raises: GraphError, or HtmlRefusal, for too many rows or a wrong shape.
    """
    raw = call.parameters.get("payload")
    if row_count(raw) > ROWS_MAX:
        _refuse_too_many(call)
    return read_payload(raw, is_value_based=is_value_based)


def check_mode(audience: Audience, payload: Payload) -> None:
    """Refuse to mix single-key and multi-key uploads.

    Raises: GraphError 2650.
    """
    kind = MULTI_KEY if payload.is_multi_key else SINGLE_KEY
    if audience.upload_kind not in (None, kind):
        raise graph_errors.mode_locked(audience.upload_kind or "", kind)


def claimed_session(call: Call, target: str, payload: Payload) -> SessionClaim:
    """Return the session that the call names, or the stable one of its schema and verb."""
    session = call.parameters.get("session")
    if session is None:
        return invented_session(target, call.method, payload.schema)
    return read_session(session)


def matched_rows(
    call: Call, account: AdAccount, payload: Payload, claim: SessionClaim, *, learns: bool
) -> Rows:
    """Judge the rows and find whom the good ones match; `learns` links external ids to them."""
    lenient = call.state.settings.invalid_hashes == "lenient"
    judged = judge(payload, lenient=lenient, refused=call.rows_to_refuse)
    matched = _matched(call, account, judged, learns=learns)
    return Rows(payload=payload, judged=judged, matched=matched, claim=claim)


def _matched(call: Call, account: AdAccount, judged: Judged, *, learns: bool) -> Matched:
    columns, population = judged.columns, call.state.population
    matching = call.state.settings.matching
    matched = match_rows(columns, population, matching)
    if "EXTERN_ID" in columns:
        links = account.extern_links
        linked = find_linked(
            columns, population, matching, links=links, learns=learns, now=call.now
        )
        return matched._replace(found=linked)
    if "UID" in columns:
        by_uid = {f"uid:{uid}": population.by_id(uid) for uid in columns["UID"]}
        return matched._replace(found={**matched.found, **by_uid})
    return matched


def without(call: Call, before: Membership, found: Found) -> Membership:
    """Return the membership after a removal.

    Raises: GraphError 200/1870047 when too few would be left.
    """
    floor = call.state.settings.removal_floor
    after = before.copy() if floor else before
    after.remove(found)
    left = after.size()
    if floor and left < floor and left < before.size():
        raise graph_errors.too_small_after_removal()
    return after


def remember(call: Call, audience: Audience, rows: Rows, before: int) -> None:
    """Keep what the call did in the audience's history; `before` is its size until then."""
    people = audience.membership.size()
    audience.time_content_updated = int(call.now)
    audience.tally.rows_invalid += len(rows.judged.invalid)
    audience.tally.calls += 1
    audience.history.keep(
        Upload(
            time=call.now,
            operation=call.entry.operation or "",
            session_id=rows.claim.session_id,
            rows=len(rows.payload.rows),
            people_added=max(0, people - before),
            people_removed=max(0, before - people),
            people=people,
            invalid=Counter(rows.judged.invalid.values()),
            by_key=rows.matched.by_key,
        )
    )


def receipt(call: Call, audience: Audience, rows: Rows) -> Body:
    """Count the call into its session, lock the audience's mode and return the answer."""
    audience.upload_kind = MULTI_KEY if rows.payload.is_multi_key else SINGLE_KEY
    received, invalid = len(rows.payload.rows), len(rows.judged.invalid)
    matched = len(frozenset[int]().union(*rows.matched.found.values()))
    session = audience.sessions.take(
        rows.claim, received=received, invalid=invalid, matched=matched, now=call.now
    )
    shown = _shown_received(call, session, received)
    return {"audience_id": audience.custom_audience_id, **counted(call, rows, shown)}


def counted(call: Call, rows: Rows, num_received: int) -> Body:
    """Return the part of an answer that tells of the rows, and put it into the journal."""
    invalid = len(rows.judged.invalid)
    call.entry.session_id = rows.claim.session_id
    call.entry.rows, call.entry.invalid_rows = len(rows.payload.rows), invalid
    call.entry.applied = True
    return {
        "session_id": rows.claim.session_id,
        "num_received": num_received,
        "num_invalid_entries": invalid,
        "invalid_entry_samples": samples(rows.payload, rows.judged.invalid),
    }


def _shown_received(call: Call, session: Session, received: int) -> int:
    return session.num_received if call.state.settings.num_received == "session" else received


def _refuse_too_many(call: Call) -> None:
    match call.state.settings.over_limit:
        case "105":
            raise graph_errors.too_many_rows()
        case "1_99":
            raise graph_errors.unknown_failure()
        case "html":
            raise HtmlRefusal(400)
