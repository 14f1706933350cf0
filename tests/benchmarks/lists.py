"""Owns the way from a benchmark to the processes that send lists."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final

from tests.benchmarks.house import AUDIENCE_ID, House
from tests.benchmarks.other_process import OtherProcess

SEND: Final = "send"
RECONNECT: Final = "reconnect"
"""What a caller of a list is told, a word a line."""


@dataclass(frozen=True, slots=True)
class SentList:
    """A list that was taken in. `ended_at`: by this process's monotonic clock."""

    wall_s: float
    cpu_s: float
    changed: int
    peak_mb: float
    ended_at: float


@dataclass(frozen=True, slots=True)
class ReadyList:
    """A caller that is connected and has its list made, and waits for the word."""

    caller: OtherProcess

    def start(self) -> None:
        self.caller.say(SEND)

    def reconnect(self) -> None:
        """Let it come again by another connection."""
        self.caller.say(RECONNECT)
        self.caller.heard()

    def finish(self) -> SentList:
        """Wait until the list is taken in."""
        told = self.caller.heard()
        return SentList(**told, ended_at=time.monotonic())


@contextmanager
def ready_list(
    house: House,
    members: int,
    *,
    keys: str,
    import_id: str,
    audience_id: str = AUDIENCE_ID,
    mode: str = "MODE_DELTA",
    changed: int = 0,
    syncs: bool = False,
) -> Iterator[ReadyList]:
    """Let a caller of its own process make a list, which takes long and is not measured.

    `changed`: so many members have another e-mail than without. `syncs`: whether the caller asks for
    syncs while it sends.
    """
    numbers = (str(changed), str(int(syncs)))
    arguments = (house.stage.server, audience_id, str(members), keys, mode, import_id, *numbers)
    with OtherProcess.running("tests.benchmarks.list_caller", *arguments) as caller:
        yield ReadyList(caller)


def send_list(
    house: House,
    members: int,
    *,
    keys: str,
    import_id: str,
    mode: str = "MODE_DELTA",
    changed: int = 0,
    syncs: bool = False,
) -> SentList:
    """Make a list and then send it; only the sending is measured."""
    with ready_list(
        house,
        members,
        keys=keys,
        import_id=import_id,
        mode=mode,
        changed=changed,
        syncs=syncs,
    ) as ready:
        ready.start()
        return ready.finish()
