"""Tells how far an import is: by a bar on a terminal, else by a line now and then."""

import time
from collections.abc import Callable
from typing import Final, NamedTuple, Self

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn

from service.cli.dropped import Dropped, dropped_line

LINE_EVERY_S: Final = 10.0
"""Seconds between two lines where no bar can be shown."""


class _Moment(NamedTuple):
    time_s: float
    members: int
    read: int


class Pace:
    """How fast a list is taken in. What an earlier run had sent does not count as speed."""

    def __init__(self, length: int) -> None:
        self.length = length
        self.read = 0
        self._answers = 0
        self._first: _Moment | None = None
        self._last = _Moment(0.0, 0, 0)

    def acknowledged(self, members: int, now_s: float) -> None:
        """Tell that so many members of the list are durable."""
        self._answers += 1
        self._last = _Moment(now_s, members, self.read)
        # The first answer says where it begins; at the second, the list has been opened there.
        if self._answers == 2:  # noqa: PLR2004
            self._first = self._last

    def __str__(self) -> str:
        """How many members, and once that can be said, how fast and for how long still."""
        told = f"{self._last.members:,} members"
        first, last = self._first, self._last
        if first is None or last.members <= first.members or last.time_s <= first.time_s:
            return told
        seconds = last.time_s - first.time_s
        told += f", {(last.members - first.members) / seconds:,.0f}/s"
        if self.length < last.read or last.read <= first.read:
            return told
        left_s = round((self.length - last.read) * seconds / (last.read - first.read))
        return f"{told}, {left_s // 3600}:{left_s // 60 % 60:02}:{left_s % 60:02} left"


class ImportProgress:
    """Shows the pace of one import as long as the block runs."""

    def __init__(
        self,
        console: Console,
        name: str,
        *,
        length: int,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._console = console
        self._name = name
        self._pace = Pace(length)
        self._monotonic = monotonic
        self._line_after_s = monotonic() + LINE_EVERY_S
        self._bar = Progress(
            TextColumn("{task.description}", markup=False),
            BarColumn(),
            TaskProgressColumn(),
            TextColumn("{task.fields[pace]}", markup=False),
            console=console,
            disable=not console.is_terminal,
        )
        self._task = self._bar.add_task(name, total=length or None, pace="")

    def __enter__(self) -> Self:
        self._bar.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._bar.stop()

    def read(self, count: int) -> None:
        """Tell that so much more of the list was read."""
        self._pace.read += count

    def acknowledged(self, members: int, dropped: Dropped) -> None:
        """Tell that so many members of the list are durable, and what was dropped of them."""
        now_s = self._monotonic()
        self._pace.acknowledged(members, now_s)
        told = "; ".join(filter(None, (str(self._pace), dropped_line(dropped))))
        self._bar.update(self._task, completed=self._pace.read, pace=told)
        if self._bar.disable and now_s >= self._line_after_s:
            self._line_after_s = now_s + LINE_EVERY_S
            self._console.print(f"{self._name}: {told}", markup=False, soft_wrap=True)
