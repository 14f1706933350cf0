"""Reads request messages, so that bytes which are none get an answer of ours."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, ClassVar

from google.protobuf.message import DecodeError

from service.rpc.calls import Call, CallInterceptor
from service.rpc.errors import MalformedMessage


class DecodeRequests(CallInterceptor):
    """Decodes inside the interceptors: gRPC would answer with the decoder's own text."""

    takes_bytes: ClassVar[bool] = True
    each_message: ClassVar[bool] = True

    @asynccontextmanager
    async def around(self, call: Call) -> AsyncIterator[Any]:
        """Hand the decoded request on."""
        try:
            request = call.decode(call.request) if call.decode else call.request
        except DecodeError:
            raise MalformedMessage from None
        yield request
