"""Reads what a refused call tells its caller."""

from collections.abc import Awaitable
from dataclasses import dataclass, field

import grpc
import grpc.aio
import pytest
from google.rpc import error_details_pb2
from grpc_status import rpc_status

from service.rpc.status import ERROR_DOMAIN


@dataclass(slots=True)
class Refusal:
    """A status with its details opened."""

    code: grpc.StatusCode
    message: str
    reason: str = ""
    metadata: dict[str, str] = field(default_factory=dict)
    fields: list[str] = field(default_factory=list)
    retry_after_s: float | None = None

    @property
    def whole(self) -> str:
        return f"{self.message} {self.metadata} {self.fields}"


async def refusal(call: Awaitable[object]) -> Refusal:
    """Make a call that has to fail, and open what it failed with."""
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await call
    return read_refusal(caught.value)


def read_refusal(error: grpc.aio.AioRpcError) -> Refusal:
    found = Refusal(error.code(), error.details() or "")
    status = rpc_status.from_call(error)
    for packed in status.details if status else ():
        info, bad = error_details_pb2.ErrorInfo(), error_details_pb2.BadRequest()
        retry = error_details_pb2.RetryInfo()
        if packed.Unpack(info):
            assert info.domain == ERROR_DOMAIN
            found.reason, found.metadata = info.reason, dict(info.metadata)
        elif packed.Unpack(bad):
            found.fields = [one.field for one in bad.field_violations]
        elif packed.Unpack(retry):
            found.retry_after_s = retry.retry_delay.ToMilliseconds() / 1000
    return found
