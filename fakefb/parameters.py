"""Owns the parameters of a Graph call: query, form body and JSON body read as one."""

from collections.abc import Mapping
from typing import Final
from urllib.parse import parse_qsl

import orjson
from aiohttp import web

from fakefb import graph_errors
from fakefb.digits import whole_number

BODY_BYTES_MAX: Final = 128 * 1024 * 1024
"""Largest body of a call, in bytes."""
FIELDS_MAX: Final = 1_000
"""Most form fields of a body."""

_JSON_NAMES: Final = frozenset(
    {
        "payload",
        "session",
        "filtering",
        "lookalike_spec",
        "batch",
        "audience_labels",
        "use_for_products",
        "adaccounts",
        "relationship_type",
    }
)


class Parameters:
    """Merged parameters of one call; the body wins over the query."""

    def __init__(self, values: Mapping[str, object]) -> None:
        self._values = {name: _decoded(name, value) for name, value in values.items()}

    def get(self, name: str) -> object:
        """Return the value as it was given (JSON texts of structured names decoded), or None."""
        return self._values.get(name)

    def text(self, name: str) -> str | None:
        """Return a text or number as text, or None when absent.

        Raises: GraphError 100 when it is neither.
        """
        value = self._values.get(name)
        if value is None or isinstance(value, str):
            return value
        if isinstance(value, bool) or not isinstance(value, int):
            raise graph_errors.bad_parameter(f"Param {name} must be a string")
        return str(value)

    def texts(self, name: str) -> list[str]:
        """Return a list of texts, given as a list or divided by commas; empty when absent.

        Raises: GraphError 100 when it is neither.
        """
        value = self._values.get(name)
        if value is None:
            return []
        items = value.split(",") if isinstance(value, str) else value
        items = [items] if isinstance(items, int) else items
        if not isinstance(items, list) or not all(isinstance(i, str | int) for i in items):
            raise graph_errors.bad_parameter(f"Param {name} must be a list of texts")
        return [str(item).strip() for item in items if str(item).strip()]

    def flag(self, name: str) -> bool | None:
        """Return a boolean in any of its spellings, or None when absent.

        Raises: GraphError 100 for anything else.
        """
        value = self._values.get(name)
        if value is None or isinstance(value, bool):
            return value
        known = {"true": True, "1": True, "false": False, "0": False}
        if str(value).lower() in known:
            return known[str(value).lower()]
        raise graph_errors.bad_parameter(f"Param {name} must be a boolean")

    def whole(self, name: str, smallest: int, largest: int) -> int | None:
        """Return a whole number within bounds, or None when absent.

        Raises: GraphError 100 for anything else.
        """
        value = self.text(name)
        if value is None:
            return None
        number = whole_number(value)
        if number is None or not smallest <= number <= largest:
            raise graph_errors.bad_parameter(f"Param {name} must be from {smallest} to {largest}")
        return number


async def read_parameters(request: web.Request) -> Parameters:
    """Merge query and body of a request.

    Raises: GraphError 100 when the body cannot be read as what it says it is.
    """
    values: dict[str, object] = dict(request.query)
    try:
        body = await request.read()
    except web.HTTPRequestEntityTooLarge as e:
        raise graph_errors.bad_parameter("The body is too large") from e
    except (web.RequestPayloadError, ValueError) as e:
        raise graph_errors.bad_parameter("The body cannot be read") from e
    if body:
        values |= _json_body(body) if _is_json(request, body) else _form_body(body)
    return Parameters(values)


def item_parameters(query: str, body: str) -> dict[str, object]:
    """Return the parameters of a batch item, undecoded: its query and its form body.

    Raises: GraphError 100 when there are too many.
    """
    return _form_body(query.encode("utf-8", "replace")) | _form_body(
        body.encode("utf-8", "replace")
    )


def _is_json(request: web.Request, body: bytes) -> bool:
    if "json" in request.headers.get("Content-Type", ""):
        return True
    return "form" not in request.headers.get("Content-Type", "") and body.lstrip()[:1] == b"{"


def _json_body(body: bytes) -> dict[str, object]:
    try:
        value = orjson.loads(body)
    except orjson.JSONDecodeError as e:
        raise graph_errors.bad_parameter("The body is not valid JSON") from e
    if not isinstance(value, dict):
        raise graph_errors.bad_parameter("The JSON body must be an object")
    return value


def _form_body(body: bytes) -> dict[str, object]:
    try:
        text = body.decode("utf-8", "replace")
        return dict(parse_qsl(text, keep_blank_values=True, max_num_fields=FIELDS_MAX))
    except ValueError as e:
        raise graph_errors.bad_parameter("The form body has too many fields") from e


def _decoded(name: str, value: object) -> object:
    if name not in _JSON_NAMES or not isinstance(value, str):
        return value
    try:
        return orjson.loads(value)
    except orjson.JSONDecodeError as e:
        raise graph_errors.bad_parameter(f"Param {name} must be JSON") from e
