"""Judging the server, its tables, the schema, clocks and keys."""

from datetime import timedelta
from typing import Any

import pytest

from service.diagnosis.database import (
    ClockFacts,
    SchemaFacts,
    judge_clocks,
    judge_schema,
    judge_server,
    judge_tables,
)
from service.diagnosis.findings import Severity
from service.diagnosis.keys import judge_keys
from service.store.diagnosis_rows import SealingKeyUse, TableSigns
from tests.unit.diagnosis.builders import a_server, found

INFO, WARNING, ERROR = Severity


def test_of_a_server_that_is_well_nothing_is_found() -> None:
    assert found(judge_server(a_server())) == []


@pytest.mark.parametrize(
    ("signs", "code", "severity"),
    [
        ({"version_number": 149_999}, "DATABASE_TOO_OLD", ERROR),
        ({"is_standby": True}, "DATABASE_READ_ONLY", ERROR),
        ({"has_fsync": False}, "COMMITS_NOT_DURABLE", ERROR),
        ({"has_full_page_writes": False}, "COMMITS_NOT_DURABLE", ERROR),
        ({"has_synchronous_commit": False}, "COMMITS_NOT_DURABLE", ERROR),
        ({"has_autovacuum": False}, "AUTOVACUUM_OFF", WARNING),
        ({"shared_buffer_bytes": 64 * 1024**2}, "DATABASE_MEMORY_SMALL", WARNING),
        ({"wal_bytes_max": 1024**3 - 1}, "WAL_SMALL", WARNING),
        ({"idle_in_transaction_count": 1}, "SESSIONS_IDLE_IN_TRANSACTION", WARNING),
        ({"transaction_age": 1_000_000_001}, "TRANSACTION_IDS_LOW", ERROR),
    ],
)
def test_each_fault_of_a_server_is_one_finding(
    signs: dict[str, Any], code: str, severity: Severity
) -> None:
    (finding,) = judge_server(a_server(**signs))
    assert (finding.code, finding.severity) == (code, severity)
    assert finding.action


def test_settings_that_lose_data_are_named_together() -> None:
    (finding,) = judge_server(a_server(has_fsync=False, has_synchronous_commit=False))
    assert finding.evidence == {"fsync": "off", "synchronous_commit": "off"}
    assert "full_page_writes" not in finding.action


@pytest.mark.parametrize(
    ("live", "dead", "times"),
    [(0, 9_999, 0), (0, 10_000, 1), (20_000, 10_000, 0), (20_000, 10_001, 1)],
)
def test_a_table_is_bloated_by_many_dead_rows_beside_few_live_ones(
    live: int, dead: int, times: int
) -> None:
    table = TableSigns(table_name="member", live_count=live, dead_count=dead, is_vacuumed=True)
    findings = list(judge_tables([table]))
    assert [one.code for one in findings] == ["TABLE_BLOATED"] * times
    assert all(one.evidence["table"] == "member" for one in findings)


def test_a_table_that_is_never_vacuumed_is_found() -> None:
    table = TableSigns(table_name="member", live_count=1, dead_count=0, is_vacuumed=False)
    (finding,) = judge_tables([table])
    assert (finding.code, finding.evidence) == ("AUTOVACUUM_OFF", {"table": "member"})


@pytest.mark.parametrize(
    ("facts", "expected"),
    [
        (SchemaFacts(known=7, applied=7), []),
        (SchemaFacts(known=7, applied=6), [("MIGRATIONS_BEHIND", ERROR)]),
        (SchemaFacts(known=7, applied=8), [("MIGRATIONS_AHEAD", WARNING)]),
        (SchemaFacts(known=7, applied=8, different=3), [("MIGRATIONS_DIFFERENT", ERROR)]),
    ],
)
def test_a_schema_is_behind_ahead_or_another(
    facts: SchemaFacts, expected: list[tuple[str, Severity]]
) -> None:
    assert found(judge_schema(facts)) == expected


@pytest.mark.parametrize(
    ("seconds", "severity"),
    [
        (0, None),
        (4.9, None),
        (-4.9, None),
        (5, WARNING),
        (-5, WARNING),
        (120, ERROR),
        (-3600, ERROR),
    ],
)
def test_clocks_may_be_a_little_apart(seconds: float, severity: Severity | None) -> None:
    ahead = timedelta(seconds=seconds)
    expected = [] if severity is None else [("CLOCKS_APART", severity)]
    assert found(judge_clocks(ClockFacts(database_ahead=ahead))) == expected
    facts = ClockFacts(database_ahead=timedelta(), facebook_ahead=ahead)
    assert found(judge_clocks(facts)) == expected


def test_whose_clock_is_off_and_where_to_is_told() -> None:
    facts = ClockFacts(database_ahead=timedelta(), facebook_ahead=timedelta(seconds=-60))
    (finding,) = judge_clocks(facts)
    assert finding.message == "Facebook's clock is 60 s behind the clock of this process."


def test_keys_that_seal_nothing_and_old_ones_are_told_and_missing_ones_are_not() -> None:
    """Who needs a missing key is told by account."""
    uses = [SealingKeyUse(key_id=name, secret_count=2) for name in ("old", "gone", "new")]
    findings = list(judge_keys(uses, configured={"new", "old", "unused"}, sealing_id="new"))
    told = [(one.code, one.severity, one.evidence["key_id"]) for one in findings]
    assert told == [("SEALED_WITH_OLD_KEY", INFO, "old"), ("SEALING_KEY_UNUSED", INFO, "unused")]


def test_the_key_that_seals_may_have_sealed_nothing_yet() -> None:
    assert found(judge_keys([], configured={"new"}, sealing_id="new")) == []
