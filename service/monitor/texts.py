"""Metrics as text: of one process, and the texts of several processes as one. Pure."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Final, Protocol

from prometheus_client import CONTENT_TYPE_PLAIN_0_0_4, Metric, generate_latest

CONTENT_TYPE: Final = CONTENT_TYPE_PLAIN_0_0_4


class Collector(Protocol):
    """Something with metrics."""

    def collect(self) -> Iterable[Metric]: ...


class Collected:
    """Families that were collected already, in place of a registry."""

    def __init__(self, families: Iterable[Metric]) -> None:
        self._families = tuple(families)

    def collect(self) -> Iterable[Metric]:
        return self._families


def text_of(*collectors: Collector) -> str:
    """The families of collectors in the text format; no two may have one of the same name."""
    return "".join(generate_latest(collector).decode() for collector in collectors)


def merged(texts: Mapping[str, str]) -> str:
    """The texts of several processes as one, each series with the name of its process."""
    families: dict[str, tuple[str, list[str]]] = {}
    for process, text in texts.items():
        for name, head, samples in _families(text):
            _, lines = families.setdefault(name, (head, []))
            lines.extend(_named(sample, process) for sample in samples)
    return "".join(head + "".join(lines) for head, lines in families.values())


def _families(text: str) -> Iterator[tuple[str, str, list[str]]]:
    """Name, head and samples of each family; every family begins with its help, then its type."""
    for block in text.split("# HELP ")[1:]:
        lines = block.splitlines(keepends=True)
        yield block.split(" ", 1)[0], f"# HELP {lines[0]}{lines[1]}", lines[2:]


def _named(sample: str, process: str) -> str:
    name, brace, rest = sample.partition("{")
    if brace:
        return f'{name}{{process="{process}",{rest}'
    name, _, value = sample.partition(" ")
    return f'{name}{{process="{process}"}} {value}'
