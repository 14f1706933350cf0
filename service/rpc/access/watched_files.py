"""Tells whether files have changed, by looking at them now and then."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

LOOK_SECONDS: Final = 1.0
"""Seconds between two looks at most often: a change counts so late."""


class WatchedFiles:
    """Some files that belong together. Looking takes microseconds, so whoever needs them looks."""

    def __init__(self, paths: Sequence[Path], monotonic: Callable[[], float]) -> None:
        self._paths = tuple(paths)
        self._monotonic = monotonic
        self._seen = self._look()
        self._next_look = monotonic() + LOOK_SECONDS

    def have_changed(self) -> bool:
        """Whether they are others than at the last time that this was asked."""
        now = self._monotonic()
        if now < self._next_look:
            return False
        self._next_look = now + LOOK_SECONDS
        seen, self._seen = self._seen, self._look()
        return seen != self._seen

    def _look(self) -> tuple[object, ...]:
        return tuple(map(_fingerprint, self._paths))


def _fingerprint(path: Path) -> object:
    """What is another once a file was written or another one was put in its place."""
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_mtime_ns, found.st_ino, found.st_dev, found.st_size
