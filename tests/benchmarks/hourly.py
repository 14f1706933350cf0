"""Owns what an hour's changes cost, on audiences of different sizes: by the change, not by the member."""

import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from audiencesync.v1 import audience_sync_pb2 as pb

from tests.benchmarks.figures import Figure, Report
from tests.benchmarks.house import House, running_house
from tests.benchmarks.lists import send_list
from tests.benchmarks.standing_figures import calls_exactly, standing_figures

CHANGED_SHARE: Final = 100
"""One member in so many changes."""
BATCH_CHANGES: Final = 10_000
SMALLER_BY: Final = {"small": 50, "middle": 5, "large": 1}
"""The audiences, by how many times they are smaller than what is asked for: 100 k, 1 M and 5 M."""


@dataclass(frozen=True, slots=True)
class Cost:
    """Of one change, from the call to the receipt: CPU of service and Postgres, and time."""

    cpu_us: float
    wall_us: float


def run(members: int) -> Report:
    costs: dict[str, Cost] = {}
    figures: list[Figure] = []
    sizes = {name: max(CHANGED_SHARE, members // by) for name, by in SMALLER_BY.items()}
    for name, size in sizes.items():
        with running_house() as house:
            costs[name], calls = _measure(house, name, size)
            bounds = {"at_most": 50.0, "aim": 35.0} if name == "middle" else {}
            figures += [
                Figure(name=f"{name}.members", value=size, unit="members"),
                Figure(
                    name=f"{name}.cpu_per_change", value=costs[name].cpu_us, unit="us", **bounds
                ),
                Figure(name=f"{name}.time_per_change", value=costs[name].wall_us, unit="us"),
                calls,
                *standing_figures(house, f"{name}."),
            ]
    figures += [_ratio(costs, "large", "small", at_most=1.2, aim=1.0)]
    figures += [_ratio(costs, "large", "middle")]
    return Report(benchmark="hourly", figures=figures, details={"members": members})


def _ratio(costs: dict[str, Cost], one: str, other: str, **bounds: float) -> Figure:
    value = costs[one].cpu_us / costs[other].cpu_us
    return Figure(name=f"{one}_against_{other}", value=value, unit="times", **bounds)


def _measure(house: House, name: str, members: int) -> tuple[Cost, Figure]:
    send_list(house, members, keys="1", import_id="first")
    house.sync()
    batches = list(_batches(members))
    changed = sum(map(len, batches))
    cpu, began = house.cpu(), time.monotonic()
    for batch in batches:
        house.update(batch)
    ended = house.sync()
    wall_s = time.monotonic() - began
    used = {process: value - cpu[process] for process, value in house.cpu().items()}
    cpu_s = used["service"] + used["postgres"]
    calls = calls_exactly(f"{name}.calls", ended.calls, removals=changed, additions=changed)
    return Cost(cpu_us=cpu_s / changed * 1e6, wall_us=wall_s / changed * 1e6), calls


def _batches(members: int) -> Iterator[list[pb.Change]]:
    """Every hundredth member has another e-mail now: a removal and an addition."""
    changes = [
        pb.Change(
            operation=pb.Change.OPERATION_ADD,
            member=pb.Member(member_id=f"member-{n}", emails=[f"moved{n}@mail.example"]),
        )
        for n in range(0, members, CHANGED_SHARE)
    ]
    for at in range(0, len(changes), BATCH_CHANGES):
        yield changes[at : at + BATCH_CHANGES]
