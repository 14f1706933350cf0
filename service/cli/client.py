"""The commands' way to the service: one channel, repeated calls, and errors told in one line."""

import contextlib
import time
from collections.abc import Callable, Iterator
from typing import Any, Final, Protocol, TypeVar

import grpc
from audiencesync.v1.audience_sync_pb2_grpc import AudienceSyncServiceStub
from google.protobuf.message import Message
from google.rpc import error_details_pb2
from grpc_status import rpc_status

from service.cli.access import given_access
from service.cli.channel import CannotGetIn, open_channel

DEFAULT_SERVER: Final = "127.0.0.1:50051"
"""Where the service listens unless it is told otherwise."""
CALL_TIMEOUT_S: Final = 60.0
"""Seconds that one answer is waited for."""
USER_AGENT: Final = "audience-sync-cli"
"""How the commands name themselves to the service, which tells it in the audit."""
KEEPALIVE_MS: Final = 30_000
"""Milliseconds of silence in a call after which the service is asked whether it is still there."""
KEEPALIVE_TIMEOUT_MS: Final = 20_000
"""Milliseconds that it has to say so: a stream has no time-out of its own."""
RETRY_WAITS_S: Final = (0.5, 1.0, 2.0, 4.0)
"""Seconds between one try of a call and the next, when the service cannot be reached."""
RETRY_DELAY_MAX_S: Final = 15.0
"""A wait that the service asks for is granted up to here; a longer one is told instead."""

RETRIED: Final = {grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.RESOURCE_EXHAUSTED}
_CURES: Final = {
    "AUDIENCE_NOT_FOUND": "`audience-sync connect` connects one, `audience-sync status` lists them",
    "AD_ACCOUNT_NOT_CONNECTED": "`audience-sync connect-ad-account` comes first",
    "AUDIENCE_NOT_ACTIVE": "`audience-sync status AUDIENCE_ID` says what to do",
    "AUDIENCE_DISCONNECTED": "connect it again, or use another audience",
    "AUDIENCE_ALREADY_CONNECTED": "use the values it has, or another audience id",
    "TOKEN_INVALID": "use a valid token",
    "TOKEN_EXPIRED": "make a new token",
    "SCOPE_MISSING": "make a token with the permission ads_management",
    "AD_ACCOUNT_NOT_VISIBLE": "give the token's user access to the ad account",
    "IMPORT_ID_REUSED": "go on with the options that it was begun with",
    "REPLACE_UNDER_WAY": "`--resume` with its import_id goes on with it, `--supersede` gives it up",
    "IMPORT_EMPTY": "to empty the audience is for callers of the API, who say so by allow_empty",
    "CALLER_UNKNOWN": "AUDIENCE_SYNC_TOKEN takes a token; `audience-sync new-token` makes one",
    "CALLER_NOT_ALLOWED": "use a token that may; `audience-sync new-token` makes one",
    "STREAM_IDLE": "running the command again is harmless",
    "INTERNAL": "the service's log says more",
}
"""What a person can do, by reason of the error."""

RequestT_contra = TypeVar("RequestT_contra", bound=Message, contravariant=True)
ResponseT_co = TypeVar("ResponseT_co", bound=Message, covariant=True)


class Method(Protocol[RequestT_contra, ResponseT_co]):
    """A call of the generated stub with one request and one answer."""

    def __call__(
        self, request: RequestT_contra, /, *, timeout: float | None = None
    ) -> ResponseT_co: ...


class CallFailed(Exception):
    """What went wrong and what to do about it, in one line."""

    def __init__(self, message: str, *, reason: str = "") -> None:
        super().__init__(message)
        self.reason = reason


@contextlib.contextmanager
def on_channel(server: str) -> Iterator[grpc.Channel]:
    """Open a channel to host:port for the length of a block, with what the command was given.

    Nothing is sent before the first call. Raises: CallFailed.
    """
    options: list[tuple[str, int | str]] = [
        ("grpc.primary_user_agent", USER_AGENT),
        ("grpc.keepalive_time_ms", KEEPALIVE_MS),
        ("grpc.keepalive_timeout_ms", KEEPALIVE_TIMEOUT_MS),
    ]
    try:
        opened = open_channel(server, given_access(), options)
    except CannotGetIn as error:
        raise CallFailed(str(error)) from None
    with opened as channel:
        yield channel


@contextlib.contextmanager
def connected(server: str) -> Iterator[AudienceSyncServiceStub]:
    """The service's calls on a channel of `on_channel`."""
    with on_channel(server) as channel:
        yield AudienceSyncServiceStub(channel)


def call(
    method: Method[RequestT_contra, ResponseT_co],
    request: RequestT_contra,
    *,
    sleep: Callable[[float], None] = time.sleep,
) -> ResponseT_co:
    """Make a call whose repetition is harmless; it is repeated while the service is away.

    Raises: CallFailed.
    """
    for wait_s in RETRY_WAITS_S:
        try:
            return method(request, timeout=CALL_TIMEOUT_S)
        except grpc.RpcError as error:
            asked_s = asked_delay_s(error)
            if error.code() not in RETRIED or asked_s > RETRY_DELAY_MAX_S:
                raise failure_of(error) from None
        sleep(max(wait_s, asked_s))
    try:
        return method(request, timeout=CALL_TIMEOUT_S)
    except grpc.RpcError as error:
        raise failure_of(error) from None


def failure_of(error: grpc.RpcError) -> CallFailed:
    """Tell an error of a call: what the service said, its reason, and what to do."""
    info = _detail(error, error_details_pb2.ErrorInfo)
    if info is None:
        return CallFailed(_transport(error))
    facts = ", ".join(f"{key}={value}" for key, value in sorted(info.metadata.items()))
    named = f"{info.reason}: {facts}" if facts else info.reason
    said = f"{(error.details() or '').rstrip('.')} ({named})"
    cure = _CURES.get(info.reason, "")
    if asked_s := asked_delay_s(error):
        cure = f"try again in {asked_s:.0f} s"
    return CallFailed(f"{said}; {cure}" if cure else said, reason=info.reason)


def asked_delay_s(error: grpc.RpcError) -> float:
    """Seconds after which the service asks to be tried again; 0 when it does not say."""
    retry = _detail(error, error_details_pb2.RetryInfo)
    return 0.0 if retry is None else float(retry.retry_delay.ToTimedelta().total_seconds())


def _transport(error: grpc.RpcError) -> str:
    match error.code():
        case grpc.StatusCode.UNAVAILABLE:
            return (
                "no service answers there; is `audience-sync serve` running? "
                "--server HOST:PORT chooses another address, --tls-ca FILE speaks TLS"
            )
        case grpc.StatusCode.DEADLINE_EXCEEDED:
            return f"no answer within {CALL_TIMEOUT_S:.0f} s; running the command again is harmless"
        case code:
            return f"the call failed: {code.name}: {error.details()}"


def _detail(error: grpc.RpcError, kind: type[Any]) -> Any | None:  # protobuf's types are generated
    status = rpc_status.from_call(error)
    for packed in status.details if status is not None else ():
        if packed.Is(kind.DESCRIPTOR):
            detail = kind()
            packed.Unpack(detail)
            return detail
    return None
