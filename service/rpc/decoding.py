"""Reads request messages, so that bytes which are none get an answer of ours."""

import asyncio
from typing import Any, ClassVar, Final

from google.protobuf.message import DecodeError

from service.rpc.calls import AtMessages, Decode
from service.rpc.errors import MalformedMessage

LONG_BYTES: Final = 64 * 1024
"""Bytes of a message from which on decoding is a turn of the loop: a tenth of a millisecond or more."""


class DecodeRequests(AtMessages):
    """Decodes inside the interceptors: gRPC would answer with the decoder's own text."""

    takes_bytes: ClassVar[bool] = True

    async def let_in(self, request: Any, decode: Decode | None, /) -> Any:
        """Hand the decoded request on. Raises: MalformedMessage."""
        try:
            decoded = decode(request) if decode else request
        except DecodeError:
            raise MalformedMessage from None
        if len(request) >= LONG_BYTES:
            await asyncio.sleep(0)
        return decoded
