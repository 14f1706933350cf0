"""Writes what is installed beside it as a bill of materials, CycloneDX 1.6 in JSON.

Run it by the environment that it shall tell of: `/opt/audience-sync/bin/python ops/sbom.py`.
"""

import importlib.metadata
import json
import re
import sys
from collections.abc import Iterator
from importlib.metadata import Distribution
from typing import Any

OURS = "audience-sync"


def bill(distributions: list[Distribution]) -> dict[str, Any]:
    """The document: our own program, its parts, and what each needs of the others."""
    by_name = {normal(one.name): one for one in distributions}
    ours = by_name.pop(OURS, None)
    document: dict[str, Any] = {
        "$schema": "http://cyclonedx.org/schema/bom-1.6.schema.json",
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "version": 1,
        "components": [component(by_name[name], "library") for name in sorted(by_name)],
        "dependencies": [
            {"ref": url(one), "dependsOn": sorted(set(needed(one, by_name)))}
            for one in sorted(distributions, key=url)
        ],
    }
    if ours is not None:
        document["metadata"] = {"component": component(ours, "application")}
    return document


def component(one: Distribution, kind: str) -> dict[str, Any]:
    """One distribution; the license as it tells it."""
    told = one.metadata.get("License-Expression") or one.metadata.get("License") or ""
    licenses = [{"license": {"name": told}}] if told and "\n" not in told else []
    return {
        "type": kind,
        "bom-ref": url(one),
        "name": normal(one.name),
        "version": one.version,
        "purl": url(one),
        **({"licenses": licenses} if licenses else {}),
    }


def needed(one: Distribution, by_name: dict[str, Distribution]) -> Iterator[str]:
    """The installed ones that it asks for, those of its extras included."""
    for text in one.requires or ():
        name = re.match(r"[\w.-]+", text)
        if name is not None and normal(name[0]) in by_name:
            yield url(by_name[normal(name[0])])


def normal(name: str) -> str:
    """A name as package indexes compare it."""
    return re.sub(r"[-_.]+", "-", name).lower()


def url(one: Distribution) -> str:
    """Its package URL."""
    return f"pkg:pypi/{normal(one.name)}@{one.version}"


if __name__ == "__main__":
    json.dump(bill(list(importlib.metadata.distributions())), sys.stdout, indent=1)
    sys.stdout.write("\n")
