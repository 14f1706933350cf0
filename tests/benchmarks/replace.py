"""Owns what it costs to send a whole list again: unchanged, and with one member in a hundred different."""

from tests.benchmarks.figures import Figure, Report
from tests.benchmarks.house import House, running_house
from tests.benchmarks.lists import send_list
from tests.benchmarks.standing_figures import calls_exactly, standing_figures

CHANGED_SHARE = 100
"""One member in so many is different."""


def run(members: int) -> Report:
    with running_house() as house:
        send_list(house, members, keys="1", import_id="first")
        house.sync()
        figures = [
            *_again(house, members, "unchanged", changed=0),
            *_again(house, members, "one_percent", changed=members // CHANGED_SHARE),
            *standing_figures(house),
        ]
    return Report(benchmark="replace", figures=figures, details={"members": members})


def _again(house: House, members: int, name: str, *, changed: int) -> list[Figure]:
    cpu, wal = house.cpu(), house.wal_bytes()
    sent = send_list(house, members, keys="1", import_id=name, mode="MODE_REPLACE", changed=changed)
    used = {process: value - cpu[process] for process, value in house.cpu().items()}
    wal = house.wal_bytes() - wal
    if sent.changed != changed:
        raise RuntimeError(f"{sent.changed} members changed, not {changed}")
    ended = house.sync()
    bounds = {"at_least": 170_000, "aim": 300_000} if changed == 0 else {}
    return [
        Figure(name=f"{name}.members_per_s", value=members / sent.wall_s, unit="/s", **bounds),
        Figure(name=f"{name}.service_cpu", value=used["service"] / members * 1e6, unit="us"),
        Figure(name=f"{name}.postgres_cpu", value=used["postgres"] / members * 1e6, unit="us"),
        Figure(name=f"{name}.wal", value=wal / members, unit="B"),
        calls_exactly(f"{name}.calls", ended.calls, removals=changed, additions=changed),
    ]
