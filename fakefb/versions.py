"""Owns the API versions: which are served, and what a path without one gets."""

import re
from typing import Final

from fakefb import graph_errors

SERVED: Final = ("v25.0", "v26.0")
DEFAULT: Final = "v26.0"
"""Version of a path that names none."""

_FORM: Final = re.compile(r"v\d{1,3}\.\d{1,2}", re.ASCII)


def split_version(path: str) -> tuple[str, list[str]]:
    """Return the version that serves the path, and the path's parts without it.

    Raises: GraphError 2635 for a version that is gone or never was.
    """
    parts = [part for part in path.split("/") if part]
    if not parts or not _FORM.fullmatch(parts[0]):
        return DEFAULT, parts
    if parts[0] not in SERVED:
        raise graph_errors.dead_version(parts[0], SERVED[0])
    return parts[0], parts[1:]
