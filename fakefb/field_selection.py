"""Owns `fields`: parsing it, and picking what it names from a node."""

import re
from collections.abc import Collection, Mapping
from typing import Final

from fakefb import graph_errors

_FORM: Final = re.compile(r"[a-z0-9_]+(?:\{[a-z0-9_,\s]*\})?", re.IGNORECASE)
_FIELDS_MAX: Final = 500


def selected_fields(value: object) -> tuple[str, ...]:
    """Return the field names asked for, `id` alone when there are none.

    Raises: GraphError 2500 when it cannot be parsed.
    """
    if value is None or value in ("", []):
        return ("id",)
    text = ",".join(map(str, value)) if isinstance(value, list) else str(value)
    names = re.split(r",(?![^{]*\})", text.strip("[]").replace('"', ""))
    if len(names) > _FIELDS_MAX or not all(_FORM.fullmatch(name.strip()) for name in names):
        raise graph_errors.malformed_fields()
    chosen = [name.strip().partition("{")[0] for name in names]
    return tuple(dict.fromkeys([*chosen, "id"]))


def pick(
    node: Mapping[str, object], names: Collection[str], *, known: Collection[str], node_type: str
) -> dict[str, object]:
    """Return the named fields that the node has; fields without a value are left out.

    Raises: GraphError 100 for a field that does not exist on the node.
    """
    for name in names:
        if name not in node and name not in known:
            raise graph_errors.unknown_field(name, node_type)
    return {name: node[name] for name in names if node.get(name) is not None}
