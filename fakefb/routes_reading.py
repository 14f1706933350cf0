"""Owns the routes that read Custom Audiences: one, an account's list, sessions, many by id."""

from collections.abc import Mapping
from typing import Final

from fakefb import graph_errors
from fakefb.audience_fields import EMPTY_FIELDS, View, audience_fields
from fakefb.audiences import Audience
from fakefb.call import Call
from fakefb.field_selection import pick, selected_fields
from fakefb.list_filters import read_filters
from fakefb.paging import page_limit, page_of
from fakefb.routes_accounts import account_fields
from fakefb.sessions import Session
from fakefb.tokens import Token

Body = Mapping[str, object]

IDS_MAX: Final = 50
"""Nodes of one reading."""


def read_audience(call: Call) -> Body:
    """Read the fields asked for."""
    token = call.reader()
    audience = call.visible_audience(token, call.parts[0])
    return _picked(_shown(call, token, audience), _names(call))


def list_audiences(call: Call) -> Body:
    """List an account's audiences, newest first; those shared with it too."""
    token = call.reader()
    account = call.visible_account(token, call.parts[0])
    call.charge(account)
    names = _names(call)
    passes = read_filters(call.parameters.get("filtering"))
    _check_size(call, len(names))
    newest_first = call.state.audiences.seen_by(account.ad_account_id)[::-1]
    if call.parameters.get("filtering") is not None:
        newest_first = [a for a in newest_first if passes(_shown(call, token, a))]
    return page_of(
        newest_first,
        lambda a: a.custom_audience_id,
        lambda a: _picked(_shown(call, token, a), names),
        call.parameters,
        f"{call.base_url}/{account.ad_account_id}/customaudiences",
        empty_pages=call.state.settings.empty_pages,
    )


def read_many(call: Call) -> Body:
    """Read many nodes by id; each costs as much as a call of its own."""
    ids = list(dict.fromkeys(call.parameters.texts("ids")))
    if not ids:
        raise graph_errors.missing_required_parameter("ids")
    if len(ids) > IDS_MAX:
        raise graph_errors.bad_parameter(f"Param ids may hold at most {IDS_MAX} ids")
    return {node_id: _read_node(call, node_id) for node_id in ids}


def list_sessions(call: Call) -> Body:
    """List upload sessions, newest first, or the one that is asked for."""
    audience = call.visible_audience(call.reader(), call.parts[0])
    wanted = call.parameters.text("session_id")
    known = audience.sessions.by_id.values()
    sessions = [s for s in known if wanted in (None, s.session_id)][::-1]
    url = f"{call.base_url}/{audience.custom_audience_id}/sessions"
    delay_s = call.state.settings.count_delay_minutes * 60

    def record(session: Session) -> Body:
        return session.record(call.now, count_delay_s=delay_s)

    return page_of(sessions, lambda s: s.session_id, record, call.parameters, url)


def _read_node(call: Call, node_id: str) -> Body:
    token = call.reader()
    if node_id.startswith("act_"):
        _check_known(node_id, node_id in call.state.ad_accounts)
        account = call.visible_account(token, node_id)
        call.charge_score(account)
        return account_fields(account, _names(call))
    _check_known(node_id, node_id in call.state.audiences.by_id)
    audience = call.visible_audience(token, node_id)
    return _picked(_shown(call, token, audience), _names(call))


def _check_known(node_id: str, is_known: bool) -> None:  # noqa: FBT001
    if not is_known:
        raise graph_errors.not_there_yet(node_id)


def _check_size(call: Call, fields: int) -> None:
    largest = call.state.settings.page_values_max
    if largest and page_limit(call.parameters) * fields > largest:
        raise graph_errors.too_much_data()


def _names(call: Call) -> tuple[str, ...]:
    return selected_fields(call.parameters.get("fields"))


def _shown(call: Call, token: Token, audience: Audience) -> Body:
    settings = call.state.settings
    view = View(
        now=call.now,
        count_floor=settings.count_floor,
        count_delay_s=settings.count_delay_minutes * 60,
        lookalike_ids=call.state.audiences.lookalikes_of(audience.custom_audience_id),
        is_owner=audience.ad_account_id in token.ad_account_ids,
    )
    return audience_fields(audience, view)


def _picked(node: Body, names: tuple[str, ...]) -> Body:
    return pick(node, names, known=EMPTY_FIELDS, node_type="CustomAudience")
