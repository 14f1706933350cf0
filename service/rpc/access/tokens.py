"""What shows who calls: bearer tokens, how one is made, kept and sent, and names of certificates."""

import base64
import hashlib
from collections.abc import Callable, Sequence
from typing import Final

TOKEN_PREFIX: Final = "ast_"  # noqa: S105 - what all of them begin with, so that scanners find them
TOKEN_BYTES: Final = 32
"""Bytes of chance in a token. With so many a plain SHA-256 is safe to keep: nobody can try them all."""
TOKEN_CHARS_MAX: Final = 256
"""A longer one is not looked at."""

AUTHORIZATION: Final = "authorization"
"""The key of what tells who calls, in a call's metadata."""
_SCHEME: Final = "bearer "


def new_token(chance: Callable[[int], bytes]) -> str:
    """A token; `chance` gives that many bytes that nobody can foretell."""
    drawn = base64.urlsafe_b64encode(chance(TOKEN_BYTES)).decode().rstrip("=")
    return TOKEN_PREFIX + drawn


def token_digest(token: str) -> bytes:
    """What is kept of a token."""
    return hashlib.sha256(token.encode(errors="replace")).digest()


def certificate_digest(name: str) -> bytes:
    """What a name in a caller's certificate is found by. It is longer than a token's: neither is the other."""
    return hashlib.sha512(name.encode(errors="replace")).digest()


def is_of_certificate(digest: bytes) -> bool:
    """Whether a digest is of a certificate's name."""
    return len(digest) == hashlib.sha512().digest_size


def bearer_token(metadata: Sequence[tuple[str, str | bytes]]) -> str | None:
    """The token of a call, None without one that could be ours. Two headers are none: which counts?"""
    found = [value for key, value in metadata if key == AUTHORIZATION]
    if len(found) != 1 or not isinstance(found[0], str):
        return None
    scheme, token = found[0][: len(_SCHEME)], found[0][len(_SCHEME) :].strip()
    if scheme.lower() != _SCHEME or not 0 < len(token) <= TOKEN_CHARS_MAX:
        return None
    return token
