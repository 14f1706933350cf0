"""Owns what more processes of the service bring on the same cores: one beside several, in one run.

Two lists are sent at once to two audiences; then many callers send single changes to both. Which
process takes a connection is the kernel's choice, by chance: here callers connect anew until they are
spread evenly, so that it is the processes that are measured and not the luck.
"""

import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Final

from tests.benchmarks.connections import processes_behind
from tests.benchmarks.figures import Figure, Report
from tests.benchmarks.house import House, running_house
from tests.benchmarks.lists import ReadyList, ready_list
from tests.benchmarks.standing_figures import standing_figures
from tests.benchmarks.update_callers import UpdatesSent, send_updates

PROCESSES: Final = 2
"""Unless asked for others."""
ALONE: Final = "alone"
TOGETHER: Final = ("first", "second")
CONNECTS_MAX: Final = 100
"""Tries of a caller to come to a process that no other has come to: by chance each second succeeds."""
MEMBERS_AN_UPDATE: Final = 100
"""Of so many members of a list one single change is sent."""


@dataclass(frozen=True, slots=True)
class Loaded:
    """Lists that were sent at once: members a second, and CPU seconds of service and Postgres."""

    import_rate: float
    whole_rate: float
    cpu_us: float


@dataclass(frozen=True, slots=True)
class Scale:
    """What so many processes of the service did."""

    one_list: Loaded
    two_lists: Loaded
    updates: UpdatesSent


def run(members: int, processes: int = PROCESSES) -> Report:
    figures: list[Figure] = []
    scales: dict[int, Scale] = {}
    for count in (1, processes):
        with running_house(processes=count, audience_ids=(ALONE, *TOGETHER)) as house:
            scales[count] = Scale(
                one_list=_load(house, members, (ALONE,)),
                two_lists=_load(house, members, TOGETHER),
                updates=send_updates(house, TOGETHER, max(128, members // MEMBERS_AN_UPDATE)),
            )
            prefix = f"processes_{count}."
            figures += [*_figures(prefix, scales[count]), *standing_figures(house, prefix)]
    figures += _ratios(scales[1], scales[processes])
    details = {"members": members, "processes": processes}
    return Report(benchmark="scaling", figures=figures, details=details)


def _figures(prefix: str, scale: Scale) -> Iterator[Figure]:
    for name, loaded in (("one_list", scale.one_list), ("two_lists", scale.two_lists)):
        for what, value, unit in (
            ("import_members_per_s", loaded.import_rate, "/s"),
            ("members_per_s", loaded.whole_rate, "/s"),
            ("cpu", loaded.cpu_us, "us"),
        ):
            yield Figure(name=f"{prefix}{name}.{what}", value=value, unit=unit)
    yield Figure(name=f"{prefix}updates.calls_per_s", value=scale.updates.rate, unit="calls/s")
    yield Figure(name=f"{prefix}updates.p99", value=scale.updates.p99_s * 1000, unit="ms")


def _ratios(one: Scale, several: Scale) -> list[Figure]:
    return [
        Figure(name=f"ratio.{name}", value=value, unit="times", aim=aim)
        for name, value, aim in (
            ("two_lists", several.two_lists.whole_rate / one.two_lists.whole_rate, None),
            ("two_lists_import", several.two_lists.import_rate / one.two_lists.import_rate, None),
            ("two_lists_to_one", several.two_lists.whole_rate / one.one_list.whole_rate, 1.7),
            ("updates", several.updates.rate / one.updates.rate, None),
        )
    ]


def _load(house: House, members: int, audience_ids: Sequence[str]) -> Loaded:
    """Send a list to each audience at once, and then all that to Facebook."""
    with _spread_lists(house, members, audience_ids) as lists:
        cpu, began = house.cpu(), time.monotonic()
        for ready in lists:
            ready.start()
        import_s = max([ready.finish().ended_at for ready in lists]) - began
        house.sync_all(audience_ids)
        whole_s = time.monotonic() - began
        used_s = _busy_s(house.cpu()) - _busy_s(cpu)
    total = members * len(audience_ids)
    return Loaded(total / import_s, total / whole_s, used_s / total * 1e6)


def _busy_s(cpu: Mapping[str, float]) -> float:
    return cpu["service"] + cpu["postgres"]


@contextmanager
def _spread_lists(
    house: House, members: int, audience_ids: Sequence[str]
) -> Iterator[Sequence[ReadyList]]:
    """Callers with their lists, on as many processes of the service as there are."""
    taken: list[int] = []
    lists = []
    with ExitStack() as stack:
        for audience_id in audience_ids:
            ready = stack.enter_context(
                ready_list(house, members, keys="1", import_id=audience_id, audience_id=audience_id)
            )
            taken.append(_reach_another(house, ready, taken))
            lists.append(ready)
        yield lists


def _reach_another(house: House, ready: ReadyList, taken: Sequence[int]) -> int:
    """Let a caller connect anew until it has come to a process with the fewest callers."""
    fewest = min(map(taken.count, house.serving_pids))
    for _ in range(CONNECTS_MAX):
        (pid,) = processes_behind(ready.caller.process.pid, house.serving_pids).values()
        if taken.count(pid) == fewest:
            return pid
        ready.reconnect()
    raise RuntimeError(f"by {CONNECTS_MAX} connections no other process was reached")
