"""Spans, which are nothing unless traces are asked for. Knows nothing of OpenTelemetry.

A span has a name and attributes that we choose: names of methods, queries and endpoints, ids of
audiences and ad accounts, codes. Never a parameter, a text of an error, or what a message holds.
"""

from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from enum import Enum, auto
from types import TracebackType
from typing import Final, Protocol, Self, TypeAlias

Attributes: TypeAlias = Mapping[str, str | int]


class Kind(Enum):
    """What a span is about."""

    CALL = auto()
    """A call of a caller."""
    SYNC = auto()
    """A run of the lease holder."""
    QUERY = auto()
    """A named query; traced only inside of one of the above."""
    GRAPH = auto()
    """A call of the Graph API, which is not told that it is traced."""


class Span(Protocol):
    """What is under way."""

    def note(self, name: str, value: str | int, /) -> None: ...


class Recorder(Protocol):
    """Makes spans. `traceparent`: of W3C, by which a caller says what its call is part of."""

    def span(
        self, kind: Kind, name: str, attributes: Attributes, traceparent: str, /
    ) -> AbstractContextManager[Span]: ...

    def ids(self) -> Mapping[str, str]:
        """The trace and the span that are under way here, by name; nothing where none is kept."""


class _NoSpan:
    """Stands for every span when there are no traces."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, _: type[BaseException] | None, __: BaseException | None, ___: TracebackType | None
    ) -> None:
        pass

    def note(self, name: str, value: str | int, /) -> None:
        pass


NO_SPAN: Final = _NoSpan()
_NOTHING: Final[Attributes] = {}
_NO_IDS: Final[Mapping[str, str]] = {}
_recorder: Recorder | None = None


def is_tracing() -> bool:
    """Whether spans go anywhere."""
    return _recorder is not None


def span(
    kind: Kind, name: str, attributes: Attributes = _NOTHING, traceparent: str = ""
) -> AbstractContextManager[Span]:
    """A span around a block; a part of the one that is under way in this task."""
    if _recorder is None:
        return NO_SPAN
    return _recorder.span(kind, name, attributes, traceparent)


def trace_ids() -> Mapping[str, str]:
    """`trace_id` and `span_id` of what is under way in this task, where that is traced."""
    return _NO_IDS if _recorder is None else _recorder.ids()


@contextmanager
def recording(recorder: Recorder) -> Iterator[None]:
    """Let spans of this process go to `recorder` until the block ends."""
    global _recorder  # noqa: PLW0603 - as the loggers, it is one a process
    _recorder = recorder
    try:
        yield
    finally:
        _recorder = None
