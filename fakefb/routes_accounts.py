"""Owns the routes of tokens and ad accounts: debug_token, me/adaccounts, the account node."""

from collections.abc import Mapping

from fakefb import graph_errors
from fakefb.ad_accounts import EMPTY_FIELDS, AdAccount
from fakefb.call import Call
from fakefb.field_selection import pick, selected_fields
from fakefb.paging import page_of
from fakefb.tokens import inspection

Body = Mapping[str, object]


def debug_token(call: Call) -> Body:
    """Tell what a token is; asked with an app's token or with any valid one of the same app."""
    text = call.token_text()
    app_id = call.state.tokens.app_of(text or "")
    if app_id is None:
        app_id = call.token().app_id
    inspected = call.parameters.text("input_token")
    if inspected is None:
        raise graph_errors.missing_parameters("input_token")
    token = call.state.tokens.by_text.get(inspected)
    if token is not None and token.app_id != app_id:
        token = None
    return {"data": inspection(token, call.now)}


def list_ad_accounts(call: Call) -> Body:
    """List the ad accounts that the token sees."""
    token = call.reader()
    names = selected_fields(call.parameters.get("fields"))
    seen = [call.state.ad_accounts.get(i) for i in sorted(token.ad_account_ids)]
    accounts = [account for account in seen if account is not None]

    def show(account: AdAccount) -> Body:
        return account_fields(account, names)

    url = f"{call.base_url}/me/adaccounts"
    return page_of(accounts, lambda a: a.ad_account_id, show, call.parameters, url)


def read_ad_account(call: Call) -> Body:
    """Read one ad account."""
    account = call.visible_account(call.reader(), call.parts[0])
    call.charge_score(account)
    return account_fields(account, selected_fields(call.parameters.get("fields")))


def account_fields(account: AdAccount, names: tuple[str, ...]) -> Body:
    """Return the fields of an ad account that are asked for."""
    return pick(account.fields(), names, known=EMPTY_FIELDS, node_type="AdAccount")
