"""Owns what proves to Facebook who we are, and keeps it out of every text we write."""

import hashlib
import hmac
import re
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import quote

MESSAGE_CHARS_MAX: Final = 500
"""Characters kept of a text that Facebook wrote."""

_SENDABLE: Final = re.compile(r"[!-~]+")
_SECRET_PARAMETER: Final = re.compile(
    r"((?:access_token|input_token|appsecret_proof)[\"']?[=:]\s?[\"']?)[^\s&\"'<>]+", re.IGNORECASE
)
_TOKEN_LIKE: Final = re.compile(r"\bEAA[A-Za-z0-9]{16,}")
_HASH_OR_DEVICE_ID: Final = re.compile(
    r"[0-9a-f]{64}|[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE
)
# The look-behind lets a match begin only where a word does: linear in the length of any text.
_EMAIL_LIKE: Final = re.compile(
    r"(?<![^\s@\"'<>\[\](),;:])[^\s@\"'<>\[\](),;:]++@[^\s@\"'<>\[\](),;:]++"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Credentials:
    """The access token of an ad account, with its app where that is known."""

    access_token: str = field(repr=False)
    app_id: str | None = None
    app_secret: str | None = field(default=None, repr=False)

    @property
    def app_token(self) -> str | None:
        """The app's own token, `app_id|app_secret`; None when the app is not known."""
        if not (self.app_id and self.app_secret):
            return None
        return f"{self.app_id}|{self.app_secret}"

    @property
    def proof(self) -> str | None:
        """The value of `appsecret_proof`; None without an app secret."""
        return appsecret_proof(self.access_token, self.app_secret) if self.app_secret else None

    @property
    def is_sendable(self) -> bool:
        """Whether the token fits into an HTTP header: visible ASCII, no space."""
        tokens = (self.access_token, self.app_token or self.access_token)
        return all(_SENDABLE.fullmatch(token) for token in tokens)

    def scrub(self, text: str) -> str:
        """Take secrets, hashes, device ids and e-mails out of a text, and cut it to length."""
        text = text.replace("\0", "")
        secrets = filter(None, (self.proof, self.access_token, self.app_secret))
        for secret in sorted(secrets, key=len, reverse=True):
            text = text.replace(secret, "***").replace(quote(secret, safe=""), "***")
        text = _SECRET_PARAMETER.sub(r"\1***", text)
        text = _TOKEN_LIKE.sub("***", text)
        text = _HASH_OR_DEVICE_ID.sub("<identifier>", text)
        return _EMAIL_LIKE.sub("<identifier>", text)[:MESSAGE_CHARS_MAX]


def appsecret_proof(token: str, secret: str) -> str:
    """Sign a token with the app's secret: lower-case hex HMAC-SHA256.

    Source: graph-contract §9.
    """
    return hmac.new(secret.encode(), token.encode(), hashlib.sha256).hexdigest()
