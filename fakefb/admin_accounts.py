"""Owns the admin routes of ad accounts and tokens."""

from typing import Final

from aiohttp import web

from fakefb.ad_accounts import AdAccount
from fakefb.admin_http import AdminRefusal, answer, read_model
from fakefb.admin_models import AdAccountChange, NewAdAccount, NewToken, TokenChange
from fakefb.state import FakeState
from fakefb.tokens import Token

_ALLOWANCES: Final = frozenset(
    {"calls_per_hour", "cpu_s_per_hour", "time_s_per_hour", "calls_per_minute", "score_max"}
)
"""Fields that null takes back."""


class AccountRoutes:
    """Makes and changes ad accounts and tokens."""

    def __init__(self, state: FakeState) -> None:
        self._state = state

    def routes(self) -> list[web.RouteDef]:
        """Return the routes."""
        return [
            web.post("/admin/ad_accounts", self.add_account),
            web.patch("/admin/ad_accounts/{id}", self.change_account),
            web.post("/admin/tokens", self.add_token),
            web.patch("/admin/tokens/{token}", self.change_token),
            web.delete("/admin/tokens/{token}", self.drop_token),
        ]

    async def add_account(self, request: web.Request) -> web.Response:
        """Make an ad account; tokens have to be told that they see it."""
        new = await read_model(request, NewAdAccount)
        if new.ad_account_id in self._state.ad_accounts:
            raise AdminRefusal(409, f"{new.ad_account_id} exists; PATCH it")
        account = AdAccount(
            ad_account_id=new.ad_account_id, time_created=int(self._state.clock.now())
        )
        self._state.ad_accounts[new.ad_account_id] = account
        _change_account(account, new)
        return answer(account_record(account), 201)

    async def change_account(self, request: web.Request) -> web.Response:
        """Change an ad account."""
        account = self._state.ad_accounts.get(request.match_info["id"])
        if account is None:
            raise AdminRefusal(404, "no such ad account; POST /admin/ad_accounts makes one")
        _change_account(account, await read_model(request, AdAccountChange))
        return answer(account_record(account))

    async def add_token(self, request: web.Request) -> web.Response:
        """Make a token."""
        new = await read_model(request, NewToken)
        if new.access_token in self._state.tokens.by_text:
            raise AdminRefusal(409, "this token exists; PATCH it")
        self._check_accounts(new)
        token = Token(access_token=new.access_token, issued_at=int(self._state.clock.now()))
        _change_token(token, new)
        self._state.tokens.by_text[new.access_token] = token
        return answer(_token_record(token), 201)

    async def change_token(self, request: web.Request) -> web.Response:
        """Change, expire or revoke a token."""
        token = self._token(request)
        change = await read_model(request, TokenChange)
        self._check_accounts(change)
        _change_token(token, change)
        return answer(_token_record(token))

    async def drop_token(self, request: web.Request) -> web.Response:
        """Forget a token: from now on nobody knows it."""
        del self._state.tokens.by_text[self._token(request).access_token]
        return answer({})

    def _token(self, request: web.Request) -> Token:
        token = self._state.tokens.by_text.get(request.match_info["token"])
        if token is None:
            raise AdminRefusal(404, "no such token; POST /admin/tokens makes one")
        return token

    def _check_accounts(self, change: TokenChange) -> None:
        unknown = [i for i in change.ad_account_ids or () if i not in self._state.ad_accounts]
        if unknown:
            raise AdminRefusal(400, f"ad_account_ids: {unknown[0]} does not exist; make it first")


def account_record(account: AdAccount) -> dict[str, object]:
    """Return an ad account for the admin port."""
    return {"ad_account_id": account.ad_account_id} | {
        name: getattr(account, name) for name in AdAccountChange.model_fields
    }


def _change_account(account: AdAccount, change: AdAccountChange) -> None:
    for name in change.model_fields_set - {"ad_account_id"}:
        value = getattr(change, name)
        if value is not None or name in _ALLOWANCES:
            setattr(account, name, value)


def _change_token(token: Token, change: TokenChange) -> None:
    for name in type(change).model_fields.keys() - {"access_token"}:
        value = getattr(change, name)
        takes_back = name in _ALLOWANCES and name in change.model_fields_set
        if value is not None or takes_back:
            setattr(token, name, tuple(value) if isinstance(value, list) else value)


def _token_record(token: Token) -> dict[str, object]:
    return {
        "app_id": token.app_id,
        "scopes": token.scopes,
        "expires_at": token.expires_at,
        "ad_account_ids": token.ad_account_ids,
        "require_proof": token.require_proof,
        "revoked": token.revoked,
        "state": token.state,
        "kind": token.kind,
        "calls_per_hour": token.calls_per_hour,
    }
