"""Sends spans to an OpenTelemetry collector. Imported only where traces are asked for.

Needs the extra `otel`. Nothing is instrumented: only our own spans are made, so no header of theirs
reaches Facebook.
"""

import asyncio
import os
import socket
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from importlib.metadata import version
from typing import Final

from opentelemetry.context import Context
from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.sdk.trace.sampling import ParentBasedTraceIdRatio
from opentelemetry.trace import Span as MadeSpan
from opentelemetry.trace import (
    SpanKind,
    StatusCode,
    Tracer,
    format_span_id,
    format_trace_id,
    get_current_span,
)
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from service.tracing.spans import NO_SPAN, Attributes, Kind, Span, recording

EXPORT_S_MAX: Final = 3
"""Seconds that sending a batch of spans may take, the last one at the end too; then it is dropped."""
_KINDS: Final = {
    Kind.CALL: SpanKind.SERVER,
    Kind.SYNC: SpanKind.INTERNAL,
    Kind.QUERY: SpanKind.CLIENT,
    Kind.GRAPH: SpanKind.CLIENT,
}
_PROPAGATOR: Final = TraceContextTextMapPropagator()


@asynccontextmanager
async def exported(endpoint: str, *, share: float) -> AsyncIterator[None]:
    """Send spans to the collector at `endpoint` (OTLP by gRPC) until the block ends.

    `share`: of the calls and syncs that are traced, where the caller has not decided.
    """
    provider = a_provider(share=share)
    exporter = OTLPSpanExporter(endpoint=endpoint, timeout=EXPORT_S_MAX)
    provider.add_span_processor(BatchSpanProcessor(exporter))
    try:
        with recording(OpenTelemetryRecorder(provider.get_tracer("audience-sync"))):
            yield
    finally:
        await asyncio.to_thread(provider.shutdown)


def a_provider(*, share: float) -> TracerProvider:
    """Makes tracers that know which process of which version they trace."""
    resource = Resource(
        {
            "service.name": "audience-sync",
            "service.version": version("audience-sync"),
            "service.instance.id": f"{socket.gethostname()}:{os.getpid()}",
        }
    )
    return TracerProvider(
        resource=resource, sampler=ParentBasedTraceIdRatio(share), shutdown_on_exit=False
    )


class OpenTelemetryRecorder:
    """Makes spans of OpenTelemetry's."""

    def __init__(self, tracer: Tracer) -> None:
        self._tracer = tracer

    @contextmanager
    def span(
        self, kind: Kind, name: str, attributes: Attributes, traceparent: str, /
    ) -> Iterator[Span]:
        """A span that tells of an error its type only: the text may quote values."""
        if kind is Kind.QUERY and not get_current_span().is_recording():
            yield NO_SPAN
            return
        with self._tracer.start_as_current_span(
            name,
            context=_parent(traceparent),
            kind=_KINDS[kind],
            attributes=dict(attributes),
            record_exception=False,
            set_status_on_exception=False,
        ) as made:
            try:
                yield _Noting(made)
            except BaseException as error:
                made.set_attribute("error.type", type(error).__qualname__)
                made.set_status(StatusCode.ERROR)
                raise

    def ids(self) -> Mapping[str, str]:
        """Of a trace that is not sampled there is nothing to look up, so it is not told."""
        context = get_current_span().get_span_context()
        if not context.trace_flags.sampled:
            return {}
        return {
            "trace_id": format_trace_id(context.trace_id),
            "span_id": format_span_id(context.span_id),
        }


def _parent(traceparent: str) -> Context | None:
    """What the caller's call is part of; None: what is under way here."""
    return _PROPAGATOR.extract({"traceparent": traceparent}, Context()) if traceparent else None


class _Noting:
    def __init__(self, made: MadeSpan) -> None:
        self._made = made

    def note(self, name: str, value: str | int, /) -> None:
        self._made.set_attribute(name, value)
