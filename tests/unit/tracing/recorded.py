"""Records the spans of a block in memory."""

from collections.abc import Iterator
from contextlib import contextmanager

from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from service.tracing.exporting import OpenTelemetryRecorder, a_provider
from service.tracing.spans import recording


@contextmanager
def recorded(*, share: float) -> Iterator[InMemorySpanExporter]:
    """Yields where the spans end up; `share` of them are made where the caller has not decided."""
    exporter = InMemorySpanExporter()
    provider = a_provider(share=share)
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    with recording(OpenTelemetryRecorder(provider.get_tracer("test"))):
        yield exporter
