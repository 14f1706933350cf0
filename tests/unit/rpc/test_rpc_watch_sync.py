"""The pace of a watch: moves are drawn together, and nothing is told twice."""

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from typing import Any, cast

import pytest
from audiencesync.v1 import audience_sync_pb2 as pb

from service.rpc.errors import StreamIdle
from service.rpc.syncs import (
    WATCH_PAUSE_SECONDS,
    WATCH_POLL_SECONDS,
    WATCH_STILL_SECONDS_MAX,
    watch_sync,
)
from service.store.history_rows import Sync
from service.store.syncs import encode_sync_id
from tests.unit.rpc.stored import THEN, a_stored_sync


class WatchedApi:
    """A database in which the sync is one step further at every look; notes what is waited for."""

    def __init__(self, syncs: list[Sync]) -> None:
        self.clock = self.notifications = self
        self.looks: Iterator[Sync] = iter(syncs)
        self.waits: list[tuple[str, float]] = []
        self.open_subscriptions = 0
        self.now_s = 0.0

    def monotonic(self) -> float:
        return self.now_s

    @asynccontextmanager
    async def connection(self) -> AsyncIterator[None]:
        yield

    async def find_sync(self, _: object, audience_no: int, sync_no: int) -> Sync:
        assert (audience_no, sync_no) == (1, 7)
        return next(self.looks)

    async def sleep(self, seconds: float) -> None:
        self.waits.append(("sleep", seconds))

    def subscribe(self, channel: str, payload: str) -> "WatchedApi":
        assert (channel, payload) == ("audience_changed", "1")
        self.open_subscriptions += 1
        return self

    async def wait(self, timeout_s: float) -> bool:
        self.waits.append(("hint", timeout_s))
        self.now_s += timeout_s
        return True

    def close(self) -> None:
        self.open_subscriptions -= 1


async def test_moves_are_told_once_each_with_a_pause_between_until_the_end(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    waiting = a_stored_sync()
    running = a_stored_sync(state="RUNNING", started_at=THEN)
    ended = a_stored_sync(state="SUCCEEDED", started_at=THEN, ended_at=THEN)
    api = WatchedApi([waiting, waiting, waiting, running, running, ended])
    monkeypatch.setattr("service.store.syncs.find_sync", api.find_sync)
    request = pb.WatchSyncRequest(sync_id=encode_sync_id(1, 7))
    told = [one.sync.state async for one in watch_sync(cast("Any", api), request)]
    assert told == [pb.Sync.STATE_PENDING, pb.Sync.STATE_RUNNING, pb.Sync.STATE_SUCCEEDED]
    pause = [("sleep", WATCH_PAUSE_SECONDS), ("hint", WATCH_POLL_SECONDS)]
    assert api.waits == pause * 4
    assert api.open_subscriptions == 0


async def test_a_watch_of_a_sync_that_does_not_move_is_ended(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    waiting, running = a_stored_sync(), a_stored_sync(state="RUNNING", started_at=THEN)
    looks = int(WATCH_STILL_SECONDS_MAX / WATCH_POLL_SECONDS)
    api = WatchedApi([waiting] * looks + [running] * 2 * looks)
    monkeypatch.setattr("service.store.syncs.find_sync", api.find_sync)
    request = pb.WatchSyncRequest(sync_id=encode_sync_id(1, 7))
    watch = watch_sync(cast("Any", api), request)
    told = [(await anext(watch)).sync.state, (await anext(watch)).sync.state]
    with pytest.raises(StreamIdle):
        await anext(watch)
    assert told == [pb.Sync.STATE_PENDING, pb.Sync.STATE_RUNNING]
    assert WATCH_STILL_SECONDS_MAX < api.now_s <= 2 * WATCH_STILL_SECONDS_MAX + 2
    assert api.open_subscriptions == 0
