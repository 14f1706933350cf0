"""Owns access tokens: who may see what, until when, and the proof that goes with them."""

import hashlib
import hmac
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from fakefb import graph_errors
from fakefb.budgets import Budget
from fakefb.digits import whole_number
from fakefb.graph_errors import GraphError

TIMED_PROOF_LIFE_S: Final = 300
"""Seconds that a proof made with `appsecret_time` is good for."""

ALIVE: Final = "live"
DEATHS: Final = {
    "app_removed": (458, "The user has removed the application."),
    "checkpoint": (459, "The user must log in and pass a check."),
    "password_changed": (460, "The password has been changed."),
    "unconfirmed": (464, "The user's account is not confirmed."),
    "revoked": (467, "The token is revoked."),
    "session_invalid": (492, "The session is invalid."),
    "unused": (493, "The token has not been used for 90 days."),
}
"""What may have ended a token, with its subcode."""

ALL_SCOPES: Final = ("ads_management", "ads_read", "business_management")


@dataclass(slots=True, kw_only=True)
class Token:
    """One access token; `expires_at` is in Unix seconds, 0 = never."""

    access_token: str = field(repr=False)
    app_id: str = ""
    app_secret: str = field(default="", repr=False)
    scopes: tuple[str, ...] = ALL_SCOPES
    expires_at: int = 0
    ad_account_ids: tuple[str, ...] = ()
    require_proof: bool = False
    revoked: bool = False
    state: str = ALIVE
    """`live`, or one of `DEATHS`."""
    kind: str = "SYSTEM_USER"
    issued_at: int = 0
    calls_per_hour: int | None = None
    """Calls an hour of the token's user; None = no limit."""
    budget: Budget = field(default_factory=Budget)

    def refusal(self, now: float) -> GraphError | None:
        """Return why the token is no good now, or None."""
        state = "revoked" if self.revoked else self.state
        if state != ALIVE:
            return graph_errors.dead_token(*DEATHS[state])
        if self.expires_at and now >= self.expires_at:
            return graph_errors.dead_token(463, "Session has expired.")
        return None


class Tokens:
    """All tokens by their text."""

    def __init__(self) -> None:
        self.by_text: dict[str, Token] = {}
        self.app_budgets: dict[str, Budget] = {}

    def valid(self, text: str, now: float) -> Token:
        """Return the token that a call came with.

        Raises: GraphError 190 when it is unknown, revoked or expired.
        """
        token = self.by_text.get(text)
        if token is None:
            raise graph_errors.unknown_token()
        refusal = token.refusal(now)
        if refusal is not None:
            raise refusal
        return token

    def app_budget(self, app_id: str) -> Budget:
        """Return what an app has used of its hour."""
        return self.app_budgets.setdefault(app_id, Budget())

    def app_of(self, text: str) -> str | None:
        """Return the app id when the text is `{app id}|{app secret}` of a known app."""
        app_id, bar, secret = text.partition("|")
        known = any(
            token.app_id == app_id and token.app_secret and _same(token.app_secret, secret)
            for token in self.by_text.values()
        )
        return app_id if bar and app_id and known else None


def check_proof(token: Token, proof: str | None, proof_time: str | None, now: float) -> None:
    """Check the proof of a call against the token's app.

    Raises: GraphError 100 when it is wrong, too old, or missing where the app asks for it.
    """
    if proof is None:
        if token.require_proof:
            raise graph_errors.proof_required()
        return
    message = token.access_token
    if proof_time is not None:
        if not _is_recent(proof_time, now):
            raise graph_errors.invalid_proof()
        message = f"{message}|{proof_time}"
    expected = hmac.new(token.app_secret.encode(), message.encode(), hashlib.sha256).hexdigest()
    if not token.app_secret or not _same(expected, proof):
        raise graph_errors.invalid_proof()


def inspection(token: Token | None, now: float) -> dict[str, object]:
    """Return what `debug_token` says of a token; None is a token that nobody knows."""
    if token is None:
        error = graph_errors.unknown_token()
        return {"is_valid": False, "scopes": [], "error": _short(error)}
    refusal = token.refusal(now)
    data: dict[str, object] = {
        "app_id": token.app_id,
        "type": token.kind,
        "application": "Fake application",
        "is_valid": refusal is None,
        "expires_at": token.expires_at,
        "data_access_expires_at": 0,
        "issued_at": token.issued_at,
        "scopes": list(token.scopes),
        "granular_scopes": _granular(token),
        "user_id": "900000000000001",
    }
    return data if refusal is None else data | {"error": _short(refusal)}


def _granular(token: Token) -> list[Mapping[str, object]]:
    targets = [account.removeprefix("act_") for account in token.ad_account_ids]
    return [{"scope": scope, "target_ids": targets} for scope in token.scopes]


def _short(error: GraphError) -> dict[str, object]:
    short: dict[str, object] = {"code": error.code, "message": error.message}
    return short if error.subcode is None else short | {"subcode": error.subcode}


def _is_recent(proof_time: str, now: float) -> bool:
    made = whole_number(proof_time)
    return made is not None and abs(now - made) <= TIMED_PROOF_LIFE_S


def _same(a: str, b: str) -> bool:
    return hmac.compare_digest(a.encode("utf-8", "replace"), b.encode("utf-8", "replace"))
