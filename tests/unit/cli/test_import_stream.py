"""How a list goes over a stream that breaks: nothing lost, nothing twice, and in bounded pieces."""

from collections.abc import Iterator, Sequence

import grpc
import pytest
from audiencesync.v1 import audience_sync_pb2 as pb
from hypothesis import given
from hypothesis import strategies as st

from service.cli.client import RETRY_WAITS_S, CallFailed
from service.cli.customer_list import ListShorter
from service.cli.import_stream import CHUNKS_AHEAD_MAX, ChunkedList, ImportStream

HEADER = pb.ImportHeader(audience_id="a", import_id="i")


class Broken(grpc.RpcError):
    """A stream that ended with a status without details."""

    def __init__(self, code: grpc.StatusCode) -> None:
        self._code = code

    def code(self) -> grpc.StatusCode:
        return self._code

    def details(self) -> str:
        return ""

    def trailing_metadata(self) -> tuple[()]:
        return ()


class Service:
    """Takes chunks in as the service does; each stream breaks after so many of them."""

    def __init__(self, breaks: Sequence[int] = (), *, loses_answers: bool = False) -> None:
        self.taken: list[str] = []
        self.is_finished = False
        self.streams = 0
        self._breaks = iter(breaks)
        self._loses_answers = loses_answers

    def ImportMembership(  # noqa: N802 - the contract's name
        self, requests: Iterator[pb.ImportMembershipRequest]
    ) -> "Stream":
        self.streams += 1
        return Stream(self._answers(requests, next(self._breaks, 10**6)))

    def _answers(
        self, requests: Iterator[pb.ImportMembershipRequest], chunks_left: int
    ) -> Iterator[pb.ImportMembershipResponse]:
        assert next(requests).WhichOneof("part") == "header"
        yield pb.ImportMembershipResponse(acknowledged_offset=len(self.taken))
        for request in requests:
            if chunks_left == 0:
                raise Broken(grpc.StatusCode.UNAVAILABLE)
            chunks_left -= 1
            self._take(request.chunk)
            if chunks_left == 0 and self._loses_answers:
                raise Broken(grpc.StatusCode.UNAVAILABLE)
            answer = pb.ImportMembershipResponse(acknowledged_offset=len(self.taken))
            if self.is_finished:
                answer.result.changed_count = len(self.taken)
            yield answer

    def _take(self, chunk: pb.ImportChunk) -> None:
        assert chunk.offset <= len(self.taken), "no gap"
        if chunk.offset == len(self.taken):
            self.taken += [change.member.member_id for change in chunk.changes]
            self.is_finished = self.is_finished or chunk.final


class Stream:
    def __init__(self, answers: Iterator[pb.ImportMembershipResponse]) -> None:
        self._answers = answers

    def __iter__(self) -> Iterator[pb.ImportMembershipResponse]:
        return self._answers

    def cancel(self) -> None:
        return


def chunks(count: int, size: int, *, skip: int = 0) -> Iterator[pb.ImportChunk]:
    changes = [pb.Change(member=pb.Member(member_id=str(n))) for n in range(count)]
    for at in range(skip, count, size):
        yield pb.ImportChunk(changes=changes[at : at + size])


def chunked(count: int, size: int) -> ChunkedList:
    def chunks_behind(offset: int) -> Iterator[pb.ImportChunk]:
        if offset > count:
            raise ListShorter
        return chunks(count, size, skip=offset)

    return ChunkedList(chunks_behind)


def send(service: Service, cut: ChunkedList, seen: list[int] | None = None) -> pb.ImportResult:
    stream = ImportStream(
        service,  # type: ignore[arg-type]
        HEADER,
        cut,
        on_acknowledged=lambda answer: (seen if seen is not None else []).append(
            answer.acknowledged_offset
        ),
        sleep=lambda _: None,
    )
    return stream.send()


@given(
    count=st.integers(0, 40),
    size=st.integers(1, 9),
    breaks=st.lists(st.integers(1, 4), max_size=len(RETRY_WAITS_S)),  # without progress no more
    loses_answers=st.booleans(),
)
def test_a_list_arrives_whole_and_once_however_the_stream_breaks(
    count: int,
    size: int,
    breaks: list[int],
    loses_answers: bool,  # noqa: FBT001
) -> None:
    service = Service(breaks, loses_answers=loses_answers)
    result = send(service, chunked(count, size))
    assert service.taken == [str(n) for n in range(count)]
    assert result.changed_count == count


@given(count=st.integers(1, 40), size=st.integers(1, 9), other=st.integers(1, 9))
def test_an_import_of_an_earlier_run_goes_on_whatever_the_chunks_were(
    count: int, size: int, other: int
) -> None:
    service = Service()
    service.taken = [str(n) for n in range(min(count, other))]
    send(service, chunked(count, size))
    assert service.taken == [str(n) for n in range(count)]


def test_a_list_that_is_shorter_than_what_is_durable_is_another_list() -> None:
    service = Service()
    service.taken = ["x"] * 10
    with pytest.raises(ListShorter):
        send(service, chunked(9, 4))


def test_a_mistake_in_the_list_is_told_when_all_before_it_is_durable() -> None:
    def broken() -> Iterator[pb.ImportChunk]:
        yield from chunks(6, 2)
        raise ValueError("line 8")

    service, seen = Service(), list[int]()
    with pytest.raises(ValueError, match="line 8"):
        send(service, ChunkedList(lambda _: broken()), seen)
    assert seen[-1] == len(service.taken) == 6
    assert not service.is_finished


def test_a_service_that_stays_away_is_told_after_some_tries() -> None:
    service = Service([0] * 50)
    with pytest.raises(CallFailed, match="no service answers"):
        send(service, chunked(6, 2))
    assert 3 < service.streams < 10


def test_only_some_chunks_are_read_ahead_of_their_acknowledgements() -> None:
    read = 0

    def counted() -> Iterator[pb.ImportChunk]:
        nonlocal read
        for chunk in chunks(100, 1):
            read += 1
            yield chunk

    class Slow(Service):
        def _take(self, chunk: pb.ImportChunk) -> None:
            super()._take(chunk)
            assert read <= len(self.taken) + CHUNKS_AHEAD_MAX

    send(Slow(), ChunkedList(lambda _: counted()))
    assert read == 100
