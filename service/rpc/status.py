"""Turns a ServiceError into google.rpc.Status; owns the table from kinds to gRPC codes."""

from collections.abc import Mapping
from typing import Final

import grpc
from google.protobuf import any_pb2, duration_pb2
from google.protobuf.message import Message
from google.rpc import error_details_pb2, status_pb2

from service.rpc.errors import Kind, ServiceError

ERROR_DOMAIN: Final = "audiencesync.v1"

CODES: Final[Mapping[Kind, grpc.StatusCode]] = {
    Kind.INVALID: grpc.StatusCode.INVALID_ARGUMENT,
    Kind.NOT_FOUND: grpc.StatusCode.NOT_FOUND,
    Kind.CONFLICT: grpc.StatusCode.ALREADY_EXISTS,
    Kind.PRECONDITION: grpc.StatusCode.FAILED_PRECONDITION,
    Kind.EXHAUSTED: grpc.StatusCode.RESOURCE_EXHAUSTED,
    Kind.UNKNOWN_CALLER: grpc.StatusCode.UNAUTHENTICATED,
    Kind.NOT_ALLOWED: grpc.StatusCode.PERMISSION_DENIED,
    Kind.BROKEN_OFF: grpc.StatusCode.ABORTED,
    Kind.UNAVAILABLE: grpc.StatusCode.UNAVAILABLE,
    Kind.INTERNAL: grpc.StatusCode.INTERNAL,
}


def status_of(error: ServiceError) -> status_pb2.Status:
    """Build the status with ErrorInfo, and BadRequest and RetryInfo where there is something to say."""
    code: int = CODES[error.kind].value[0]
    details: list[Message] = [
        error_details_pb2.ErrorInfo(
            reason=error.reason, domain=ERROR_DOMAIN, metadata=error.metadata
        )
    ]
    if error.violations:
        details.append(_bad_request(error))
    if error.retry_after_s is not None:
        details.append(error_details_pb2.RetryInfo(retry_delay=_duration(error.retry_after_s)))
    return status_pb2.Status(
        code=code, message=_message(error), details=[_pack(detail) for detail in details]
    )


def _message(error: ServiceError) -> str:
    if not error.violations:
        return error.message
    first = error.violations[0]
    return f"{error.message.rstrip('.')}: {first.field}: {first.description}"


def _bad_request(error: ServiceError) -> error_details_pb2.BadRequest:
    violations = [
        error_details_pb2.BadRequest.FieldViolation(field=one.field, description=one.description)
        for one in error.violations
    ]
    return error_details_pb2.BadRequest(field_violations=violations)


def _duration(seconds: float) -> duration_pb2.Duration:
    return duration_pb2.Duration(seconds=int(seconds), nanos=int(seconds % 1 * 1000) * 1_000_000)


def _pack(message: Message) -> any_pb2.Any:
    packed = any_pb2.Any()
    packed.Pack(message)
    return packed
