"""Sends a list over ImportMembership: some chunks ahead of their acknowledgements, again after a break."""

import contextlib
import threading
import time
from collections import deque
from collections.abc import Callable, Generator, Iterator
from typing import Final

import grpc
from audiencesync.v1 import audience_sync_pb2 as pb
from audiencesync.v1.audience_sync_pb2_grpc import AudienceSyncServiceStub

from service.cli.client import RETRIED, RETRY_WAITS_S, asked_delay_s, failure_of
from service.cli.customer_list import ListShorter

CHUNKS_AHEAD_MAX: Final = 4
"""Chunks that are sent and not acknowledged yet."""
READING_ENDS_S_MAX: Final = 5.0
"""Seconds that a stream which is over waits for the list to be read no more: a pipe may be silent."""


ChunksBehind = Callable[[int], Iterator[pb.ImportChunk]]
"""Gives the chunks of a list behind so many of its changes, without their offsets."""


class ChunkedList:
    """A list cut into chunks; those not acknowledged are kept, to be sent again after a break.

    It is cut once, behind what an earlier run had sent.
    """

    def __init__(self, chunks_behind: ChunksBehind) -> None:
        self._chunks_behind = chunks_behind
        self._chunks: Iterator[pb.ImportChunk] | None = None
        self._kept: deque[pb.ImportChunk] = deque()
        self._read = 0
        self._is_whole = False

    def chunks_from(self, offset: int) -> Iterator[pb.ImportChunk]:
        """The chunks behind what is acknowledged, the last one final.

        Raises: ListShorter; what reading the list raises, after the chunks before it.
        """
        self.acknowledge(offset)
        yield from list(self._kept)
        while not self._is_whole:
            chunk = self._next(offset)
            self._kept.append(chunk)
            yield chunk

    def acknowledge(self, offset: int) -> None:
        """Forget chunks that are durable; the final one is kept until the result is there."""
        while self._kept and not self._kept[0].final and _end(self._kept[0]) <= offset:
            self._kept.popleft()

    def _next(self, offset: int) -> pb.ImportChunk:
        if self._chunks is None:
            self._chunks, self._read = self._chunks_behind(offset), offset
        for chunk in self._chunks:
            chunk.offset = self._read
            self._read = _end(chunk)
            if self._read > offset:
                return chunk
        if self._read < offset:
            raise ListShorter
        self._is_whole = True
        return pb.ImportChunk(offset=self._read, final=True)


def _end(chunk: pb.ImportChunk) -> int:
    return chunk.offset + len(chunk.changes) + len(chunk.members.member_ids)


class ImportStream:
    """One import; a break of the connection is mended by going on where the service says."""

    def __init__(
        self,
        stub: AudienceSyncServiceStub,
        header: pb.ImportHeader,
        chunks: ChunkedList,
        *,
        on_acknowledged: Callable[[pb.ImportMembershipResponse], object],
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._stub = stub
        self._header = header
        self._list = chunks
        self._on_acknowledged = on_acknowledged
        self._sleep = sleep
        self._reading_failed: Exception | None = None
        self._taking = threading.Lock()

    def send(self) -> pb.ImportResult:
        """Send the whole list.

        Raises: CallFailed; ListShorter; what reading the list raises, once all before it is durable.
        """
        waits, durable = iter(RETRY_WAITS_S), 0
        while True:
            try:
                with contextlib.closing(self._answers()) as answers:
                    for answer in answers:
                        self._on_acknowledged(answer)
                        # As long as it goes on it is tried again.
                        if answer.acknowledged_offset > durable:
                            waits, durable = iter(RETRY_WAITS_S), answer.acknowledged_offset
                        if answer.HasField("result"):
                            return answer.result
            except grpc.RpcError as error:
                wait_s = next(waits, None)
                if error.code() not in RETRIED or wait_s is None:
                    raise failure_of(error) from None
                self._sleep(max(wait_s, asked_delay_s(error)))
            else:
                if self._reading_failed is not None:
                    raise self._reading_failed

    def _answers(self) -> Generator[pb.ImportMembershipResponse, None, None]:
        """The answers of one stream; it is cancelled when whoever listens stops."""
        ahead = threading.Semaphore(0)
        begun = threading.Event()
        offsets: deque[int] = deque(maxlen=1)

        def requests() -> Iterator[pb.ImportMembershipRequest]:
            yield pb.ImportMembershipRequest(header=self._header)
            begun.wait()
            chunks = self._list.chunks_from(offsets[0])
            while (chunk := self._next(chunks, is_over)) is not None:
                yield pb.ImportMembershipRequest(chunk=chunk)
                ahead.acquire()

        is_over = threading.Event()
        stream = self._stub.ImportMembership(requests())
        try:
            for answer in stream:
                if not begun.is_set():
                    offsets.append(answer.acknowledged_offset)
                    ahead.release(CHUNKS_AHEAD_MAX - 1)
                    begun.set()
                else:
                    self._list.acknowledge(answer.acknowledged_offset)
                    ahead.release()
                yield answer
        finally:
            is_over.set()
            # Who waits for the first answer, or to send more, goes on and sees that it is over.
            offsets.append(0)
            begun.set()
            ahead.release()
            stream.cancel()
            # Whoever listened closes the list's file next.
            if self._taking.acquire(timeout=READING_ENDS_S_MAX):
                self._taking.release()

    def _next(
        self, chunks: Iterator[pb.ImportChunk], is_over: threading.Event
    ) -> pb.ImportChunk | None:
        """The next chunk, None at the end. A stream that is over takes none from the one after it."""
        with self._taking:
            if is_over.is_set():
                return None
            try:
                return next(chunks, None)
            except Exception as error:  # noqa: BLE001 - told by the thread that listens
                self._reading_failed = error
                return None
