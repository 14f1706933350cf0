"""Owns one Graph call while it is answered: its parameters, its token and what it may touch."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from fakefb import graph_errors
from fakefb.ad_accounts import AdAccount
from fakefb.audiences import Audience
from fakefb.journal import Entry
from fakefb.parameters import Parameters
from fakefb.state import FakeState
from fakefb.tokens import Token, check_proof


@dataclass(slots=True, kw_only=True)
class Call:
    """What a route needs; refusals are raised as GraphError."""

    state: FakeState
    method: str
    parts: Sequence[str]
    """Path without version."""
    base_url: str
    """Scheme, host and version, for links."""
    parameters: Parameters
    bearer: str | None
    entry: Entry
    now: float
    account: AdAccount | None = field(default=None)
    """The account whose budget pays for the call, once that is known."""

    def token_text(self) -> str | None:
        """Return the token as it came: query or body, else the Authorization header."""
        return self.parameters.text("access_token") or self.bearer

    def token(self) -> Token:
        """Return the valid token of the call, its proof checked.

        Raises: GraphError 104, 2500, 190 or 100.
        """
        text = self.token_text()
        if text is None:
            if self.parts[:1] == ["me"]:
                raise graph_errors.missing_token_for_me()
            raise graph_errors.missing_token()
        token = self.state.tokens.valid(text, self.now)
        proof, proof_time = (self.parameters.text(n) for n in ("appsecret_proof", "appsecret_time"))
        check_proof(token, proof, proof_time, self.now)
        return token

    def reader(self) -> Token:
        """Return the token if it may read ads."""
        token = self.token()
        if not {"ads_read", "ads_management"} & set(token.scopes):
            raise graph_errors.lacks_ads_read()
        return token

    def writer(self) -> Token:
        """Return the token if it may manage ads."""
        token = self.token()
        if "ads_management" not in token.scopes:
            raise graph_errors.lacks_ads_management()
        return token

    def visible_account(self, token: Token, ad_account_id: str) -> AdAccount:
        """Return an ad account that the token sees.

        Raises: GraphError 100/33.
        """
        account = self.state.ad_accounts.get(ad_account_id)
        if account is None or ad_account_id not in token.ad_account_ids:
            raise graph_errors.invisible(ad_account_id, self.method)
        self.entry.ad_account_id = ad_account_id
        return account

    def visible_audience(self, token: Token, custom_audience_id: str) -> Audience:
        """Return a Custom Audience that the token sees, its account's budget charged.

        Raises: GraphError 100/33, or 80003 when the budget is used up.
        """
        audience = self.state.audiences.by_id.get(custom_audience_id)
        if audience is None or audience.ad_account_id not in token.ad_account_ids:
            raise graph_errors.invisible(custom_audience_id, self.method)
        self.entry.custom_audience_id = custom_audience_id
        self.charge(self.visible_account(token, audience.ad_account_id))
        return audience

    def charge(self, account: AdAccount) -> None:
        """Count the call in the account's budget.

        Raises: GraphError 80003 when it does not fit.
        """
        self.account = account
        audiences = len(self.state.audiences.of(account.ad_account_id))
        full = account.budget.used(self.now) >= account.allowance(audiences)
        account.budget.charge(self.now)
        if full:
            raise graph_errors.too_many_calls()
