"""Collects what the engine itself calls a defect: exceptions that only its last line of defence caught."""

import logging
import sys
import traceback
from collections.abc import Iterator, Mapping, MutableMapping
from contextlib import contextmanager
from typing import Any

import structlog

LAST_DEFENCE = frozenset({"run failed", "claiming failed", "listening failed"})


@contextmanager
def collected_defects() -> Iterator[list[str]]:
    """While the block runs nothing is logged, and defects come to the list."""
    defects: list[str] = []

    def collect(_: object, __: str, entry: MutableMapping[str, Any]) -> Mapping[str, Any]:
        if entry["event"] in LAST_DEFENCE:
            defects.append(f"{entry['event']}: {_place(sys.exc_info()[1])}")
        raise structlog.DropEvent

    before = structlog.get_config()
    structlog.configure(
        processors=[collect], wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR)
    )
    try:
        yield defects
    finally:
        structlog.configure(**before)


def _place(error: BaseException | None) -> str:
    frames = traceback.extract_tb(error.__traceback__)[-4:] if error else []
    places = " < ".join(f"{f.filename.rpartition('/')[2]}:{f.lineno}" for f in reversed(frames))
    return f"{type(error).__name__}({error}) at {places}"
