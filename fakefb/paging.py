"""Owns pages of a list: cursors, and the link to the next page."""

import base64
import binascii
from collections.abc import Callable, Mapping, Sequence
from typing import Final, TypeVar
from urllib.parse import urlencode

from fakefb import graph_errors
from fakefb.parameters import Parameters

T = TypeVar("T")

PAGE_DEFAULT: Final = 25
PAGE_MAX: Final = 5_000


def page_of(
    items: Sequence[T],
    identity: Callable[[T], str],
    show: Callable[[T], Mapping[str, object]],
    parameters: Parameters,
    url: str,
) -> dict[str, object]:
    """Return one page: `data`, and `paging` unless the page is empty.

    `next` is missing on the last page, `previous` on the first.
    """
    limit = parameters.whole("limit", 1, PAGE_MAX) or PAGE_DEFAULT
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


def cursor(identity: str) -> str:
    """Return the opaque mark of an item."""
    return base64.urlsafe_b64encode(identity.encode()).decode().rstrip("=")


def _bounds(identities: Sequence[str], parameters: Parameters, limit: int) -> tuple[int, int]:
    after, before = parameters.text("after"), parameters.text("before")
    if after:
        start = _place(identities, after) + 1
        return start, min(start + limit, len(identities))
    if before:
        stop = _place(identities, before)
        return max(0, stop - limit), stop
    return 0, min(limit, len(identities))


def _place(identities: Sequence[str], mark: str) -> int:
    try:
        padded = mark.encode() + b"=" * (-len(mark) % 4)
        return identities.index(base64.urlsafe_b64decode(padded).decode())
    except (ValueError, binascii.Error) as e:
        raise graph_errors.bad_parameter("Invalid cursor") from e


def _kept(parameters: Parameters) -> dict[str, str]:
    kept = {name: parameters.get(name) for name in ("fields", "limit", "summary")}
    return {name: str(value) for name, value in kept.items() if value is not None}
