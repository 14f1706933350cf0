"""Owns pages of a list: cursors, and the link to the next page."""

import base64
import binascii
import enum
from collections.abc import Callable, Mapping, Sequence
from typing import Final, TypeVar
from urllib.parse import urlencode

import orjson

from fakefb import graph_errors
from fakefb.parameters import Parameters

T = TypeVar("T")

PAGE_DEFAULT: Final = 25
PAGE_MAX: Final = 5_000
_BEGINNING: Final = "start"
"""What a cursor marks that stands before the first item."""
_GAP: Final = "gap:"
"""Begins what a cursor marks that stands behind an empty page."""


class EmptyPages(enum.StrEnum):
    """Where a page comes that has no items and yet a next page."""

    NONE = "none"
    FIRST = "first"
    BETWEEN = "between"
    """After every page that has a next one."""


def page_of(
    items: Sequence[T],
    identity: Callable[[T], str],
    show: Callable[[T], Mapping[str, object]],
    parameters: Parameters,
    url: str,
    *,
    empty_pages: EmptyPages = EmptyPages.NONE,
) -> dict[str, object]:
    """Return one page: `data`, and `paging` unless the list is empty.

    `next` is missing on the last page, `previous` on the first.
    """
    beyond = _beyond_empty_page(parameters, empty_pages) if items else None
    if beyond is not None:
        return _empty_page(parameters, url, beyond)
    limit = page_limit(parameters)
    start, stop = _bounds([identity(item) for item in items], parameters, limit)
    chosen = items[start:stop]
    answer: dict[str, object] = {"data": [show(item) for item in chosen]}
    if parameters.flag("summary"):
        answer["summary"] = {"total_count": len(items)}
    if chosen:
        before, after = cursor(identity(chosen[0])), cursor(identity(chosen[-1]))
        paging: dict[str, object] = {"cursors": {"before": before, "after": after}}
        if stop < len(items):
            paging["next"] = f"{url}?{urlencode(_kept(parameters) | {'after': after})}"
        if start > 0:
            paging["previous"] = f"{url}?{urlencode(_kept(parameters) | {'before': before})}"
        answer["paging"] = paging
    return answer


def page_limit(parameters: Parameters) -> int:
    """Return how many items the page may have.

    Raises: GraphError 100 for no number.
    """
    return parameters.whole("limit", 1, PAGE_MAX) or PAGE_DEFAULT


def cursor(identity: str) -> str:
    """Return the opaque mark of an item."""
    return base64.urlsafe_b64encode(identity.encode()).decode().rstrip("=")


def _beyond_empty_page(parameters: Parameters, empty_pages: EmptyPages) -> str | None:
    """Return the cursor behind the empty page that is to come now, None if none is."""
    after, before = parameters.text("after"), parameters.text("before")
    match empty_pages:
        case EmptyPages.FIRST if not after and not before:
            return cursor(_BEGINNING)
        case EmptyPages.BETWEEN if after and not _read_cursor(after).startswith(_GAP):
            return cursor(_GAP + _read_cursor(after))
        case _:
            return None


def _empty_page(parameters: Parameters, url: str, beyond: str) -> dict[str, object]:
    link = f"{url}?{urlencode(_kept(parameters) | {'after': beyond})}"
    return {"data": [], "paging": {"cursors": {"before": beyond, "after": beyond}, "next": link}}


def _bounds(identities: Sequence[str], parameters: Parameters, limit: int) -> tuple[int, int]:
    after, before = parameters.text("after"), parameters.text("before")
    if after:
        start = _place(identities, after) + 1
        return start, min(start + limit, len(identities))
    if before:
        stop = max(0, _place(identities, before))
        return max(0, stop - limit), stop
    return 0, min(limit, len(identities))


def _place(identities: Sequence[str], mark: str) -> int:
    identity = _read_cursor(mark).removeprefix(_GAP)
    if identity == _BEGINNING:
        return -1
    if identity not in identities:
        raise graph_errors.bad_parameter("Invalid cursor")
    return identities.index(identity)


def _read_cursor(mark: str) -> str:
    try:
        padded = mark.encode() + b"=" * (-len(mark) % 4)
        return base64.urlsafe_b64decode(padded).decode()
    except (ValueError, binascii.Error) as e:
        raise graph_errors.bad_parameter("Invalid cursor") from e


def _kept(parameters: Parameters) -> dict[str, str]:
    kept = {name: parameters.get(name) for name in ("fields", "limit", "summary")}
    texts = {name: str(value) for name, value in kept.items() if value is not None}
    filters = parameters.get("filtering")
    return texts if filters is None else texts | {"filtering": orjson.dumps(filters).decode()}
