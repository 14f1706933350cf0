"""Describes each Graph call we make as a value; sends nothing."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

import orjson

from service.graph.credentials import Credentials
from service.graph.objects import AD_ACCOUNT_FIELDS, CUSTOM_AUDIENCE_FIELDS
from service.graph.payload import MembershipBody, membership_body

PAGE_ITEMS: Final = 25
"""Items asked for a page; Graph refuses bigger pages of heavy fields (graph-contract §4.5)."""

_AD_ACCOUNT_ID: Final = re.compile(r"act_[0-9]{1,32}")
_AUDIENCE_ID: Final = re.compile(r"[0-9]{1,32}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One Graph call.

    `endpoint` names it in logs; `about` is the object it is about, for logs as well. `bearer` is
    the token for the Authorization header; `params` may hold the proof or an inspected token.
    """

    endpoint: str
    method: str
    path: str
    bearer: str = field(repr=False)
    params: Mapping[str, str] = field(repr=False)
    body: bytes | MembershipBody | None = field(default=None, repr=False)
    about: Mapping[str, str] = field(default_factory=dict)
    rows: int = 0

    @property
    def is_write(self) -> bool:
        """Whether it changes something at Facebook."""
        return self.method != "GET"

    @property
    def ad_account_number(self) -> str | None:
        """The number that the usage headers name the account by, where the call knows it."""
        ad_account_id = self.about.get("ad_account_id")
        return ad_account_id.removeprefix("act_") if ad_account_id else None


def debug_token(credentials: Credentials) -> Call:
    """Inspect the access token, with the app's token or, without an app, with itself.

    The app's token proves the app by itself and needs no proof beside it.
    """
    params = {"input_token": credentials.access_token}
    if credentials.app_token is None:
        return _call(credentials, "debug_token", "GET", "debug_token", params)
    return Call(
        endpoint="debug_token",
        method="GET",
        path="debug_token",
        bearer=credentials.app_token,
        params=params,
    )


def read_ad_account(credentials: Credentials, ad_account_id: str) -> Call:
    """Read an ad account with its terms."""
    return _call(
        credentials,
        "read_ad_account",
        "GET",
        _ad_account(ad_account_id),
        {"fields": AD_ACCOUNT_FIELDS},
        about={"ad_account_id": ad_account_id},
    )


def create_custom_audience(
    credentials: Credentials,
    ad_account_id: str,
    *,
    name: str,
    description: str,
    customer_file_source: str,
) -> Call:
    """Create a customer-list audience. Not idempotent: twice makes two."""
    wish = {
        "name": name,
        "description": description,
        "subtype": "CUSTOM",
        "customer_file_source": customer_file_source,
    }
    return _call(
        credentials,
        "create_custom_audience",
        "POST",
        f"{_ad_account(ad_account_id)}/customaudiences",
        body=orjson.dumps(wish),
        about={"ad_account_id": ad_account_id},
    )


def list_custom_audiences(
    credentials: Credentials, ad_account_id: str, *, after: str | None
) -> Call:
    """Ask for one page of an account's audiences."""
    params = {"fields": CUSTOM_AUDIENCE_FIELDS, "limit": str(PAGE_ITEMS)}
    return _call(
        credentials,
        "list_custom_audiences",
        "GET",
        f"{_ad_account(ad_account_id)}/customaudiences",
        params | _after(after),
        about={"ad_account_id": ad_account_id},
    )


def read_custom_audience(credentials: Credentials, custom_audience_id: str) -> Call:
    """Read an audience."""
    return _audience_call(
        credentials,
        "read_custom_audience",
        "GET",
        custom_audience_id,
        params={"fields": CUSTOM_AUDIENCE_FIELDS},
    )


def update_custom_audience(
    credentials: Credentials, custom_audience_id: str, *, name: str, description: str
) -> Call:
    """Rename an audience."""
    body = orjson.dumps({"name": name, "description": description})
    return _audience_call(
        credentials, "update_custom_audience", "POST", custom_audience_id, body=body
    )


def delete_custom_audience(credentials: Credentials, custom_audience_id: str) -> Call:
    """Delete an audience for good."""
    return _audience_call(credentials, "delete_custom_audience", "DELETE", custom_audience_id)


def add_users(
    credentials: Credentials, custom_audience_id: str, rows: Sequence[bytes], *, session_id: int
) -> Call:
    """Add rows."""
    return _audience_call(
        credentials,
        "add_users",
        "POST",
        custom_audience_id,
        edge="/users",
        body=membership_body(rows, session_id=session_id),
        rows=len(rows),
    )


def remove_users(
    credentials: Credentials, custom_audience_id: str, rows: Sequence[bytes], *, session_id: int
) -> Call:
    """Remove rows. They go in the body: as a query they break above a few hundred rows."""
    return _audience_call(
        credentials,
        "remove_users",
        "DELETE",
        custom_audience_id,
        edge="/users",
        body=membership_body(rows, session_id=session_id),
        rows=len(rows),
    )


def list_sessions(
    credentials: Credentials, custom_audience_id: str, session_id: int | None, *, after: str | None
) -> Call:
    """Ask for one page of an audience's upload sessions; narrowed to one session if it is named."""
    narrowed = {} if session_id is None else {"session_id": str(session_id)}
    return _audience_call(
        credentials,
        "list_sessions",
        "GET",
        custom_audience_id,
        edge="/sessions",
        params=narrowed | {"limit": str(PAGE_ITEMS)} | _after(after),
    )


def _audience_call(
    credentials: Credentials,
    endpoint: str,
    method: str,
    custom_audience_id: str,
    *,
    edge: str = "",
    params: Mapping[str, str] | None = None,
    body: bytes | MembershipBody | None = None,
    rows: int = 0,
) -> Call:
    if not _AUDIENCE_ID.fullmatch(custom_audience_id):
        raise ValueError("a custom audience id is a number")
    return _call(
        credentials,
        endpoint,
        method,
        custom_audience_id + edge,
        params,
        body=body,
        about={"custom_audience_id": custom_audience_id},
        rows=rows,
    )


def _call(
    credentials: Credentials,
    endpoint: str,
    method: str,
    path: str,
    params: Mapping[str, str] | None = None,
    *,
    body: bytes | MembershipBody | None = None,
    about: Mapping[str, str] | None = None,
    rows: int = 0,
) -> Call:
    proof = credentials.proof
    return Call(
        endpoint=endpoint,
        method=method,
        path=path,
        bearer=credentials.access_token,
        params=dict(params or {}) | ({"appsecret_proof": proof} if proof else {}),
        body=body,
        about=about or {},
        rows=rows,
    )


def _ad_account(ad_account_id: str) -> str:
    if not _AD_ACCOUNT_ID.fullmatch(ad_account_id):
        raise ValueError("an ad account id is act_ and a number")
    return ad_account_id


def _after(cursor: str | None) -> dict[str, str]:
    return {"after": cursor} if cursor else {}
