"""Owns one Graph call while it is answered: its parameters, its token and what it may touch."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from fakefb import audience_errors, graph_errors
from fakefb.ad_accounts import AdAccount
from fakefb.audiences import Audience
from fakefb.journal import Entry
from fakefb.metering import charge_audience_call, charge_caller, charge_score
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
    scored: AdAccount | None = field(default=None)
    """The account whose score pays for the call."""
    caller: Token | None = field(default=None)
    """The token that the call came with, once it is known to be good."""
    rows_to_refuse: int = 0
    """Good rows that a fault wants to be called invalid."""

    def token_text(self) -> str | None:
        """Return the token as it came: query or body, else the Authorization header."""
        return self.parameters.text("access_token") or self.bearer

    def token(self) -> Token:
        """Return the valid token of the call, its proof checked.

        Raises: GraphError 104, 2500, 190 or 100; 4 or 17 when app or user have called too often.
        """
        text = self.token_text()
        if text is None:
            if self.parts[:1] == ["me"]:
                raise graph_errors.missing_token_for_me()
            raise graph_errors.missing_token()
        token = self.state.tokens.valid(text, self.now)
        proof, proof_time = (self.parameters.text(n) for n in ("appsecret_proof", "appsecret_time"))
        check_proof(token, proof, proof_time, self.now)
        self.caller = token
        charge_caller(token, self.state, self.now)
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
        accounts = set() if audience is None else {audience.ad_account_id, *audience.shared_with}
        seen_from = sorted(accounts & set(token.ad_account_ids))
        if audience is None or not seen_from:
            raise graph_errors.invisible(custom_audience_id, self.method)
        self.entry.custom_audience_id = custom_audience_id
        is_own = audience.ad_account_id in seen_from
        self.charge(self.visible_account(token, audience.ad_account_id if is_own else seen_from[0]))
        return audience

    def own_audience(self, token: Token, custom_audience_id: str) -> Audience:
        """Return a visible Custom Audience of an account of the token, for changing it.

        Raises: GraphError as for reading, and 200 for somebody else's.
        """
        audience = self.visible_audience(token, custom_audience_id)
        if audience.ad_account_id not in token.ad_account_ids:
            raise audience_errors.shared_audience_is_read_only()
        return audience

    def charge(self, account: AdAccount) -> None:
        """Count an audience call in the account's budget.

        Raises: GraphError 80003, 613 when it does not fit.
        """
        self.account = account
        charge_audience_call(account, self.state, self.now, self.entry.rows)
        if self.state.settings.account_score == "all_calls":
            self.charge_score(account)

    def charge_score(self, account: AdAccount) -> None:
        """Count a call in the account's score.

        Raises: GraphError 613/1487742 when it is used up.
        """
        self.scored = account
        charge_score(account, self.now, is_read=self.method == "GET")
