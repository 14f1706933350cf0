"""How much memory the embedded server may share among its connections."""

import os
from pathlib import Path
from typing import Final

_MB: Final = 1024**2
SHARED_MB_MIN: Final = 128
"""MB that Postgres takes by itself."""
SHARED_MB_MAX: Final = 1024
"""MB that hold what changes of five million members touch; it takes them only as it uses them."""
SHARED_PART: Final = 8
"""One part in so many of the memory: the service and others live beside it."""
_LIMITS: Final = (
    Path("/sys/fs/cgroup/memory.max"),
    Path("/sys/fs/cgroup/memory/memory.limit_in_bytes"),
)
"""What a container may use, by the two versions of control groups."""


def shared_mb() -> int:
    """For this machine, or the container that we run in."""
    machine = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    return share_of(min([machine, *filter(None, map(_limit, _LIMITS))]))


def share_of(memory_bytes: int) -> int:
    """MB of so much memory."""
    return max(SHARED_MB_MIN, min(SHARED_MB_MAX, memory_bytes // SHARED_PART // _MB))


def _limit(path: Path) -> int | None:
    """The bytes that a control group allows; None where there is none."""
    try:
        said = path.read_text().strip()
    except OSError:
        return None
    return int(said) if said.isdigit() else None
