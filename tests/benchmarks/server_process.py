"""Owns a server under measurement: a process of its own, with the CPU time it has used."""

import contextlib
import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Self

STOP_TIMEOUT_S: Final = 10
_TICK_S: Final = 1 / os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True, slots=True)
class Cpu:
    """CPU seconds of a process in all its threads: in its own code, and in the kernel for it."""

    own_s: float
    kernel_s: float

    def __sub__(self, other: Self) -> "Cpu":
        return Cpu(self.own_s - other.own_s, self.kernel_s - other.kernel_s)


@dataclass(frozen=True, slots=True)
class ServerProcess:
    """A running server and what it said when it was ready."""

    process: subprocess.Popen[bytes]
    said: Mapping[str, str]

    def cpu(self) -> Cpu:
        """Return the CPU time so far, from /proc, in steps of usually 10 ms."""
        # The name of the program stands in brackets and may hold blanks.
        fields = Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(")")[2].split()
        return Cpu(int(fields[11]) * _TICK_S, int(fields[12]) * _TICK_S)


@contextlib.contextmanager
def running(*arguments: str) -> Iterator[ServerProcess]:
    """Run a Python program that says in one line of JSON that it is ready, until the block ends."""
    with subprocess.Popen([sys.executable, *arguments], stdout=subprocess.PIPE) as process:
        try:
            assert process.stdout is not None
            line = process.stdout.readline()
            if not line:
                raise RuntimeError(f"{' '.join(arguments)} did not start")
            yield ServerProcess(process, json.loads(line))
        finally:
            process.terminate()
            process.wait(STOP_TIMEOUT_S)
