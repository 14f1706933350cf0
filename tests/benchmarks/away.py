"""Owns what a day without Facebook costs: the memory of the service, and the database's growth by change."""

from collections.abc import Iterator
from typing import Final

from audiencesync.v1 import audience_sync_pb2 as pb

from service.cli.client import call
from tests.benchmarks.figures import Figure, Report
from tests.benchmarks.house import AUDIENCE_ID, TABLES, House, running_house
from tests.benchmarks.lists import send_list
from tests.benchmarks.standing_figures import standing_figures
from tests.benchmarks.usage import anonymous_mb

HOURS: Final = 24
"""Rounds of changes, after each of which a sync is tried."""
BATCH_CHANGES: Final = 10_000
MEMORY_GROWTH_MB_MAX: Final = 20
"""Of the day's last quarter: the log has grown by a third meanwhile."""
AWAY: Final = {
    "name": "away",
    "effect": {"graph_error": {"code": 2, "http_status": 503, "is_transient": True}},
}


def run(members: int) -> Report:
    """`members`: who are inside when Facebook goes away; each changes their e-mail once in the day."""
    members = max(members, HOURS)
    with running_house() as house:
        send_list(house, members, keys="1", import_id="first")
        house.sync()
        for table in TABLES:
            house.value(f"vacuum full {table}")  # else the room of the first list is taken again
        before = {"tables": house.table_bytes(), "log": _log_bytes(house)}
        house.stage.admin.put("faults", [AWAY])
        memory_mb = list(_day(house, members))
        grown = {
            "tables": house.table_bytes() - before["tables"],
            "log": _log_bytes(house) - before["log"],
        }
        waiting = _waiting(house)
        house.stage.admin.put("faults", [])
        house.sync()
        left = _waiting(house)
        figures = [
            _memory("memory_first_quarter", memory_mb[HOURS // 4 - 1]),
            _memory("memory_third_quarter", memory_mb[HOURS * 3 // 4 - 1]),
            _memory("memory_end", memory_mb[-1]),
            Figure(
                name="memory_growth_last_quarter",
                value=memory_mb[-1] - memory_mb[HOURS * 3 // 4 - 1],
                unit="MB",
                at_most=MEMORY_GROWTH_MB_MAX,
            ),
            Figure(name="log_bytes_per_change", value=grown["log"] / members, unit="B"),
            Figure(name="table_bytes_per_change", value=grown["tables"] / members, unit="B"),
            Figure(name="rows_waiting", value=waiting, unit="rows", at_least=2 * members),
            Figure(name="rows_waiting_after", value=left, unit="rows", at_most=0),
            *standing_figures(house),
        ]
    return Report(benchmark="away", figures=figures, details={"members": members, "hours": HOURS})


def _memory(name: str, mb: float) -> Figure:
    return Figure(name=name, value=mb, unit="MB")


def _day(house: House, members: int) -> Iterator[float]:
    """An hour's changes and a sync that fails, 24 times; gives the service's memory after each."""
    for hour in range(HOURS):
        for batch in _batches(range(members * hour // HOURS, members * (hour + 1) // HOURS)):
            house.update(batch)
        call(house.stage.stub.SyncNow, pb.SyncNowRequest(audience_id=AUDIENCE_ID))
        yield sum(map(anonymous_mb, house.service_pids))


def _batches(numbers: range) -> Iterator[list[pb.Change]]:
    for first in range(numbers.start, numbers.stop, BATCH_CHANGES):
        yield [
            pb.Change(
                operation=pb.Change.OPERATION_ADD,
                member=pb.Member(
                    member_id=f"member-{number}", emails=[f"moved{number}@mail.example"]
                ),
            )
            for number in range(first, min(first + BATCH_CHANGES, numbers.stop))
        ]


def _log_bytes(house: House) -> int:
    return int(house.value("select pg_total_relation_size('change_chunk')"))


def _waiting(house: House) -> int:
    request = pb.GetAudienceRequest(audience_id=AUDIENCE_ID)
    return call(house.stage.stub.GetAudience, request).audience.pending_change_count
