"""Reads request messages, so that bytes which are none get an answer of ours."""

from typing import Any, ClassVar

from google.protobuf.message import DecodeError

from service.rpc.calls import AtMessages, Decode
from service.rpc.errors import MalformedMessage


class DecodeRequests(AtMessages):
    """Decodes inside the interceptors: gRPC would answer with the decoder's own text."""

    takes_bytes: ClassVar[bool] = True

    async def let_in(self, request: Any, decode: Decode | None, /) -> Any:
        """Hand the decoded request on. Raises: MalformedMessage."""
        try:
            return decode(request) if decode else request
        except DecodeError:
            raise MalformedMessage from None
