"""Owns what a figure was measured on."""

import os
import platform
from collections.abc import Mapping
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Final

_PACKAGES: Final = ("aiohttp", "asyncpg", "facebook-business", "grpcio", "phonenumbers", "protobuf")


def machine() -> Mapping[str, object]:
    """Return the processor, its cores, the versions that matter, and how busy it is otherwise."""
    return {
        "measured_at": datetime.now(UTC).isoformat(timespec="minutes"),
        "load": round(os.getloadavg()[0], 1),
        "cpu": _processor(),
        "cores": os.cpu_count(),
        "python": platform.python_version(),
        "versions": {name: version(name) for name in _PACKAGES},
    }


def in_words(told: Mapping[str, object]) -> str:
    versions = told["versions"]
    assert isinstance(versions, Mapping)
    packages = ", ".join(f"{name} {number}" for name, number in versions.items())
    processor = f"{told['cpu']}, {told['cores']} cores, load {told['load']} before"
    return f"{processor}, Python {told['python']}, {packages}"


def _processor() -> str:
    lines = Path("/proc/cpuinfo").read_text(errors="replace").splitlines()
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.machine()
