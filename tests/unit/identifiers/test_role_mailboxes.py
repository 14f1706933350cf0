"""Telling addresses of a role, all of a few and some of many."""

import pytest

from service.identifiers.column_values import ColumnValues
from service.identifiers.keys import Key
from service.identifiers.member_reader import MemberReader
from service.identifiers.role_mailboxes import (
    LOOKED_AT,
    ROLES,
    STEP_MAX,
    count_role_mailboxes,
)


@pytest.mark.parametrize(
    "text", ["info@firm.example", "SALES@Firm.example ", "noreply@a.example", "no-reply@a"]
)
def test_the_name_before_the_at_tells_a_role(text: str) -> None:
    assert count_role_mailboxes([text]) == 1


@pytest.mark.parametrize(
    "text",
    ["", "info", "ann@info.example", "ann.info@firm.example", "a" * 64, "+info@firm.example"],
)
def test_other_texts_are_of_no_role(text: str) -> None:
    assert count_role_mailboxes([text]) == 0


def test_roles_are_written_as_they_are_compared() -> None:
    assert {role.lower() for role in ROLES} == ROLES
    assert not any(set(role) & set(" @+") for role in ROLES)


@pytest.mark.parametrize("count", range(2 * LOOKED_AT))
def test_few_are_counted_one_by_one(count: int) -> None:
    texts = ["info@firm.example"] * count
    assert count_role_mailboxes([*texts, "ann@firm.example"][:31]) == count


@pytest.mark.parametrize("count", [32, 47, 100, 200, 255, 257, 10_000])
def test_of_many_some_stand_for_all(count: int) -> None:
    step = count // LOOKED_AT
    assert 0 <= count_role_mailboxes(["info@firm.example"] * count) - count < min(step, STEP_MAX)
    assert count_role_mailboxes(["ann@firm.example"] * count) == 0


def test_a_reader_counts_beside_reading_and_drops_none() -> None:
    reader = MemberReader(ColumnValues(default_region="US", this_year=2026))
    rows = reader.rows_of_columns({Key.EMAIL: ["info@a.example", "ann@a.example", ""]}, 3)
    reader.rows_of_columns({Key.PHONE: ["+1 202 555 0123"]}, 1)
    assert (reader.role_mailboxes, reader.dropped.total()) == (1, 0)
    assert rows[0]
    assert rows[1]
