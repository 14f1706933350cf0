"""Owns the way from a benchmark to the process that sends a list."""

import json
import subprocess
import sys
import time
from dataclasses import dataclass

from tests.benchmarks.house import House


@dataclass(frozen=True, slots=True)
class SentList:
    """A list that was taken in. `ended_at`: by this process's monotonic clock."""

    wall_s: float
    cpu_s: float
    changed: int
    peak_mb: float
    ended_at: float


def send_list(
    house: House,
    members: int,
    *,
    keys: str,
    import_id: str,
    mode: str = "MODE_DELTA",
    changed: int = 0,
) -> SentList:
    """Let a caller make a list and then send it; only the sending is measured.

    `changed`: so many members have another e-mail than without.
    """
    arguments = (house.stage.server, str(members), keys, mode, import_id, str(changed))
    with subprocess.Popen(
        [sys.executable, "-m", "tests.benchmarks.list_caller", *arguments],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as caller:
        assert caller.stdin is not None
        assert caller.stdout is not None
        json.loads(caller.stdout.readline())
        caller.stdin.write(b"\n")
        caller.stdin.flush()
        told = json.loads(caller.stdout.readline())
        ended_at = time.monotonic()
    return SentList(
        wall_s=told["wall_s"],
        cpu_s=told["cpu_s"],
        changed=told["changed"],
        peak_mb=told["peak_mb"],
        ended_at=ended_at,
    )
