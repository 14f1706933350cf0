"""Data for the graph tests: credentials, rows, answers, and a look at what was sent."""

import hashlib
import re
from collections.abc import Mapping, Sequence
from typing import Any

import orjson
from aioresponses import aioresponses
from yarl import URL

from service.graph.credentials import Credentials
from service.graph.payload import membership_body
from service.identifiers import Key, pack_row

BASE_URL = "https://graph.test"
TOKEN = "EAADEMO1token"
SECRET = "demo-app-secret-0123"
PROOF = "92c408a74c5ac38742aa0880d71ea1573230ca68c2a15ffe6bdf208a5c37b423"
"""The check vector of graph-contract §9 for the two above."""

CREDENTIALS = Credentials(access_token=TOKEN, app_id="555", app_secret=SECRET)
AD_ACCOUNT = "act_7000001"
AUDIENCE = "120000000000000001"
ANY_URL = re.compile(r"https://graph\.test/.*")
HTML = b"<!DOCTYPE html><html><head><title>Facebook | Error</title></head><body>Sorry</body></html>"
BUSY_USAGE = {
    "X-Business-Use-Case-Usage": (
        '{"7000001":[{"type":"custom_audience","call_count":118,"total_cputime":3,'
        '"total_time":7,"estimated_time_to_regain_access":4,'
        '"ads_api_access_tier":"standard_access"}]}'
    )
}


def digest(text: str) -> bytes:
    return hashlib.sha256(text.encode()).digest()


def a_row(name: str = "mary", *keys: Key) -> bytes:
    """A packed row with a value of its own for each key (EMAIL when none is named)."""
    values = {key: digest(f"{key.name} {name}") for key in keys or (Key.EMAIL,)}
    if Key.MADID in values:
        values[Key.MADID] = values[Key.MADID][:16]
    return pack_row(values)


def a_receipt(received: int = 1, **changed: object) -> dict[str, object]:
    return {
        "audience_id": AUDIENCE,
        "session_id": "8812",
        "num_received": received,
        "num_invalid_entries": 0,
        "invalid_entry_samples": {},
    } | changed


def an_error(code: int, subcode: int | None = None, **more: object) -> dict[str, object]:
    envelope: dict[str, object] = {
        "message": "Something is wrong",
        "type": "OAuthException",
        "code": code,
        "fbtrace_id": "AbC_trace-1",
    }
    if subcode is not None:
        envelope["error_subcode"] = subcode
    return {"error": envelope | more}


def a_page(*items: Mapping[str, object], after: str | None = None) -> dict[str, object]:
    link = f"https://graph.facebook.com/v26.0/act_7/customaudiences?access_token=x&after={after}"
    paging = {"cursors": {"before": "b", "after": after}, "next": link}
    return {"data": list(items)} | ({"paging": paging} if after else {})


def sent_requests(facebook: aioresponses) -> list[tuple[str, URL, dict[str, Any]]]:
    """Every request in order: method, URL, keyword arguments of the session's call."""
    return [
        (method, url, call.kwargs)
        for (method, url), calls in facebook.requests.items()
        for call in calls
    ]


def the_request(facebook: aioresponses) -> tuple[str, URL, dict[str, Any]]:
    (request,) = sent_requests(facebook)
    return request


def sent_json(kwargs: Mapping[str, Any]) -> Any:
    data = kwargs["data"]
    return orjson.loads(data if isinstance(data, bytes) else data.decode())


def whole_body(rows: Sequence[bytes], session_id: int = 1) -> bytes:
    """All pieces of a membership call's body; they are as long as it says."""
    body = membership_body(rows, session_id=session_id)
    text = b"".join(body.pieces())
    assert len(text) == body.size
    return text
