"""Owns the caller of small reads: a process that asks for an audience again and again, and tells.

Started as `python -m tests.benchmarks.read_caller SERVER AUDIENCE_ID`; it says in one line of JSON that
it is ready. Each line on its input ends a span, and the next begins: it tells the seconds that the
reads of the span took, in one line. The end of its input ends it.

A read is due every `EVERY_S`, whatever became of the one before, and its time counts from when it was
due: one that keeps the others waiting is not one slow read, but many.
"""

import asyncio
import json
import sys
import time
from typing import TYPE_CHECKING, Final

import grpc.aio
from audiencesync.v1 import audience_sync_pb2 as pb
from audiencesync.v1.audience_sync_pb2_grpc import AudienceSyncServiceStub

if TYPE_CHECKING:
    from audiencesync.v1.audience_sync_pb2_grpc import AudienceSyncServiceAsyncStub

EVERY_S: Final = 0.02
WARM_UP_READS: Final = 20


async def main() -> None:
    server, audience_id = sys.argv[1:]
    request = pb.GetAudienceRequest(audience_id=audience_id)
    async with grpc.aio.insecure_channel(server) as channel:
        stub: AudienceSyncServiceAsyncStub = AudienceSyncServiceStub(channel)
        for _ in range(WARM_UP_READS):
            await stub.GetAudience(request)
        _tell(ready=1)
        while await asyncio.to_thread(sys.stdin.readline):
            over = asyncio.create_task(asyncio.to_thread(sys.stdin.readline))
            _tell(seconds=await _reads(stub, request, over))
            if not over.result():
                break


async def _reads(
    stub: "AudienceSyncServiceAsyncStub", request: pb.GetAudienceRequest, over: "asyncio.Task[str]"
) -> list[float]:
    """Read until it is over; the seconds of each, from when it was due."""
    due, reads = time.perf_counter(), []

    async def read(due: float) -> float:
        await stub.GetAudience(request)
        return time.perf_counter() - due

    while not over.done():
        reads.append(asyncio.create_task(read(due)))
        due += EVERY_S
        await asyncio.sleep(max(0.0, due - time.perf_counter()))
    return await asyncio.gather(*reads)


def _tell(**told: object) -> None:
    sys.stdout.write(json.dumps(told) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    asyncio.run(main())
