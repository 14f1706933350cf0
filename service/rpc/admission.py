"""Bounds the bytes of messages that are in work at once."""

from typing import Any, ClassVar, Final

from service.rpc.calls import AtMessages, Decode
from service.rpc.errors import Overloaded

MESSAGE_BYTES_MAX: Final = 16 * 1024 * 1024
"""Bytes of one message; larger ones are refused by gRPC itself."""
MESSAGE_BYTES_IN_WORK_MAX: Final = 128 * 1024 * 1024
"""Bytes of all request messages in work at once."""
OVERLOAD_RETRY_SECONDS: Final = 1.0
"""Seconds that callers are asked to wait when there is no room."""


class AdmitBytes(AtMessages):
    """Refuses a call whose message would take the messages in work over `bytes_max`."""

    takes_bytes: ClassVar[bool] = True

    def __init__(self, bytes_max: int = MESSAGE_BYTES_IN_WORK_MAX) -> None:
        super().__init__()
        self._bytes_max = bytes_max
        self._in_work = 0

    async def let_in(self, request: Any, _decode: Decode | None, /) -> Any:
        """Count the message in while it is worked on. Raises: Overloaded."""
        size = len(request)
        if self._in_work + size > self._bytes_max:
            raise Overloaded(retry_after_s=OVERLOAD_RETRY_SECONDS)
        self._in_work += size
        return request

    def let_out(self, request: Any) -> None:
        self._in_work -= len(request)
