"""Owns the simple paths that point into an earlier answer of a batch."""

import re
from collections.abc import Mapping
from typing import Final

_STEP: Final = re.compile(r"\.([A-Za-z0-9_]+|\*)|\[(\d{1,4}|\*)\]")


def value_at(document: object, path: str) -> str | None:
    """Return what stands at a path such as `$.data[0].id` or `$.data.*.id`, as text.

    Several values are joined by commas; None = there is no single text or number.
    """
    found, at = [document], 1
    while at < len(path):
        step = _STEP.match(path, at)
        if step is None:
            return None
        found = [inner for value in found for inner in _inside(value, step[1] or step[2])]
        at = step.end()
    if not found or not all(isinstance(value, str | int) for value in found):
        return None
    return ",".join(map(str, found))


def _inside(value: object, step: str) -> list[object]:
    if isinstance(value, Mapping):
        if step == "*":
            return list(value.values())
        return [value[step]] if step in value else []
    if isinstance(value, list):
        if step == "*":
            return list(value)
        return [value[int(step)]] if step.isdigit() and int(step) < len(value) else []
    return []
