"""Owns many callers at once that tell single changes, spread evenly over the service's processes."""

import asyncio
import os
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from itertools import count
from statistics import quantiles
from typing import TYPE_CHECKING, Final

import grpc.aio
from audiencesync.v1 import audience_sync_pb2 as pb
from audiencesync.v1.audience_sync_pb2_grpc import AudienceSyncServiceStub

from tests.benchmarks.connections import processes_behind
from tests.benchmarks.house import House

if TYPE_CHECKING:
    from audiencesync.v1.audience_sync_pb2_grpc import AudienceSyncServiceAsyncStub

CALLERS: Final = 64
CONNECTS_MAX: Final = 100


@dataclass(frozen=True, slots=True)
class UpdatesSent:
    """Updates a second, and the seconds that one in a hundred took longer than."""

    rate: float
    p99_s: float


def send_updates(house: House, audience_ids: Sequence[str], times: int) -> UpdatesSent:
    """Each caller tells of one new member after the other, waiting for every answer."""
    return asyncio.run(_send_updates(house, audience_ids, times))


async def _send_updates(house: House, audience_ids: Sequence[str], times: int) -> UpdatesSent:
    async with connected_to_each(house) as channels:
        places = [
            (channels[number % len(channels)], audience_ids[number % len(audience_ids)])
            for number in range(CALLERS)
        ]
        await _call_at_once(places, CALLERS, "warm-up")
        began = time.perf_counter()
        seconds = await _call_at_once(places, times, "update")
        rate = times / (time.perf_counter() - began)
    return UpdatesSent(rate, quantiles(seconds, n=100)[-1])


@asynccontextmanager
async def connected_to_each(house: House) -> AsyncIterator[Sequence[grpc.aio.Channel]]:
    """A connection to each process that serves."""
    channels = [await _channel_to(house, pid) for pid in house.serving_pids]
    try:
        yield channels
    finally:
        for channel in channels:
            await channel.close()


async def _channel_to(house: House, pid: int) -> grpc.aio.Channel:
    """A connection that has come to this process."""
    for _ in range(CONNECTS_MAX):
        before = processes_behind(os.getpid(), house.serving_pids)
        options = [("grpc.use_local_subchannel_pool", 1)]
        channel = grpc.aio.insecure_channel(house.stage.server, options)
        await channel.channel_ready()
        after = processes_behind(os.getpid(), house.serving_pids)
        if pid in {after[ports] for ports in after.keys() - before.keys()}:
            return channel
        await channel.close()
    raise RuntimeError(f"by {CONNECTS_MAX} connections the process was not reached")


async def _call_at_once(
    places: Sequence[tuple[grpc.aio.Channel, str]], times: int, name: str
) -> list[float]:
    left, numbers = iter(range(times)), count()

    async def caller(channel: grpc.aio.Channel, audience_id: str) -> list[float]:
        stub = AudienceSyncServiceStub(channel)
        return [await _call(stub, audience_id, f"{name}-{next(numbers)}") for _ in left]

    told = await asyncio.gather(*(caller(*place) for place in places))
    return [seconds for one in told for seconds in one]


async def _call(stub: "AudienceSyncServiceAsyncStub", audience_id: str, name: str) -> float:
    member = pb.Member(member_id=name, emails=[f"{name}@mail.example"])
    change = pb.Change(operation=pb.Change.OPERATION_ADD, member=member)
    request = pb.UpdateMembershipRequest(audience_id=audience_id, changes=[change])
    began = time.perf_counter()
    await stub.UpdateMembership(request)
    return time.perf_counter() - began
