"""Owns what a figure was measured on."""

import os
import platform
from collections.abc import Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Final

_PACKAGES: Final = ("aiohttp", "asyncpg", "facebook-business", "grpcio", "phonenumbers", "protobuf")


def machine() -> Mapping[str, object]:
    """Return the processor, its cores, and the versions that matter."""
    return {
        "cpu": _processor(),
        "cores": os.cpu_count(),
        "python": platform.python_version(),
        "versions": {name: version(name) for name in _PACKAGES},
    }


def in_words(told: Mapping[str, object]) -> str:
    versions = told["versions"]
    assert isinstance(versions, Mapping)
    packages = ", ".join(f"{name} {number}" for name, number in versions.items())
    return f"{told['cpu']}, {told['cores']} cores, Python {told['python']}, {packages}"


def _processor() -> str:
    lines = Path("/proc/cpuinfo").read_text(errors="replace").splitlines()
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.machine()
