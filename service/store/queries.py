"""Reads the named SQL texts and runs them with parameters and results that are declared in Python.

A text in `sql/*.sql` starts with `-- name: find_it :one`; the comment lines that follow describe it;
`:param` marks a parameter. The kinds say what comes back: `:one` (a row or nothing), `:many`,
`:value` (exactly one row) and `:exec` (a number of rows affected). Everything declared here is
prepared and compared with a migrated database by a test.
"""

import re
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, is_dataclass
from pathlib import Path
from types import GenericAlias, UnionType
from typing import TYPE_CHECKING, Final, Generic, TypeAlias, TypeVar

from service.store.connection import Connection
from service.tracing.spans import Kind, Span, span

if TYPE_CHECKING:
    import asyncpg

SQL_DIR: Final = Path(__file__).parent / "sql"
_HEADER: Final = re.compile(
    r"^-- name: (?P<name>[a-z_]+) :(?P<kind>one|many|value|exec)$", re.MULTILINE
)
_COMMENT: Final = re.compile(r"--[^\n]*")
_PARAMETER: Final = re.compile(r"(?<![:\w]):([a-z_]+)\b")

DRIVER_PATIENCE_S: Final = 60.0
"""Seconds that the driver waits beyond the time-out by which Postgres ends a statement itself."""

_TRACED_AS: Final = {"db.system.name": "postgresql"}
PythonType: TypeAlias = type | UnionType | GenericAlias
R = TypeVar("R")


@dataclass(frozen=True, slots=True)
class SqlText:
    """A named text with its parameters numbered: `$n` is `parameters[n - 1]`."""

    kind: str
    sql: str
    parameters: tuple[str, ...]


def parse_sql_file(text: str) -> dict[str, SqlText]:
    """Split the content of a file into its named texts."""
    heads = list(_HEADER.finditer(text))
    ends = [head.start() for head in heads[1:]] + [len(text)]
    return {
        head["name"]: _number_parameters(head["kind"], text[head.end() : end])
        for head, end in zip(heads, ends, strict=True)
    }


def _number_parameters(kind: str, body: str) -> SqlText:
    sql = _COMMENT.sub("", body).strip().removesuffix(";")
    parameters = tuple(dict.fromkeys(_PARAMETER.findall(sql)))
    numbered = _PARAMETER.sub(lambda found: f"${parameters.index(found[1]) + 1}", sql)
    return SqlText(kind, numbered, parameters)


def _load() -> dict[str, SqlText]:
    texts: dict[str, SqlText] = {}
    for path in sorted(SQL_DIR.glob("*.sql")):
        named = parse_sql_file(path.read_text(encoding="utf-8"))
        repeated = texts.keys() & named.keys()
        if repeated:
            raise ValueError(f"{path.name} repeats the names {sorted(repeated)}")
        texts |= named
    return texts


TEXTS: Final[Mapping[str, SqlText]] = _load()
REGISTERED: Final[dict[str, "Command"]] = {}
"""Every command and query of the code by its name."""


_time_allowed_s: Final[ContextVar[float | None]] = ContextVar("time_allowed_s", default=None)


@contextmanager
def time_allowed(seconds: float) -> Iterator[None]:
    """Let the driver wait longer than the pool's time-out for each statement of this task."""
    token = _time_allowed_s.set(seconds + DRIVER_PATIENCE_S)
    try:
        yield
    finally:
        _time_allowed_s.reset(token)


class Command:
    """A named text that gives nothing back but the number of rows affected.

    `takes`: the Python type of each parameter.
    """

    returns: type[object] | None = None

    def __init__(self, name: str, *, takes: Mapping[str, PythonType] | None = None) -> None:
        if name in REGISTERED:
            raise ValueError(f"the query {name} is declared twice")
        REGISTERED[name] = self
        self.name = name
        self.text = TEXTS[name]
        self.takes = takes or {}

    async def execute(self, connection: Connection, **parameters: object) -> int:
        """Run it; return the number of rows affected."""
        with self._traced():
            status = await connection.execute(
                self.text.sql, *self._in_order(parameters), timeout=_time_allowed_s.get()
            )
        count = status.rpartition(" ")[2]
        return int(count) if count.isdigit() else 0

    def _traced(self) -> AbstractContextManager[Span]:
        """A span that tells the name only: parameters are rows of people."""
        return span(Kind.QUERY, self.name, _TRACED_AS)

    def _in_order(self, parameters: Mapping[str, object]) -> list[object]:
        if parameters.keys() != self.takes.keys():
            raise TypeError(f"the query {self.name} takes {sorted(self.takes)}")
        return [parameters[name] for name in self.text.parameters]


class Query(Command, Generic[R]):
    """A named text that gives rows back.

    `returns`: a dataclass with a field for each column, or the type of the one column.
    """

    def __init__(
        self, name: str, *, returns: type[R], takes: Mapping[str, PythonType] | None = None
    ) -> None:
        super().__init__(name, takes=takes)
        self.returns: type[R] = returns
        self._is_row = is_dataclass(returns)

    async def one(self, connection: Connection, **parameters: object) -> R | None:
        """Return the first row, or None."""
        with self._traced():
            record = await connection.fetchrow(
                self.text.sql, *self._in_order(parameters), timeout=_time_allowed_s.get()
            )
        return None if record is None else self._make(record)

    async def many(self, connection: Connection, **parameters: object) -> list[R]:
        """Return all rows."""
        with self._traced():
            records = await connection.fetch(
                self.text.sql, *self._in_order(parameters), timeout=_time_allowed_s.get()
            )
        return [self._make(record) for record in records]

    async def value(self, connection: Connection, **parameters: object) -> R:
        """Return the one row that there always is."""
        with self._traced():
            record = await connection.fetchrow(
                self.text.sql, *self._in_order(parameters), timeout=_time_allowed_s.get()
            )
        if record is None:
            raise LookupError(f"the query {self.name} found no row")
        return self._make(record)

    def _make(self, record: "asyncpg.Record") -> R:
        if self._is_row:
            return self.returns(**record)
        made: R = record[0]
        return made
