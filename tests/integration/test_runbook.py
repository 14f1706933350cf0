"""The statements that the runbook tells operators to give to psql fit the schema."""

import re
from pathlib import Path

import pytest

from tests.integration.store_builders import connected

RUNBOOK = (Path(__file__).parents[2] / "docs" / "runbook.md").read_text()
STATEMENTS = [
    statement.strip()
    for block in re.findall(r"```sql\n(.*?)```", RUNBOOK, re.DOTALL)
    for statement in block.split(";")
    if statement.strip()
]


def test_there_are_statements() -> None:
    assert len(STATEMENTS) >= 6


@pytest.mark.parametrize("statement", STATEMENTS, ids=lambda text: text.split("\n")[0][:40])
async def test_a_statement_of_the_runbook_runs(database_url: str, statement: str) -> None:
    async with connected(database_url) as connection:
        await connection.execute(statement)
