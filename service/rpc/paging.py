"""Pages by key: how many rows, from where, and the opaque token that leads to the next page."""

import base64
import binascii
import hashlib
from collections.abc import Callable, Sequence
from typing import Final, TypeVar

from service.rpc.errors import PageTokenInvalid

PAGE_ROWS_DEFAULT: Final = 100
"""Rows of a page when the caller does not say."""
PAGE_ROWS_MAX: Final = 1_000
"""Rows of a page at most."""

_CHECK_BYTES: Final = 9
_Row = TypeVar("_Row")


def page_rows(page_size: int) -> int:
    """How many rows a page has for what the caller asked; negative sizes are refused before."""
    return min(page_size or PAGE_ROWS_DEFAULT, PAGE_ROWS_MAX)


def page_token(key: str, *, of: Sequence[str]) -> str:
    """Name the page behind `key` in the list that `of` describes: its name and its filters."""
    raw = _check(key, of) + key.encode()
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


def page_key(token: str, *, of: Sequence[str]) -> str:
    """Read the key from a token; the empty token begins at the empty key.

    The token holds no secret: its check catches mistakes, not a caller who wants another page.
    Raises: PageTokenInvalid when the token is not one of this list with these filters.
    """
    if not token:
        return ""
    try:
        raw = base64.b64decode(token + "=" * (-len(token) % 4), altchars=b"-_", validate=True)
        key = raw[_CHECK_BYTES:].decode()
    except (binascii.Error, UnicodeError, ValueError):
        raise PageTokenInvalid from None
    # Postgres holds no text with a NUL, so no row has such a key.
    if not key or "\x00" in key or page_token(key, of=of) != token:
        raise PageTokenInvalid
    return key


def cut_page(
    rows: Sequence[_Row], *, limit: int, key: Callable[[_Row], str], of: Sequence[str]
) -> tuple[Sequence[_Row], str]:
    """Cut what was read with one row more than `limit` into a page and its next token."""
    if len(rows) <= limit:
        return rows, ""
    page = rows[:limit]
    return page, page_token(key(page[-1]), of=of)


def _check(key: str, of: Sequence[str]) -> bytes:
    text = "\x00".join((*of, key))
    return hashlib.sha256(text.encode()).digest()[:_CHECK_BYTES]
