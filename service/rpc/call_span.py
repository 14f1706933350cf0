"""The span of a call, as a part of what its caller traces."""

from contextlib import AbstractContextManager
from typing import Final

from service.rpc.calls import Context
from service.tracing.spans import NO_SPAN, Attributes, Kind, Span, is_tracing, span

TRACEPARENT: Final = "traceparent"
"""The key of W3C's trace context in a call's metadata."""
TRACEPARENT_CHARS_MAX: Final = 64
"""Characters of one that is read; of the version that there is they are 55."""
_ATTRIBUTES: Final[Attributes] = {"rpc.system.name": "grpc"}


def call_span(method: str, context: Context) -> AbstractContextManager[Span]:
    """A span of a call of this method. Without traces its metadata is not looked at."""
    if not is_tracing():
        return NO_SPAN
    return span(Kind.CALL, method, _ATTRIBUTES, _traceparent(context))


def _traceparent(context: Context) -> str:
    for key, value in context.invocation_metadata() or ():
        if key == TRACEPARENT and isinstance(value, str):
            return value if len(value) <= TRACEPARENT_CHARS_MAX else ""
    return ""
