"""Calls of the commands: what is tried again, and how an error reads."""

from collections.abc import Iterator
from typing import Any

import grpc
import pytest
from audiencesync.v1 import audience_sync_pb2 as pb
from google.protobuf import any_pb2, duration_pb2
from google.protobuf.message import Message
from google.rpc import error_details_pb2, status_pb2

from service.cli.client import RETRY_WAITS_S, CallFailed, call, failure_of
from service.cli.sync import watch

REQUEST = pb.GetAudienceRequest(audience_id="a")
ANSWER = pb.GetAudienceResponse(audience=pb.Audience(audience_id="a"))


class Refusal(grpc.RpcError, grpc.Call):
    """An error as a channel raises it."""

    def __init__(self, code: grpc.StatusCode, message: str = "", *details: Message) -> None:
        self._code, self._message = code, message
        self._status = status_pb2.Status(code=code.value[0], message=message)
        for detail in details:
            packed = any_pb2.Any()
            packed.Pack(detail)
            self._status.details.append(packed)

    def code(self) -> grpc.StatusCode:
        return self._code

    def details(self) -> str:
        return self._message

    def trailing_metadata(self) -> Any:
        if not self._status.details:
            return ()
        return (("grpc-status-details-bin", self._status.SerializeToString()),)

    def initial_metadata(self) -> tuple[()]:
        return ()

    def is_active(self) -> bool:
        return False

    def time_remaining(self) -> float:
        return 0.0

    def cancel(self) -> bool:
        return False

    def add_callback(self, callback: object) -> bool:
        return False


class Method:
    """Raises its errors one after the other, then answers."""

    def __init__(self, *errors: grpc.RpcError) -> None:
        self.errors = list(errors)
        self.requests: list[pb.GetAudienceRequest] = []

    def __call__(
        self, request: pb.GetAudienceRequest, /, *, timeout: float | None = None
    ) -> pb.GetAudienceResponse:
        self.requests.append(request)
        if self.errors:
            raise self.errors.pop(0)
        return ANSWER


def info(reason: str, **metadata: str) -> error_details_pb2.ErrorInfo:
    return error_details_pb2.ErrorInfo(reason=reason, metadata=metadata)


def retry(seconds: int) -> error_details_pb2.RetryInfo:
    return error_details_pb2.RetryInfo(retry_delay=duration_pb2.Duration(seconds=seconds))


def test_an_absent_service_is_tried_again_with_the_same_request() -> None:
    method = Method(*[Refusal(grpc.StatusCode.UNAVAILABLE) for _ in RETRY_WAITS_S])
    slept: list[float] = []
    assert call(method, REQUEST, sleep=slept.append) == ANSWER
    assert slept == list(RETRY_WAITS_S)
    assert all(request is REQUEST for request in method.requests)


def test_it_gives_up_after_the_last_wait() -> None:
    method = Method(*[Refusal(grpc.StatusCode.UNAVAILABLE) for _ in range(50)])
    with pytest.raises(CallFailed, match="is `audience-sync serve` running"):
        call(method, REQUEST, sleep=lambda _: None)
    assert len(method.requests) == len(RETRY_WAITS_S) + 1


def test_a_refusal_is_not_tried_again() -> None:
    error = Refusal(
        grpc.StatusCode.NOT_FOUND,
        "No audience has this id.",
        info("AUDIENCE_NOT_FOUND", audience_id="a"),
    )
    method = Method(error)
    with pytest.raises(CallFailed) as caught:
        call(method, REQUEST, sleep=lambda _: None)
    assert len(method.requests) == 1
    assert caught.value.reason == "AUDIENCE_NOT_FOUND"
    assert str(caught.value) == (
        "No audience has this id (AUDIENCE_NOT_FOUND: audience_id=a); "
        "`audience-sync connect` connects one, `audience-sync status` lists them"
    )


def test_a_short_wait_that_the_service_asks_for_is_granted() -> None:
    error = Refusal(grpc.StatusCode.RESOURCE_EXHAUSTED, "Full.", info("OVERLOADED"), retry(3))
    slept: list[float] = []
    call(Method(error), REQUEST, sleep=slept.append)
    assert slept == [3.0]


def test_a_long_wait_is_told_instead() -> None:
    error = Refusal(grpc.StatusCode.UNAVAILABLE, "Limit.", info("FACEBOOK_THROTTLED"), retry(600))
    with pytest.raises(CallFailed, match="try again in 600 s"):
        call(Method(error), REQUEST, sleep=lambda _: None)


def test_an_error_without_details_is_told_by_its_code() -> None:
    text = str(failure_of(Refusal(grpc.StatusCode.UNIMPLEMENTED, "no such method")))
    assert text == "the call failed: UNIMPLEMENTED: no such method"


class WatchingStub:
    """Streams of a sync, each of which ends as it is told."""

    def __init__(self, *streams: list[Any]) -> None:
        self._streams = iter(streams)

    def WatchSync(self, _request: pb.WatchSyncRequest) -> Iterator[pb.WatchSyncResponse]:  # noqa: N802
        for item in next(self._streams):
            if isinstance(item, Exception):
                raise item
            yield pb.WatchSyncResponse(sync=pb.Sync(sync_id="s", state=item))


def test_a_watch_that_was_ended_because_nothing_moved_is_followed_by_another() -> None:
    idle = Refusal(grpc.StatusCode.ABORTED, "Nothing.", info("STREAM_IDLE"))
    stub: Any = WatchingStub([pb.Sync.STATE_PENDING, idle], [pb.Sync.STATE_SUCCEEDED])
    seen = [one.state for one in watch(stub, pb.Sync(sync_id="s"), sleep=lambda _: None)]
    assert seen == [pb.Sync.STATE_PENDING, pb.Sync.STATE_SUCCEEDED]


def test_a_watch_whose_token_was_revoked_is_not_begun_again() -> None:
    gone = Refusal(grpc.StatusCode.UNAUTHENTICATED, "No.", info("CALLER_UNKNOWN"))
    stub: Any = WatchingStub([pb.Sync.STATE_PENDING, gone])
    with pytest.raises(CallFailed, match="new-token"):
        list(watch(stub, pb.Sync(sync_id="s"), sleep=lambda _: None))
