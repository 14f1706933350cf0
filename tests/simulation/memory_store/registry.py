"""The twins by the names of their queries."""

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any, TypeAlias

from service.store.queries import TEXTS, SqlText
from tests.simulation.memory_store.tables import Row, Tables

Twin: TypeAlias = Callable[[Tables, SimpleNamespace], Any]
"""Takes the tables and the parameters; gives a number of rows (:exec), rows, or one value."""

BY_NAME: dict[str, Twin] = {}
BY_SQL: dict[str, tuple[SqlText, str]] = {text.sql: (text, name) for name, text in TEXTS.items()}


def named(name: str) -> Callable[[Twin], Twin]:
    """Register the twin of a query."""
    if name not in TEXTS or name in BY_NAME:
        raise ValueError(f"{name} is no query, or has a twin already")

    def register(twin: Twin) -> Twin:
        BY_NAME[name] = twin
        return twin

    return register


def run(tables: Tables, sql: str, values: tuple[object, ...]) -> Any:
    """Run the twin of a numbered text with its parameters in order."""
    text, name = BY_SQL[sql]
    return BY_NAME[name](tables, SimpleNamespace(**dict(zip(text.parameters, values, strict=True))))


class Record:
    """A row as the driver gives it: by column or by place."""

    __slots__ = ("_row",)

    def __init__(self, row: Row) -> None:
        self._row = row

    def keys(self) -> list[str]:
        return list(self._row)

    def __getitem__(self, key: str | int) -> Any:
        return list(self._row.values())[key] if isinstance(key, int) else self._row[key]
