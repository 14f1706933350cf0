"""Owns how long a small read takes while a list is taken in, beside the same when nothing else is done.

The reads come from a process and by a connection of their own, fifty a second; while
a first list is imported, while it is then sent to Facebook, and before both.
"""

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from statistics import median, quantiles
from typing import Final

from tests.benchmarks.figures import Figure, Report
from tests.benchmarks.house import AUDIENCE_ID, House, running_house
from tests.benchmarks.lists import ready_list
from tests.benchmarks.other_process import OtherProcess
from tests.benchmarks.standing_figures import standing_figures

ALONE_S: Final = 3.0
"""Seconds of reads when nothing else is done."""
BOUNDS: Final = {"at_most": 50.0, "aim": 20.0}


def run(members: int) -> Report:
    with (
        running_house() as house,
        ready_list(house, members, keys="1", import_id="first") as ready,
        _reader(house) as reader,
    ):
        with reader.span() as alone:
            time.sleep(ALONE_S)
        with reader.span() as during_import:
            ready.start()
            sent = ready.finish()
        with reader.span() as during_sync:
            house.sync()
        figures = [
            *_figures("alone", alone),
            *_figures("during_import", during_import, **BOUNDS),
            *_figures("during_sync", during_sync),
            Figure(name="import_members_per_s", value=members / sent.wall_s, unit="/s"),
            *standing_figures(house),
        ]
    return Report(benchmark="small-read", figures=figures, details={"members": members})


def _figures(name: str, seconds: Sequence[float], **bounds: float) -> list[Figure]:
    p99 = quantiles(seconds, n=100)[-1] if len(seconds) > 1 else seconds[0]
    return [
        Figure(name=f"{name}.p50", value=median(seconds) * 1000, unit="ms"),
        Figure(name=f"{name}.p99", value=p99 * 1000, unit="ms", **bounds),
        Figure(name=f"{name}.longest", value=max(seconds) * 1000, unit="ms"),
        Figure(name=f"{name}.reads", value=len(seconds), unit="reads"),
    ]


class _Reader:
    """The process that reads."""

    def __init__(self, process: OtherProcess) -> None:
        self._process = process

    @contextmanager
    def span(self) -> Iterator[list[float]]:
        """Read during the block; after it there are the seconds of each read."""
        seconds: list[float] = []
        self._process.say("begin")
        yield seconds
        self._process.say("end")
        seconds += self._process.heard()["seconds"]


@contextmanager
def _reader(house: House) -> Iterator[_Reader]:
    with OtherProcess.running(
        "tests.benchmarks.read_caller", house.stage.server, AUDIENCE_ID
    ) as process:
        yield _Reader(process)
