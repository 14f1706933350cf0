"""Owns how answers look on the wire: JSON or HTML, and the headers that Meta sends along."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

import orjson

from fakefb.graph_errors import GraphError

HTML_PAGE: Final = (
    "<!DOCTYPE html><html><head><title>Facebook | Error</title></head>"
    "<body><h1>Sorry, something went wrong.</h1></body></html>"
)
_MESSAGE_CHARACTERS: Final = 300


@dataclass(frozen=True, slots=True)
class Answer:
    """Status, body and headers of one answer; `payload` is the JSON it was made from, if any."""

    status: int
    body: bytes
    content_type: str = "application/json; charset=UTF-8"
    headers: Mapping[str, str] = field(default_factory=dict)
    payload: Mapping[str, object] | None = None
    error: GraphError | None = None


def json_answer(payload: Mapping[str, object], status: int = 200) -> Answer:
    """Return a JSON answer."""
    return Answer(status, orjson.dumps(payload), payload=payload)


def error_answer(error: GraphError, trace_id: str) -> Answer:
    """Return a refusal with the headers that go with it."""
    challenge = f'OAuth "Facebook Platform" "{error.challenge}" "{_header_text(error.message)}"'
    headers = {"WWW-Authenticate": challenge, "x-fb-request-id": trace_id}
    body = orjson.dumps(error.envelope(trace_id))
    return Answer(error.http_status, body, headers=headers, error=error)


def html_answer(status: int) -> Answer:
    """Return the page that the edge sends when it gives up."""
    return Answer(status, HTML_PAGE.encode(), "text/html; charset=utf-8")


def empty_answer(status: int) -> Answer:
    """Return nothing but a status."""
    return Answer(status, b"", "text/html; charset=utf-8")


def common_headers(version: str, trace_id: str) -> dict[str, str]:
    """Return the headers of every answer."""
    return {
        "facebook-api-version": version,
        "X-Fake-Facebook": "1",
        "x-fb-trace-id": trace_id[-11:],
        "x-fb-rev": "1000000001",
        "Cache-Control": "private, no-cache, no-store, must-revalidate",
        "Pragma": "no-cache",
        "Expires": "Sat, 01 Jan 2000 00:00:00 GMT",
        "Access-Control-Allow-Origin": "*",
    }


def _header_text(message: str) -> str:
    plain = re.sub(r"[^\x20-\x7e]", "?", message).replace('"', "'")
    return plain[:_MESSAGE_CHARACTERS]
