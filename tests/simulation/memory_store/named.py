"""Finds the function that stands for a named SQL text."""

from collections.abc import Callable
from typing import Any, Final, TypeAlias

from service.store.queries import TEXTS
from tests.simulation.memory_store.session import Session

Function: TypeAlias = Callable[..., Any]
"""Takes the session and the parameters by name; gives the number of rows affected when the text's
kind is `exec`, else the rows."""

IMPLEMENTED: Final[dict[str, Function]] = {}
BY_SQL: Final[dict[str, tuple[Function, tuple[str, ...]]]] = {}
"""Function and names of the parameters, in their order, by the numbered text."""


def named(name: str) -> Callable[[Function], Function]:
    """Let the function stand for the text of this name."""

    def register(function: Function) -> Function:
        text = TEXTS[name]
        if name in IMPLEMENTED:
            raise ValueError(f"{name} is implemented twice")
        IMPLEMENTED[name] = function
        BY_SQL[text.sql] = function, text.parameters
        return function

    return register


def run_text(session: Session, sql: str, args: tuple[object, ...]) -> Any:
    """Run the function that stands for the text."""
    found = BY_SQL.get(sql)
    if found is None:
        raise NotImplementedError(f"no function stands for: {sql}")
    function, parameters = found
    return function(session, **dict(zip(parameters, args, strict=True)))
