"""Owns the manners of the admin port: JSON in, JSON out, 4xx with a reason that helps."""

from collections.abc import Awaitable, Callable
from typing import TypeVar

import orjson
from aiohttp import web
from pydantic import BaseModel, ValidationError

from fakefb.digits import whole_number

T = TypeVar("T", bound=BaseModel)
_REASONS_MAX = 5


class AdminRefusal(Exception):
    """A request that cannot be done, with its HTTP status and its reason."""

    def __init__(self, status: int, reason: str) -> None:
        super().__init__(reason)
        self.status = status
        self.reason = reason


def answer(payload: object, status: int = 200) -> web.Response:
    """Return a JSON answer."""
    return web.Response(status=status, body=orjson.dumps(payload), content_type="application/json")


async def read_json(request: web.Request) -> object:
    """Return the JSON body.

    Raises: AdminRefusal 400 when there is none.
    """
    try:
        return orjson.loads(await request.read())
    except orjson.JSONDecodeError as e:
        raise AdminRefusal(400, f"the body is not JSON: {e}") from e
    except web.RequestPayloadError as e:
        raise AdminRefusal(400, "the body cannot be read") from e


async def read_model(request: web.Request, model: type[T]) -> T:
    """Return the body as what the route takes.

    Raises: AdminRefusal 400 that names the fields at fault.
    """
    value = await read_json(request)
    try:
        return model.model_validate(value)
    except ValidationError as e:
        raise AdminRefusal(400, reasons(e)) from e


def reasons(error: ValidationError) -> str:
    """Return the first faults as text, without the values, which may be identifiers."""
    details = error.errors(include_url=False, include_input=False)[:_REASONS_MAX]
    parts = [f"{'.'.join(map(str, d['loc'])) or 'body'}: {d['msg']}" for d in details]
    return "; ".join(parts).encode("utf-8", "replace").decode()


def query_number(request: web.Request, name: str, default: int, largest: int) -> int:
    """Return a whole number of the query.

    Raises: AdminRefusal 400 when it is none, negative or too large.
    """
    number = whole_number(request.query.get(name, str(default)))
    if number is None or number > largest:
        raise AdminRefusal(400, f"{name} must be a whole number from 0 to {largest}")
    return number


@web.middleware
async def json_errors(
    request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
) -> web.StreamResponse:
    """Turn refusals, unknown paths and wrong methods into JSON."""
    try:
        return await handler(request)
    except AdminRefusal as e:
        return answer({"error": e.reason}, e.status)
    except web.HTTPNotFound:
        return answer({"error": "there is no such path; see fakefb/README.md"}, 404)
    except web.HTTPMethodNotAllowed as e:
        return answer({"error": f"this path takes {', '.join(sorted(e.allowed_methods))}"}, 405)
    except web.HTTPRequestEntityTooLarge:
        return answer({"error": "the body is too large"}, 413)
