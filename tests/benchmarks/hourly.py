"""Owns what an hour's changes cost, on audiences of different sizes: by the change, not by the member."""

from collections.abc import Iterator

from audiencesync.v1 import audience_sync_pb2 as pb

from tests.benchmarks.figures import Figure, Report
from tests.benchmarks.house import running_house
from tests.benchmarks.lists import send_list

CHANGED_SHARE = 100
"""One member in so many changes."""
BATCH_CHANGES = 10_000
SMALLER_BY = 10
"""The audience is measured beside one that is so many times smaller."""


def run(members: int) -> Report:
    costs = {size: _cost_us(size) for size in (members // SMALLER_BY, members)}
    small, large = costs.values()
    figures = [
        *(
            Figure(name=f"{size}.cpu_per_change", value=us, unit="us", at_most=50.0, aim=35.0)
            for size, us in costs.items()
        ),
        Figure(name="large_against_small", value=large / small, unit="x", at_most=1.2, aim=1.0),
    ]
    return Report(benchmark="hourly", figures=figures, details={"members": members})


def _cost_us(members: int) -> float:
    """CPU of service and Postgres for one change, from the call to the receipt."""
    with running_house() as house:
        send_list(house, members, keys="1", import_id="first")
        house.sync()
        batches = list(_batches(members))
        cpu = house.cpu()
        for batch in batches:
            house.update(batch)
        ended = house.sync()
        used = {name: value - cpu[name] for name, value in house.cpu().items()}
        changed = sum(map(len, batches))
        _check(ended, changed)
    return (used["service"] + used["postgres"]) / changed * 1e6


def _check(ended: pb.Sync, changed: int) -> None:
    sent = ended.rows_added + ended.rows_removed
    if not changed <= sent <= 2 * changed:
        raise RuntimeError(f"{sent} rows were sent for {changed} changes")


def _batches(members: int) -> Iterator[list[pb.Change]]:
    """Every hundredth member has another e-mail now."""
    changes = [
        pb.Change(
            operation=pb.Change.OPERATION_ADD,
            member=pb.Member(member_id=f"member-{n}", emails=[f"moved{n}@mail.example"]),
        )
        for n in range(0, members, CHANGED_SHARE)
    ]
    for at in range(0, len(changes), BATCH_CHANGES):
        yield changes[at : at + BATCH_CHANGES]
