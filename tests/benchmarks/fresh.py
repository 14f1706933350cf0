"""Owns how soon a change is at Facebook: from UpdateMembership with SyncNow to the receipt."""

import time
from collections.abc import Sequence
from statistics import median, quantiles

from audiencesync.v1 import audience_sync_pb2 as pb

from tests.benchmarks.figures import Figure, Report
from tests.benchmarks.house import House, running_house
from tests.benchmarks.standing_figures import standing_figures

LATENCIES_MS = (0, 300)
"""How long the fake takes for an upload."""
ROUNDS_MAX = 200


def run(members: int) -> Report:
    """`members`: how many changes are sent, one after the other, at each latency."""
    figures: list[Figure] = []
    rounds = min(members, ROUNDS_MAX)
    with running_house() as house:
        for latency_ms in LATENCIES_MS:
            house.stage.admin.put("settings", {"latency_ms": latency_ms})
            figures += _figures(latency_ms, [_round_s(house, n) for n in range(rounds)])
        figures += standing_figures(house)
    return Report(benchmark="fresh", figures=figures, details={"rounds": rounds})


def _figures(latency_ms: int, seconds: Sequence[float]) -> list[Figure]:
    p99 = quantiles(seconds, n=100)[-1] if len(seconds) > 1 else seconds[0]
    name = f"latency_{latency_ms}_ms"
    return [
        Figure(name=f"{name}.p50", value=median(seconds) * 1000, unit="ms"),
        Figure(name=f"{name}.p99", value=p99 * 1000, unit="ms"),
    ]


def _round_s(house: House, number: int) -> float:
    began = time.monotonic()
    member = pb.Member(member_id=f"m{number % 50}", emails=[f"{number}.{began}@mail.example"])
    house.update([pb.Change(operation=pb.Change.OPERATION_ADD, member=member)])
    house.sync()
    return time.monotonic() - began
