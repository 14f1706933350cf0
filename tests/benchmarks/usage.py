"""Owns what processes use: CPU time of a process or of a tree of them, and memory at its peak."""

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

SAMPLE_S: Final = 0.2
"""Seconds between two looks at the memory of a tree."""
_TICK_S: Final = 1 / os.sysconf("SC_CLK_TCK")


def cpu_s(pid: int) -> float:
    """CPU seconds of a process."""
    return _cpu_s(pid, until=13)


def cpu_of_tree_s(pid: int) -> float:
    """CPU seconds of a process, of its children that have ended, and of those that run."""
    return sum(_cpu_s(one, until=15) for one in tree(pid))


def peak_mb(pid: int) -> float:
    """The most memory that a process has held at once, in MB."""
    return _status_kb(pid, "VmHWM") / 1024


def anonymous_mb(pid: int) -> float:
    """The memory that a process holds for itself alone, in MB."""
    return _status_kb(pid, "RssAnon") / 1024


def tree(pid: int, *, without: int = 0) -> list[int]:
    """A process and all that descend from it, but for one of them and what descends from that."""
    below = (tree(child, without=without) for child in children(pid) if child != without)
    return [pid, *(one for branch in below for one in branch)]


def children(pid: int) -> list[int]:
    """Those that any thread of a process has started."""
    found: list[int] = []
    for listed in Path(f"/proc/{pid}/task").glob("*/children"):
        with suppress(FileNotFoundError, ProcessLookupError):  # the thread is no more
            found += map(int, listed.read_text().split())
    return found


@dataclass(slots=True)
class PeakOfTree:
    """The most memory of its own, without what is shared, that a tree was seen to hold, in MB."""

    mb: float = field(default=0.0)


@contextmanager
def watched_memory(pid: int) -> Iterator[PeakOfTree]:
    peak, is_over = PeakOfTree(), threading.Event()

    def watch() -> None:
        while not is_over.wait(SAMPLE_S):
            seen = sum(_status_kb(one, "RssAnon") for one in tree(pid)) / 1024
            peak.mb = max(peak.mb, seen)

    watching = threading.Thread(target=watch)
    watching.start()
    try:
        yield peak
    finally:
        is_over.set()
        watching.join()


def _cpu_s(pid: int, *, until: int) -> float:
    """Up to field 13 what it used itself, up to 15 also what its ended children did."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except FileNotFoundError:  # ended: then its time is its parent's
        return 0.0
    # The name of the program stands in brackets and may hold blanks.
    fields = stat.rpartition(")")[2].split()
    return sum(map(int, fields[11:until])) * _TICK_S


def _status_kb(pid: int, name: str) -> int:
    try:
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    except FileNotFoundError:
        return 0
    values = [line.split()[1] for line in lines if line.startswith(f"{name}:")]
    return int(values[0]) if values else 0
