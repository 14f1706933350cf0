"""Owns how fast a first list goes from its caller to Facebook's receipt, and what a member costs.

The caller asks for syncs while it sends, as `audience-sync import --sync` does, and for one at the end.
"""

import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from tests.benchmarks.figures import Figure, Report
from tests.benchmarks.house import House, running_house
from tests.benchmarks.lists import send_list
from tests.benchmarks.standing_figures import calls_exactly, standing_figures
from tests.benchmarks.usage import watched_memory

AT_LEAST: Final = {"1": (60_000, 100_000), "8": (40_000, 60_000)}
"""Members a second by the keys of a member: what is asked for, and what we are after."""


@dataclass(frozen=True, slots=True)
class Taken:
    """One list, from its caller to the receipt."""

    wall_s: float
    import_s: float
    cpu_s: Mapping[str, float]
    calls: int
    peak_mb: Mapping[str, float]
    wal_bytes: int
    table_bytes: int


def run(members: int, processes: int = 1) -> Report:
    figures = [figure for keys in ("1", "8") for figure in _figures(members, keys, processes)]
    details = {"members": members, "processes": processes}
    return Report(benchmark="first-list", figures=figures, details=details)


def _figures(members: int, keys: str, processes: int) -> list[Figure]:
    name = "one_key" if keys == "1" else "eight_keys"
    with running_house(processes=processes) as house:
        taken = _take(house, members, keys)
        standing = standing_figures(house, f"{name}.")
    at_least, aim = AT_LEAST[keys]

    def figure(what: str, value: float, unit: str, **bounds: float) -> Figure:
        return Figure(name=f"{name}.{what}", value=value, unit=unit, **bounds)

    def us(process: str) -> float:
        return taken.cpu_s[process] / members * 1e6

    strict = keys == "1"
    return [
        figure("members_per_s", members / taken.wall_s, "/s", at_least=at_least, aim=aim),
        figure("import_members_per_s", members / taken.import_s, "/s"),
        figure("service_cpu", us("service"), "us", **({"at_most": 5, "aim": 3} if strict else {})),
        figure("postgres_cpu", us("postgres"), "us", **({"at_most": 15, "aim": 10} if strict else {})),
        figure("fake_cpu", us("fake"), "us"),
        figure("caller_cpu", us("caller"), "us"),
        calls_exactly(f"{name}.calls", taken.calls, removals=0, additions=members),
        *standing,
        figure("postgres_peak", taken.peak_mb["postgres"], "MB"),
        figure("fake_peak", taken.peak_mb["fake"], "MB"),
        figure("wal", taken.wal_bytes / members, "B", **({"at_most": 420, "aim": 360} if strict else {})),
        figure("tables", taken.table_bytes / members, "B", **({"at_most": 230, "aim": 200} if strict else {})),
    ]  # fmt: skip


def _take(house: House, members: int, keys: str) -> Taken:
    wal, tables, cpu = house.wal_bytes(), house.table_bytes(), house.cpu()
    with watched_memory(house.postgres_pid) as peak:
        sent = send_list(house, members, keys=keys, import_id="first", syncs=True)
        began = sent.ended_at
        house.sync()
        wall_s = sent.wall_s + (time.monotonic() - began)
    used = {name: value - cpu[name] for name, value in house.cpu().items()}
    return Taken(
        wall_s=wall_s,
        import_s=sent.wall_s,
        cpu_s={**used, "caller": sent.cpu_s},
        calls=sum(sync.calls for sync in house.syncs()),
        peak_mb={**house.peak_mb(), "postgres": peak.mb},
        wal_bytes=house.wal_bytes() - wal,
        table_bytes=house.table_bytes() - tables,
    )
