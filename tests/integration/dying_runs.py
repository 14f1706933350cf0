"""Runs that end at their n-th await, cancelled or killed, and the heir who finds what they left."""

import asyncio
from collections.abc import Coroutine, Generator
from datetime import timedelta
from typing import Any

import pytest

from service.sync import run as run_module
from service.sync.run import run_audience
from tests.integration.sync_world import SyncWorld

LONG_AGO = timedelta(minutes=-5)


class UpTo:
    """Awaits a coroutine, and cancels its own task at the n-th time that it waits."""

    def __init__(self, coroutine: Coroutine[Any, Any, None], waits: int) -> None:
        self._coroutine = coroutine
        self._waits = waits
        self.waited = 0

    def __await__(self) -> Generator[Any, None, None]:
        steps = self._coroutine.__await__()
        resume: Any = steps.__next__
        while True:
            try:
                waited_for = resume()
            except StopIteration:
                return
            self.waited += 1
            if self.waited == self._waits:
                task = asyncio.current_task()
                assert task is not None
                task.cancel()
            try:
                yield waited_for
            except BaseException as error:  # noqa: BLE001 - passed on as it is
                resume = lambda error=error: steps.throw(error)  # noqa: E731
            else:
                resume = steps.__next__


async def die_at(world: SyncWorld, waits: int, *, killed: bool) -> bool:
    """One run that ends at its n-th await; killed, it does not even give its lease back.

    False when it came to its end before.
    """
    work = await world.claim()
    assert work is not None
    up_to = UpTo(run_audience(world.held(work), world.draining), waits)

    async def wait() -> None:
        await up_to

    async def not_at_all(*_: object) -> None:
        return

    with pytest.MonkeyPatch.context() as patch:
        if killed:
            patch.setattr(run_module, "_release", not_at_all)
        run = asyncio.create_task(wait())
        await asyncio.wait([run])
    await asyncio.sleep(0.01)  # a call that was cut off lands, or never will
    return up_to.waited >= waits


async def let_the_heir_come(world: SyncWorld) -> None:
    """Let leases run out and quiet times pass, and run whatever is due."""
    for _ in range(4):
        await world.execute(
            "update audience_work set lease_expires_at = now() where lease_holder is not null"
        )
        await world.execute(
            "update audience_work set due_at = now() where lease_holder is null and due_at < now()"
            " + interval '10 minutes'"
        )
        work = await world.claim()
        while work is not None:
            await world.execute(
                "update audience_work set hold_additions_until = null, hold_removals_until = null,"
                " create_attempted_at = create_attempted_at + $1::interval",
                LONG_AGO,
            )
            held = world.held(work)
            await held.reload()
            held.hold_until.clear()
            await run_audience(held, world.draining)
            work = await world.claim()
