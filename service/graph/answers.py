"""Turns the bytes of an HTTP answer into values, and says so when they are not what was asked for."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from typing import Final

import orjson

from service.graph.usage import Usage, parse_usage

TRACE_ID_CHARS_MAX: Final = 64
"""Characters kept of Facebook's trace id."""

DATE_CHARS_MAX: Final = 64
"""Characters of a Date header that is read; it has 29."""

TIME_MAX: Final = 253_402_300_799
"""Latest time read, in Unix seconds: the end of the year 9999."""

_WHOLE: Final = re.compile(r"-?[0-9]{1,19}")
_ID: Final = re.compile(r"[0-9]{1,32}")
_TRACE_ID: Final = re.compile(r"[\w-]+", re.ASCII)


class OddAnswerError(Exception):
    """The answer is JSON without an error, and yet not what was asked for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GraphError:
    """Facebook's error envelope; the texts are as Facebook wrote them, to be scrubbed.

    Source: graph-contract §7.1.
    """

    code: int
    subcode: int | None = None
    is_transient: bool = False
    message: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """One HTTP answer, read as far as it can be. `data` is None unless it is a JSON object."""

    http_status: int
    data: Mapping[str, object] | None = None
    error: GraphError | None = None
    usage: Usage | None = None
    trace_id: str = ""
    served_version: str = ""
    answered_at: datetime | None = None
    """By Facebook's clock, to the second."""

    @property
    def is_success(self) -> bool:
        """Whether Facebook claims to have done it. What it did is still to be read."""
        return (
            self.http_status == HTTPStatus.OK
            and self.data is not None
            and "error" not in self.data
            and self.data.get("success") not in (False, "false")
        )


def read_answer(
    http_status: int, headers: Mapping[str, str], body: bytes, *, ad_account_number: str | None
) -> Answer:
    """Read status, headers and body; never raises, whatever they hold."""
    lowered = {name.lower(): value for name, value in headers.items()}
    data = _json_object(lowered.get("content-type", ""), body)
    envelope = data.get("error") if data is not None else None
    return Answer(
        http_status=http_status,
        data=data,
        error=_graph_error(envelope),
        usage=parse_usage(lowered, ad_account_number),
        trace_id=_trace_id(envelope, lowered),
        served_version=lowered.get("facebook-api-version", ""),
        answered_at=_date(lowered.get("date", "")),
    )


def _date(header: str) -> datetime | None:
    """The time of a Date header; None when it is none."""
    if len(header) > DATE_CHARS_MAX:
        return None
    try:
        time = parsedate_to_datetime(header)
    except (ValueError, TypeError, OverflowError, IndexError):
        return None
    return time if time.tzinfo is not None else None


def _json_object(content_type: str, body: bytes) -> dict[str, object] | None:
    # A page is a page even when its text happens to parse: it comes from the edge, not from Graph.
    if content_type.lower().startswith("text/html"):
        return None
    try:
        value = orjson.loads(body)
    except ValueError:
        return None
    return value if isinstance(value, dict) else None


def _graph_error(envelope: object) -> GraphError | None:
    if not isinstance(envelope, dict):
        return None
    code = as_whole(envelope.get("code"))
    if code is None:
        return None
    texts = (envelope.get(name) for name in ("message", "error_user_title", "error_user_msg"))
    return GraphError(
        code=code,
        subcode=as_whole(envelope.get("error_subcode")),
        is_transient=envelope.get("is_transient") in (True, "true"),
        message=" ".join(text for text in texts if isinstance(text, str) and text),
    )


def _trace_id(envelope: object, lowered: Mapping[str, str]) -> str:
    inside = envelope.get("fbtrace_id") if isinstance(envelope, dict) else None
    for trace_id in (inside, lowered.get("x-fb-trace-id"), lowered.get("x-fb-request-id")):
        if isinstance(trace_id, str) and _TRACE_ID.fullmatch(trace_id):
            return trace_id[:TRACE_ID_CHARS_MAX]
    return ""


def as_whole(value: object) -> int | None:
    """A whole number, also when written as text (the sessions edge does, graph-contract §5.9)."""
    if isinstance(value, str) and _WHOLE.fullmatch(value):
        return int(value)
    return value if isinstance(value, int) and not isinstance(value, bool) else None


@dataclass(frozen=True, slots=True)
class Fields:
    """Typed reading of a JSON object: a missing field or null is the default, a wrong type is odd.

    Raises: OddAnswerError, never anything else.
    """

    data: Mapping[str, object]

    def identity(self, name: str) -> str:
        """An id that must be there: digits, with or without `act_`."""
        value = self.data.get(name)
        text = str(value) if isinstance(value, int | str) else ""
        if not _ID.fullmatch(text.removeprefix("act_")):
            raise OddAnswerError(f"{name} is no id")
        return text

    def text(self, name: str, default: str = "") -> str:
        """A text."""
        value = self.data.get(name)
        if value is None:
            return default
        if not isinstance(value, str):
            raise OddAnswerError(f"{name} is no text")
        return value

    def optional_whole(self, name: str) -> int | None:
        """A whole number, or None when it is missing."""
        if self.data.get(name) is None:
            return None
        return self.whole(name)

    def whole(self, name: str) -> int:
        """A whole number that must be there."""
        value = as_whole(self.data.get(name))
        if value is None:
            raise OddAnswerError(f"{name} is no whole number")
        return value

    def flag(self, name: str, *, default: bool = False) -> bool:
        """A truth value, as JSON's own or as Graph's `1`, `0`, `"true"`, `"false"`."""
        value = self.data.get(name)
        if value is None:
            return default
        if value in (True, "true", "1"):
            return True
        if value in (False, "false", "0"):
            return False
        raise OddAnswerError(f"{name} is no truth value")

    def time(self, name: str) -> datetime | None:
        """Unix seconds as a time in UTC; None for 0, which Graph uses for never."""
        seconds = self.optional_whole(name)
        if seconds is None or seconds == 0:
            return None
        if not 0 < seconds <= TIME_MAX:
            raise OddAnswerError(f"{name} is no time")
        return datetime.fromtimestamp(seconds, UTC)

    def object(self, name: str) -> "Fields | None":
        """An object inside this one."""
        value = self.data.get(name)
        if value is None:
            return None
        if not isinstance(value, dict):
            raise OddAnswerError(f"{name} is no object")
        return Fields(value)

    def texts(self, name: str) -> frozenset[str]:
        """A list of texts."""
        value = self.data.get(name)
        if value is None:
            return frozenset()
        if not (isinstance(value, list) and all(isinstance(item, str) for item in value)):
            raise OddAnswerError(f"{name} is no list of texts")
        return frozenset(value)

    def objects(self, name: str) -> tuple["Fields", ...]:
        """A list of objects that must be there."""
        value = self.data.get(name)
        if not (isinstance(value, list) and all(isinstance(item, dict) for item in value)):
            raise OddAnswerError(f"{name} is no list of objects")
        return tuple(Fields(item) for item in value)
