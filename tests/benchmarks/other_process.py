"""Owns a program of a benchmark in a process of its own: it is told words, and tells in JSON."""

import json
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Self


@dataclass(frozen=True, slots=True)
class OtherProcess:
    """Each of its lines is JSON, each of ours a word."""

    name: str
    process: "subprocess.Popen[str]"

    @classmethod
    @contextmanager
    def running(cls, module: str, *arguments: str) -> Iterator[Self]:
        """Run it until the block ends; it has said that it is ready."""
        with subprocess.Popen(
            [sys.executable, "-m", module, *arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        ) as process:
            try:
                other = cls(module, process)
                other.heard()
                yield other
            finally:
                process.terminate()

    def say(self, word: str) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(f"{word}\n")
        self.process.stdin.flush()

    def heard(self) -> Mapping[str, Any]:
        """What it says next."""
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        if not line:
            raise RuntimeError(f"{self.name} ended before it had done its work")
        heard: Mapping[str, Any] = json.loads(line)
        return heard
